/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>
#include <stdlib.h>

/* Messages that go round in a circle end here (RFC 5321 section 6.3, RFC 9228). */

#define FROM "MAIL FROM:<a@b.test>\r\n"
#define ALICE "RCPT TO:<Alice@example.test>\r\n"
#define BOB "RCPT TO:<bob@example.test>\r\n"
#define LOOP "554 5.4.6 mail loop\r\n"
#define TAKEN "250 2.0.0 accepted as *\r\n"

static struct world *greeted(void)
{
    struct world *w = world_new(NULL, NULL);

    world_connect(w, 25);
    world_say(w, "EHLO client.test\r\n");
    CHECK(world_expect(w, "220*250 *\r\n"));
    return w;
}

/* `count` of them, then `rest`. */
static void say_received(struct world *w, int count, const char *rest)
{
    char text[16384];
    struct writer out = writer_of(text, sizeof(text) - 1);

    writer_text(&out, FROM ALICE "DATA\r\n");
    for (int i = 0; i < count; i++)
        writer_printf(&out, "%s: from x%d by y; Thu, 1 Jan 2026 00:00:00 +0000\r\n",
                      i % 2 ? "Received" : "RECEIVED", i);
    writer_text(&out, rest);
    world_say_bytes(w, writer_span(&out));
}

static void a_hundred_received_fields_are_a_loop(void)
{
    struct world *w = greeted();

    say_received(w, 99, "\r\nbody\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n354 *\r\n" TAKEN));
    say_received(w, 100, "\r\nbody\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n354 *\r\n" LOOP));
    /* Without a body the header's last field is read behind the final dot. */
    say_received(w, 100, ".\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n354 *\r\n" LOOP));
    /* Those of a message within are not ours. */
    say_received(w, 60, "Content-Type: message/rfc822\r\n\r\n");
    for (int i = 0; i < 60; i++)
        world_say(w, "Received: from x by y; Thu, 1 Jan 2026 00:00:00 +0000\r\n");
    world_say(w, "\r\nbody\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n354 *\r\n" TAKEN));
    CHECK(w->message_count == 2 && w->records[1].message.code == 554);
    CHECK(world_free(w));
}

static void what_was_delivered_to_the_recipient_is_a_loop(void)
{
    static const struct {
        const char *field;
        bool loop;
    } rows[] = {
        {"Delivered-To: alice@example.test\r\n", true},
        {"DELIVERED-TO:ALICE@Example.TEST \r\n", true},
        {"Delivered-To:\r\n \"alice\"@example.test\r\n", true},
        {"Delivered-To: x@y.test\r\nDelivered-To: alice@example.test\r\n", true},
        {"Delivered-To: bob@example.test\r\n", false},
        {"Delivered-To: alice@example.test.\r\n", false},
        {"Delivered-To: alice\r\n", false},
        {"Delivered-To: \xc3\xa4@example.test\r\n", false},
        {"Delivered-To:\r\n", false},
        {"X-Delivered-To: alice@example.test\r\n", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int bdat = 0; bdat < 2; bdat++) {
            struct world *w = greeted();
            char text[300];

            if (bdat)
                snprintf(text, sizeof(text), FROM ALICE "BDAT %zu LAST\r\n%s\r\nbody",
                         strlen(rows[i].field) + 6, rows[i].field);
            else
                snprintf(text, sizeof(text), FROM ALICE "DATA\r\n%s\r\nbody\r\n.\r\n",
                         rows[i].field);
            world_say(w, text);
            CHECK(world_expect(w, bdat           ? rows[i].loop ? "250 *\r\n250 *\r\n" LOOP
                                                                : "250 *\r\n250 *\r\n" TAKEN
                                  : rows[i].loop ? "250 *\r\n250 *\r\n354 *\r\n" LOOP
                                                 : "250 *\r\n250 *\r\n354 *\r\n" TAKEN));
            CHECK(w->message_count == !rows[i].loop);
            CHECK(world_free(w));
        }
}

static void one_reply_serves_all(void)
{
    struct world *w = greeted();

    world_say(w, FROM ALICE BOB "DATA\r\nDelivered-To: alice@example.test\r\n\r\nbody\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n250 *\r\n354 *\r\n" TAKEN));
    if (CHECK(w->message_count == 1 && w->messages[0].deliveries == 2)) {
        CHECK(w->messages[0].accounts[0] == 1 && w->messages[0].places[0] == MESSAGE_QUARANTINE);
        CHECK(w->messages[0].accounts[1] == 2 && w->messages[0].places[1] == MESSAGE_INBOX);
        CHECK(w->records[0].message.recipients[0].place == MESSAGE_QUARANTINE);
    }
    world_say(w, FROM ALICE BOB
              "DATA\r\nDelivered-To: alice@example.test\r\nDelivered-To: bob@example.test\r\n"
              "\r\nbody\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n250 *\r\n354 *\r\n" LOOP));
    CHECK(w->message_count == 1);
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_hundred_received_fields_are_a_loop);
    CHECK_CASE(what_was_delivered_to_the_recipient_is_a_loop);
    CHECK_CASE(one_reply_serves_all);
    return check_end();
}
