/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/base64.h"
#include "proto/sasl/sasl_mechanism.h"
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

enum { FOR_EVER = UINT32_MAX };

static const struct counters *counters(struct world *w)
{
    return handoff_counters(handoff_port_of(w->handoff, 0));
}

/* A world whose table does not know all. */
static struct world *begin(void)
{
    static const uint8_t no_key[16];
    struct world *w = world_new(NULL, NULL);

    w->settings.mechanisms = sasl_mechanism_bit(SASL_MECHANISMS) - 1;
    w->settings.submission_from = true;
    w->settings.directory_timeout_ms = 5000;
    directory_cache(w->settings.directory, 8, 8, no_key);
    directory_set_dynamic(w->settings.directory, true);
    world_publish(w);
    return w;
}

static void begin_mail(struct world *w)
{
    world_connect(w, 25);
    world_say(w, "EHLO c\r\nMAIL FROM:<a@far.test>\r\n");
    CHECK(world_expect(w, "220 *\r\n250-*250 *\r\n250 *\r\n"));
}

/* What control would put. */
static void put_account(struct world *w, const char *key, uint64_t id)
{
    struct directory_account account = {.id = id,
                                        .quarantine_score = INT32_MAX,
                                        .reject_score = INT32_MAX,
                                        .address = span_text(key)};

    world_put(w,
              &(struct directory_entry){.kind = DIRECTORY_ADDRESS,
                                        .until_s = FOR_EVER,
                                        .accounts = &account,
                                        .account_count = 1},
              key);
}

static void put_absent(struct world *w, enum directory_kind kind, const char *key)
{
    world_put(w,
              &(struct directory_entry){.kind = (uint8_t)kind, .until_s = FOR_EVER, .absent = true},
              key);
}

static void answer(struct world *w)
{
    w->hold = false;
    world_run(w);
}

static void who_is_found_gets_the_mail(void)
{
    struct world *w = begin();

    begin_mail(w);
    w->hold = true;
    world_say(w, "RCPT TO:<Carol+x@example.test>\r\n");
    CHECK(world_expect(w, "") && counters(w)->directory_asked == 1);
    put_absent(w, DIRECTORY_ADDRESS, "carol+x@example.test");
    put_account(w, "carol@example.test", 3);
    answer(w);
    CHECK(world_expect(w, "250 *\r\n"));
    world_say(w, "RCPT TO:<carol@example.test>\r\nDATA\r\nA: b\r\n\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n354 *\r\n250 2.0.0 *\r\n"));
    CHECK(counters(w)->directory_asked == 1 && w->message_count == 1 &&
          w->messages[0].accounts[0] == 3);
    CHECK(world_free(w));
}

static void who_is_not_found_is_refused(void)
{
    struct world *w = begin();

    begin_mail(w);
    w->hold = true;
    world_say(w, "RCPT TO:<nobody@example.test>\r\n");
    put_absent(w, DIRECTORY_ADDRESS, "nobody@example.test");
    answer(w);
    CHECK(world_expect(w, "550 5.1.1 *\r\n"));
    w->hold = true;
    world_say(w, "RCPT TO:<x@far.test>\r\n");
    put_absent(w, DIRECTORY_DOMAIN, "far.test");
    answer(w);
    CHECK(world_expect(w, "550 5.7.1 *\r\n") && counters(w)->directory_asked == 2);
    world_say(w, "RCPT TO:<nobody@example.test>\r\nRCPT TO:<y@far.test>\r\n");
    CHECK(world_expect(w, "550 5.1.1 *\r\n550 5.7.1 *\r\n") && counters(w)->directory_asked == 2);
    CHECK(world_free(w));
}

static void nobody_is_refused_for_what_is_not_known(void)
{
    struct world *w = begin();

    begin_mail(w);
    w->directory_status = JOB_FAILED;
    world_say(w, "RCPT TO:<carol@example.test>\r\nRCPT TO:<alice@example.test>\r\n");
    CHECK(world_expect(w, "451 4.4.3 *\r\n250 *\r\n") && counters(w)->directory_unasked == 1);
    /* Answered, but gone again before it was looked at. */
    w->directory_status = JOB_OK;
    world_say(w, "RCPT TO:<carol@example.test>\r\n");
    CHECK(world_expect(w, "451 4.4.3 *\r\n"));
    /* Back again. */
    w->hold = true;
    world_say(w, "RCPT TO:<carol@example.test>\r\n");
    put_account(w, "carol@example.test", 3);
    answer(w);
    CHECK(world_expect(w, "250 *\r\n"));
    CHECK(world_free(w));
}

static void an_answer_that_does_not_come_is_given_up(void)
{
    struct world *w = begin();

    begin_mail(w);
    w->hold = true;
    world_say(w, "RCPT TO:<carol@example.test>\r\n");
    world_wait(w, 3000);
    CHECK(world_expect(w, ""));
    world_wait(w, 3000);
    CHECK(world_expect(w, "451 4.4.3 *\r\n") && counters(w)->directory_unasked == 1);
    /* It comes after all, and is nobody's. */
    answer(w);
    world_say(w, "RCPT TO:<alice@example.test>\r\n");
    CHECK(world_expect(w, "250 *\r\n"));
    CHECK(world_free(w));
}

static void others_go_on_meanwhile(void)
{
    struct world *w = begin();
    struct tcp_conn *waits;

    begin_mail(w);
    w->hold = true;
    world_say(w, "RCPT TO:<carol@example.test>\r\n");
    waits = w->conn;
    begin_mail(w);
    world_say(w, "RCPT TO:<alice@example.test>\r\n");
    CHECK(world_expect(w, "250 *\r\n"));
    world_reset(w);
    w->conn = waits;
    w->closed = false;
    put_account(w, "carol@example.test", 3);
    answer(w);
    CHECK(world_expect(w, "250 *\r\n"));
    CHECK(world_free(w));
}

/* Of the client who waits nothing is left. */
static void who_leaves_is_forgotten(void)
{
    struct world *w = begin();

    begin_mail(w);
    w->hold = true;
    world_say(w, "RCPT TO:<carol@example.test>\r\n");
    world_reset(w);
    world_run(w);
    answer(w);
    CHECK(world_free(w));
}

static void put_sender(struct world *w, uint64_t account, const char *name, bool absent)
{
    char text[DIRECTORY_SENDER_KEY + 1] = {0};
    struct writer key = writer_of(text, sizeof(text) - 1);
    struct directory_entry e = {
        .kind = DIRECTORY_SENDER, .until_s = FOR_EVER, .absent = absent, .version = 1};

    directory_sender_key(&key, account, span_text(name));
    world_put_span(w, &e, writer_span(&key));
}

static void begin_submission(struct world *w)
{
    uint8_t bytes[128];
    struct writer text = writer_of(bytes, sizeof(bytes));
    static const char plain[] = "\0alice@example.test\0secret";

    world_connect(w, 587);
    world_say(w, "EHLO c\r\n");
    writer_text(&text, "AUTH PLAIN ");
    base64_put(&text, span_of(plain, sizeof(plain) - 1));
    writer_text(&text, "\r\n");
    world_say_bytes(w, writer_span(&text));
    CHECK(world_expect(w, "220 *\r\n250-*250 *\r\n235 *\r\n"));
}

static void senders_are_asked_about(void)
{
    struct world *w = begin();

    begin_submission(w);
    w->hold = true;
    world_say(w, "MAIL FROM:<office@example.test>\r\n");
    CHECK(world_expect(w, ""));
    put_absent(w, DIRECTORY_ADDRESS, "office@example.test");
    put_sender(w, 1, "office@example.test", true);
    answer(w);
    CHECK(world_expect(w, "553 5.7.1 *\r\n"));
    w->hold = true;
    world_say(w, "MAIL FROM:<team@example.test>\r\n");
    put_absent(w, DIRECTORY_ADDRESS, "team@example.test");
    put_sender(w, 1, "team@example.test", false);
    answer(w);
    world_say(w, "RCPT TO:<bob@example.test>\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n"));
    /* Of two addresses in From one is asked about, and refused; then granted. */
    w->directory_status = JOB_FAILED;
    world_say(w, "DATA\r\nFrom: alice@example.test, new@example.test\r\nSender: "
                 "alice@example.test\r\n\r\n.\r\n");
    CHECK(world_expect(w, "354 *\r\n451 4.4.3 *\r\n"));
    world_say(w, "MAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n354 *\r\n"));
    w->directory_status = JOB_OK;
    w->hold = true;
    world_say(w, "From: alice@example.test, new@example.test\r\nSender: "
                 "alice@example.test\r\n\r\n.\r\n");
    CHECK(world_expect(w, ""));
    put_account(w, "new@example.test", 1);
    answer(w);
    CHECK(world_expect(w, "250 2.0.0 *\r\n"));
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(who_is_found_gets_the_mail);
    CHECK_CASE(who_is_not_found_is_refused);
    CHECK_CASE(nobody_is_refused_for_what_is_not_known);
    CHECK_CASE(an_answer_that_does_not_come_is_given_up);
    CHECK_CASE(others_go_on_meanwhile);
    CHECK_CASE(who_leaves_is_forgotten);
    CHECK_CASE(senders_are_asked_about);
    return check_end();
}
