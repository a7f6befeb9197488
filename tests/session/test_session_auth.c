/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/base64.h"
#include "proto/sasl/sasl_mechanism.h"
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>

/* A world that offers every mechanism, and a client greeted at the port. */
static struct world *begin(uint16_t port)
{
    struct world *w = world_new(NULL, NULL);

    w->settings.mechanisms = sasl_mechanism_bit(SASL_MECHANISMS) - 1;
    w->settings.submission_from = true;
    world_publish(w);
    world_connect(w, port);
    CHECK(world_expect(w, port == 110 ? "+OK *\r\n" : "220 *\r\n"));
    if (port == 110)
        return w;
    world_say(w, "EHLO c\r\n");
    CHECK(world_expect(w, "250-*250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN\r\n*250 *\r\n"));
    return w;
}

static const struct counters *counters(struct world *w)
{
    return handoff_counters(handoff_port_of(w->handoff, 0));
}

static const char *line(const char *before, const char *bytes, size_t len)
{
    static char text[2048];
    struct writer w = writer_of(text, sizeof(text) - 1);

    writer_text(&w, before);
    base64_put(&w, span_of(bytes, len));
    writer_text(&w, "\r\n");
    text[w.len] = 0;
    return text;
}

#define PLAIN(before, password)                                                                    \
    line(before, "\0Alice@Example.TEST\0" password, sizeof("\0Alice@Example.TEST\0" password) - 1)
#define TEXT(text) line("", text, strlen(text))
#define NONCE "abcMDEyMzQ1Njc4OWFiY2RlZmcA"
#define NO_PROOF "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void a_message_is_submitted(void)
{
    struct world *w = begin(587);

    world_say(w, "MAIL FROM:<alice@example.test>\r\n");
    CHECK(world_expect(w, "530 5.7.0 *\r\n"));
    world_say(w, PLAIN("AUTH PLAIN ", "secret"));
    CHECK(world_expect(w, "235 2.7.0 *\r\n") && counters(w)->auth_logins == 1);
    world_say(w, "MAIL FROM:<bob@example.test>\r\nMAIL FROM:<alice+x@example.test>\r\n"
                 "RCPT TO:<bob@example.test>\r\nDATA\r\nFrom: alice@example.test\r\nBcc: "
                 "x\r\n\r\nbody\r\n.\r\n");
    CHECK(world_expect(w, "553 5.7.1 *\r\n250 *\r\n250 *\r\n354 *\r\n250 2.0.0 accepted *\r\n"));
    if (CHECK(w->message_count == 1)) {
        const char *text = (const char *)w->messages[0].bytes;

        CHECK(strstr(text, "with ESMTPA id ") && strstr(text, "\r\nDate: ") &&
              !strstr(text, "Bcc"));
    }
    CHECK(w->record_count == 2);
    CHECK_TEXT(record_text_span(&w->records[1], w->records[1].message.login), "alice@example.test");
    CHECK(world_free(w));
}

/* Without a place for it, it is deferred; with one, each recipient has an entry of its own. */
static void mail_for_others_goes_to_the_queue(void)
{
    static const struct directory_account queue = {
        .id = 9, .quarantine_score = INT32_MAX, .reject_score = INT32_MAX};
    struct world *w = begin(587);

    world_say(w, PLAIN("AUTH PLAIN ", "secret"));
    world_say(w, "MAIL FROM:<alice@example.test>\r\nRCPT TO:<a@far.test>\r\n");
    CHECK(world_expect(w, "235 *\r\n250 *\r\n451 4.3.2 *\r\n"));
    world_put(
        w,
        &(struct directory_entry){.kind = DIRECTORY_QUEUE, .accounts = &queue, .account_count = 1},
        DIRECTORY_QUEUE_KEY);
    world_say(w, "RCPT TO:<a@far.test>\r\nRCPT TO:<b@far.test>\r\nRCPT TO:<a@far.test>\r\nDATA\r\n"
                 "From: alice@example.test\r\n\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n250 *\r\n354 *\r\n250 2.0.0 *\r\n"));
    if (CHECK(w->message_count == 1 && w->messages[0].deliveries == 2)) {
        CHECK(w->messages[0].accounts[0] == 9 && w->messages[0].accounts[1] == 9);
        CHECK(strncmp((const char *)w->messages[0].bytes, "Received: ", 10) == 0);
    }
    CHECK(world_free(w));
}

static void say_scram(struct world *w, const char *proof)
{
    char final[256];

    world_say(w, TEXT("n,,n=alice@example.test,r=abc"));
    snprintf(final, sizeof(final), "c=biws,r=" NONCE ",p=%s", proof);
    world_say(w, TEXT(final));
}

static void scram_asks_twice(void)
{
    struct world *w = begin(587);

    world_say(w, "AUTH SCRAM-SHA-256\r\n");
    say_scram(w, "AAAA");
    CHECK(world_expect(w, "334 \r\n334 *\r\n501 5.5.2 *\r\n"));
    world_say(w, "AUTH SCRAM-SHA-256\r\n");
    say_scram(w, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    CHECK(world_expect(w, "334 \r\n334 *\r\n535 5.7.8 *\r\n"));
    world_say(w, "AUTH SCRAM-SHA-256\r\n");
    say_scram(w, NO_PROOF);
    CHECK(world_expect(w, "334 \r\n334 *\r\n334 dj1BQUFB*\r\n"));
    world_say(w, "\r\n");
    CHECK(world_expect(w, "235 *\r\n"));
    CHECK(world_free(w));
}

static void pop3_opens_the_mailbox_behind_it(void)
{
    struct world *w = begin(110);

    world_say(w, "CAPA\r\n");
    CHECK(world_expect(w, "+OK*SASL SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN\r\n*.\r\n"));
    world_say(w, PLAIN("AUTH PLAIN ", "wrong"));
    CHECK(world_expect(w, "-ERR [AUTH] *\r\n"));
    world_say(w, "AUTH SCRAM-SHA-256\r\n");
    say_scram(w, NO_PROOF);
    world_say(w, "\r\nSTAT\r\nQUIT\r\n");
    CHECK(world_expect(w, "+ \r\n+ *\r\n+ *\r\n+OK mailbox open\r\n+OK 0 0\r\n+OK bye\r\n"));
    CHECK(w->closed && w->views == 0);
    CHECK(world_free(w));
}

static void a_wrong_password_is_answered_later(void)
{
    for (int pop3 = 0; pop3 < 2; pop3++) {
        struct world *w = begin(pop3 ? 110 : 587);
        char said[256];

        w->login_delay_ms = 4000;
        snprintf(said, sizeof(said), "%sNOOP\r\nQUIT\r\n", PLAIN("AUTH PLAIN ", "wrong"));
        world_say(w, said);
        world_wait(w, 3800);
        CHECK(world_expect(w, "") && counters(w)->auth_delayed == 1);
        world_wait(w, 400);
        CHECK(world_expect(w, pop3 ? "-ERR [AUTH] *\r\n-ERR not in*\r\n+OK bye\r\n"
                                   : "535 *\r\n250 *\r\n221 *\r\n"));
        CHECK(counters(w)->sessions_timed_out == 0);
        CHECK(world_free(w));
    }
}

/* Reset, closed or drained: while control has the question, or the answer is held back. */
static void whoever_goes_meanwhile_leaves_nothing(void)
{
    struct notice drain = {.kind = NOTICE_DRAIN, .argument = 0};

    for (int how = 0; how < 12; how++) {
        struct world *w = begin(how & 1 ? 110 : 587);

        w->login_delay_ms = 30000;
        w->late = how & 2;
        world_say(w, PLAIN("AUTH PLAIN ", "wrong"));
        if (how / 4 == 0)
            world_reset(w);
        else if (how / 4 == 1)
            world_close(w);
        else
            notice_send(w->handoff, UINT16_MAX, &drain);
        world_wait(w, 1000);
        w->late = false;
        world_wait(w, 40000);
        CHECK(sessions_count(w->sessions) == 0);
        CHECK(world_free(w));
    }
}

static void lines_may_be_long_in_an_exchange_alone(void)
{
    struct world *w = begin(587);
    static char text[12300];

    memset(text, 'A', sizeof(text) - 1);
    memcpy(text + 12286, "\r\n", 3);
    world_say(w, "AUTH PLAIN\r\n");
    w->step = 500;
    world_say(w, text);
    CHECK(world_expect(w, "334 \r\n501 5.5.2 *\r\n"));
    world_say(w, "AUTH PLAIN\r\n");
    memcpy(text + 12286, "A\r\n", 4);
    world_say(w, text);
    CHECK(world_expect(w, "334 \r\n500 5.5.6 *\r\n"));
    memcpy(text, "NOOP ", 5);
    memcpy(text + 1100, "\r\n", 3);
    world_say(w, text);
    CHECK(world_expect(w, "500 5.5.2 *\r\n"));
    CHECK(world_free(w));
}

static void they_are_as_long_in_pop3(void)
{
    struct world *w = begin(110);
    static char text[12300];

    memset(text, 'A', sizeof(text) - 1);
    memcpy(text + 12286, "\r\n", 3);
    w->step = 500;
    /* The name of USER lies in the small buffer that the exchange gives back. */
    world_say(w, "USER alice@example.test\r\nAUTH PLAIN\r\n");
    world_say(w, text);
    CHECK(world_expect(w, "+OK *\r\n+ \r\n-ERR cannot read*\r\n"));
    world_say(w, "PASS secret\r\nAUTH PLAIN\r\n");
    memcpy(text + 12286, "A\r\n", 4);
    world_say(w, text);
    CHECK(world_expect(w, "-ERR not in*\r\n+ \r\n-ERR line too long\r\n") && w->closed);
    CHECK(world_free(w));
    w = begin(110);
    memcpy(text, "AUTH PLAIN ", 11);
    memcpy(text + 254, "\r\n", 3);
    world_say(w, text);
    CHECK(world_expect(w, "-ERR line too long\r\n") && w->closed);
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_message_is_submitted);
    CHECK_CASE(mail_for_others_goes_to_the_queue);
    CHECK_CASE(scram_asks_twice);
    CHECK_CASE(pop3_opens_the_mailbox_behind_it);
    CHECK_CASE(a_wrong_password_is_answered_later);
    CHECK_CASE(whoever_goes_meanwhile_leaves_nothing);
    CHECK_CASE(lines_may_be_long_in_an_exchange_alone);
    CHECK_CASE(they_are_as_long_in_pop3);
    return check_end();
}
