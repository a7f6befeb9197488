/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>
#include <string.h>

/* What every server has to take, and must not make difficulties about: RFC 5321. */

#define FIFTY "12345678901234567890123456789012345678901234567890"

static void ready(struct world *w)
{
    world_connect(w, 25);
    world_say(w, "EHLO client.test\r\n");
    CHECK(world_expect(w, "220 mx.example.test ESMTP*250-mx.example.test*250 *\r\n"));
}

static void check_message(struct world *w, const char *prefix, const char *body)
{
    struct world_message *m = &w->messages[0];
    struct span all = span_of(m->bytes, m->len);

    if (!CHECK(w->message_count == 1))
        return;
    CHECK(m->prefix > strlen(prefix) && memcmp(m->bytes, prefix, strlen(prefix)) == 0);
    CHECK_TEXT(span_of(all.data + m->prefix, all.len - m->prefix), body);
}

/* Section 3.3: Resent- fields that do not match, section 3.7.2: trace fields of any form, are no
 * reason to refuse. Section 4.4: Received fields stay as they are, ours stands in front; a
 * Return-Path is not another's to write, and renamed. */
static void odd_resent_and_trace_fields_are_taken(void)
{
    static const char text[] = "Received: nobody knows; yesterday\r\n"
                               "Received:\r\n"
                               "Return-Path: elsewhere\r\n"
                               "Delivered-To: nobody@elsewhere.test\r\n"
                               "Resent-To: x@y.test\r\nResent-To: z@y.test\r\n"
                               "Resent-Message-ID: <1@y.test>\r\n\r\nbody\r\n";
    struct world *w = world_new(NULL, NULL);
    char kept[sizeof(text)];

    memcpy(kept, text, sizeof(text));
    memcpy(strstr(kept, "Return-Path"), "X-", 2);
    ready(w);
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
    world_say(w, text);
    world_say(w, ".\r\n");
    CHECK(world_expect(w, "250 2.1.0 *354 *250 2.0.0 *\r\n"));
    check_message(
        w,
        "Return-Path: <a@b.test>\r\nDelivered-To: alice@example.test\r\nReceived: from client.test",
        kept);
    CHECK(world_free(w));
}

/* Sections 2.4, 4.1.1.3: verbs, keywords and domains in any case, local parts as they were spelled.
 */
static void local_parts_keep_their_case(void)
{
    struct world *w = world_new(NULL, NULL);

    ready(w);
    world_say(w, "mail From:<SeNder@B.test> body=8bitMIME\r\nrcpt "
                 "tO:<Alice@EXAMPLE.test>\r\nDaTa\r\nx\r\n.\r\n");
    CHECK(world_expect(w, "250 2.1.0 *354 *250 2.0.0 *\r\n"));
    check_message(w, "Return-Path: <SeNder@B.test>\r\n", "x\r\n");
    CHECK(strstr((char *)w->messages[0].bytes, "for <Alice@EXAMPLE.test>;") != NULL);
    CHECK(world_free(w));
}

/* Sections 4.1.1.5, 4.1.4: RSET, NOOP, VRFY and HELP at any time, also before EHLO; none of them
 * closes, and all but RSET leave the transaction alone. */
static void small_commands_come_at_any_time(void)
{
    struct world *w = world_new(NULL, NULL);

    world_connect(w, 25);
    world_say(w, "RSET\r\nNOOP x y\r\nVRFY alice\r\nHELP\r\nHELP DATA\r\nEHLO client.test\r\n");
    CHECK(world_expect(w, "220 *250 2.0.0 ok\r\n250 2.0.0 ok\r\n252 *214 *214 *250-mx*\r\n"));
    world_say(w, "MAIL FROM:<a@b.test>\r\nNOOP\r\nRCPT TO:<alice@example.test>\r\nVRFY "
                 "bob\r\nHELP\r\nDATA\r\nx\r\n.\r\n");
    CHECK(world_expect(
        w, "250 2.1.0 *250 2.0.0 ok\r\n250 2.1.5 *252 *214 *354 *250 2.0.0 accepted*\r\n"));
    world_say(w, "RSET\r\nRSET\r\nQUIT\r\n");
    CHECK(world_expect(w, "250 2.0.0 ok\r\n250 2.0.0 ok\r\n221 *\r\n") && w->closed);
    CHECK(world_free(w));
}

/* Sections 4.5.3.1.1 to 4.5.3.1.4, 4.5.3.1.6: a local part of 64 octets, a path of 256, a command
 * of 512, a line of 1000. */
static void objects_of_the_least_sizes_are_taken(void)
{
    static char line[1200];
    struct world *w = world_new(NULL, NULL);

    ready(w);
    snprintf(line, sizeof(line),
             "MAIL FROM:<" FIFTY "12345678901234@" FIFTY "." FIFTY "." FIFTY
             ".1234567890123456789012345678901.test>\r\n");
    CHECK(strlen(line) == strlen("MAIL FROM:\r\n") + 256);
    world_say(w, line);
    CHECK(world_expect(w, "250 2.1.0 *\r\n"));
    snprintf(line, sizeof(line), "NOOP %0505d\r\n", 0);
    CHECK(strlen(line) == 512);
    world_say(w, line);
    CHECK(world_expect(w, "250 2.0.0 ok\r\n"));
    world_say(w, "RCPT TO:<alice@example.test>\r\nDATA\r\n");
    snprintf(line, sizeof(line), "..%0997d\r\n", 0);
    CHECK(strlen(line) == 1001);
    world_say(w, line);
    world_say(w, ".\r\n");
    CHECK(world_expect(w, "250 2.1.5 *354 *250 2.0.0 *\r\n"));
    check_message(w, "Return-Path: <" FIFTY, line + 1);
    CHECK(world_free(w));
}

/* Section 4.5.3.1.8: 100 recipients; section 4.5.3.1.10: 452 to the next, and the message goes to
 * the hundred. */
static void a_hundred_recipients_are_taken(void)
{
    struct world *w = world_new(NULL, NULL);

    ready(w);
    world_say(w, "MAIL FROM:<a@b.test>\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n"));
    for (int i = 0; i < 100; i++) {
        world_say(w, "RCPT TO:<alice@example.test>\r\n");
        CHECK(world_expect(w, "250 2.1.5 *\r\n"));
    }
    world_say(w, "RCPT TO:<bob@example.test>\r\nDATA\r\nx\r\n.\r\n");
    CHECK(world_expect(w, "452 4.5.3 *354 *250 2.0.0 *\r\n"));
    check_message(w, "Return-Path: <a@b.test>\r\n", "x\r\n");
    CHECK(world_free(w));
}

/* Section 4.1.1.10: what was answered stays when the client goes without QUIT, what was not is
 * dropped. */
static void a_client_that_goes_takes_only_what_was_not_answered(void)
{
    struct world *w = world_new(NULL, NULL);

    ready(w);
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nx\r\n.\r\n");
    CHECK(world_expect(w, "250 2.1.0 *250 2.0.0 *\r\n"));
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nsecond\r\n");
    world_close(w);
    world_run(w);
    CHECK(w->message_count == 1 && w->commits == 1);
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(odd_resent_and_trace_fields_are_taken);
    CHECK_CASE(local_parts_keep_their_case);
    CHECK_CASE(small_commands_come_at_any_time);
    CHECK_CASE(objects_of_the_least_sizes_are_taken);
    CHECK_CASE(a_hundred_recipients_are_taken);
    CHECK_CASE(a_client_that_goes_takes_only_what_was_not_answered);
    return check_end();
}
