/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_rules.h"
#include "tests/session/session_world.h"

#include <stdlib.h>

#define HELLO "EHLO client.test\r\n"
#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
#define HELLO_REPLY "250-mx.example.test*250 *\r\n"
#define ENVELOPE_REPLY "250 2.1.0 *\r\n250 2.1.5 *\r\n354 *\r\n"

static void ready(struct world *w)
{
    world_connect(w, 25);
    CHECK(world_expect(w, "220 mx.example.test ESMTP*\r\n"));
    world_say(w, HELLO);
    CHECK(world_expect(w, HELLO_REPLY));
}

static void check_body(struct world *w, uint32_t index, struct span body)
{
    struct world_message *m = &w->messages[index];

    if (CHECK(index < w->message_count))
        CHECK(span_equal(span_of(m->bytes + m->prefix, m->len - m->prefix), body));
}

static const char small[] = "Subject: hello\r\n\r\n..dot\r\nend\r\n.\r\n";
static const char small_body[] = "Subject: hello\r\n\r\n.dot\r\nend\r\n";

static void one_message_is_stored_before_its_250(void)
{
    struct world *w = world_new(NULL, NULL);

    ready(w);
    world_say(w, ENVELOPE);
    CHECK(world_expect(w, ENVELOPE_REPLY));
    w->hold = true;
    world_say(w, small);
    CHECK(world_expect(w, ""));
    CHECK(w->message_count == 0);
    w->hold = false;
    world_run(w);
    CHECK(world_expect(w, "250 2.0.0 accepted as *\r\n"));
    check_body(w, 0, span_text(small_body));
    CHECK(memcmp(w->messages[0].bytes, "Return-Path: <a@b.test>\r\n", 25) == 0);
    world_say(w, "QUIT\r\n");
    CHECK(world_expect(w, "221 *\r\n") && w->closed);
    CHECK(world_free(w));
}

static void any_cut_of_the_input_gives_the_same(void)
{
    for (size_t step = 1; step < 40; step += 3) {
        struct world *w = world_new(NULL, NULL);

        w->step = step;
        ready(w);
        world_say(w, ENVELOPE);
        CHECK(world_expect(w, ENVELOPE_REPLY));
        world_say(w, small);
        CHECK(world_expect(w, "250 2.0.0 *\r\n"));
        check_body(w, 0, span_text(small_body));
        CHECK(world_free(w));
    }
}

static void a_pipelined_session_in_one_piece(void)
{
    struct world *w = world_new(NULL, NULL);

    world_connect(w, 25);
    world_say(w,
              HELLO ENVELOPE "x\r\n.\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@example.test>\r\n"
                             "RCPT TO:<x@elsewhere.test>\r\nQUIT\r\n");
    CHECK(world_expect(w, "220*" ENVELOPE_REPLY
                          "250 2.0.0 accepted*\r\n250 2.0.0 ok\r\n250 2.1.0*\r\n550 5.1.1*\r\n"
                          "550 5.7.1*\r\n221*\r\n"));
    CHECK(w->message_count == 1 && w->closed);
    CHECK(world_free(w));
}

static uint8_t *large_body(size_t len)
{
    uint8_t *body = malloc(len);

    for (size_t i = 0; i < len; i++)
        body[i] = i % 76 == 74 ? '\r' : i % 76 == 75 ? '\n' : (uint8_t)('A' + i / 76 % 26);
    body[len - 2] = '\r';
    body[len - 1] = '\n';
    if (body[len - 3] == '\r')
        body[len - 3] = 'x';
    return body;
}

static void say_large(struct world *w, struct span body)
{
    ready(w);
    world_say(w, ENVELOPE);
    CHECK(world_expect(w, ENVELOPE_REPLY));
    world_say_bytes(w, body);
    world_say(w, ".\r\n");
}

static void a_large_message_goes_to_the_store_while_it_arrives(void)
{
    const size_t sizes[] = {4000, 4072, 4073, 65511, 65512, 65513, 131024, 200000, 5000000};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct world *w = world_new(NULL, NULL);
        size_t len = sizes[i] / 76 * 76 + (sizes[i] % 76 < 3 ? 3 : sizes[i] % 76);
        uint8_t *body = large_body(len);

        say_large(w, span_of(body, len));
        CHECK(world_expect(w, "250 2.0.0 *\r\n"));
        check_body(w, 0, span_of(body, len));
        CHECK(w->writes >= len / CHUNK_LARGE_DATA - (len >= CHUNK_LARGE_DATA));
        CHECK(chunk_peak(w->pool, CHUNK_LARGE) < 32);
        CHECK(world_free(w));
        free(body);
    }
}

static void few_chunks_only_slow_the_sender_down(void)
{
    struct world *w = world_new(NULL, (uint32_t[]){64, 64, 8});
    uint8_t *body = large_body(2000000);

    say_large(w, span_of(body, 2000000));
    CHECK(world_expect(w, "250 2.0.0 *\r\n"));
    check_body(w, 0, span_of(body, 2000000));
    CHECK(world_free(w));
    free(body);
}

static void a_failing_store_defers_and_leaves_nothing(void)
{
    static const struct {
        enum job_status status;
        const char *reply, *with_envelope;
    } rows[] = {{JOB_FAILED, "451 4.3.0 *\r\n", ENVELOPE_REPLY "451 4.3.0 *\r\n"},
                {JOB_DISK_FULL, "452 4.3.1 *\r\n", ENVELOPE_REPLY "452 4.3.1 *\r\n"},
                {JOB_FULL, "452 4.2.2 *\r\n", ENVELOPE_REPLY "452 4.2.2 *\r\n"}};
    uint8_t *body = large_body(300000);

    for (size_t i = 0; i < 3; i++) {
        struct world *w = world_new(NULL, NULL);

        w->commit_status = rows[i].status;
        say_large(w, span_of(body, 300000));
        CHECK(world_expect(w, rows[i].reply));
        CHECK(w->message_count == 0 && w->row_count == 0 && w->discards == 1);
        /* The next one on the same connection is none the worse. */
        w->commit_status = JOB_OK;
        world_say(w, ENVELOPE);
        world_say(w, small);
        CHECK(world_expect(w, ENVELOPE_REPLY "250 2.0.0 *\r\n"));
        w->write_status = rows[i].status;
        world_say(w, ENVELOPE);
        world_say_bytes(w, span_of(body, 300000));
        world_say(w, ".\r\n");
        CHECK(world_expect(w, rows[i].with_envelope));
        CHECK(w->message_count == 1);
        CHECK(world_free(w));
    }
    free(body);
}

static void a_client_that_goes_leaves_nothing(void)
{
    uint8_t *body = large_body(300000);

    /* Closed or reset, before the final dot and behind it, with the commit not begun (2, 4) or done
     * (3). */
    for (int how = 0; how < 5; how++) {
        struct world *w = world_new(NULL, NULL);

        ready(w);
        world_say(w, ENVELOPE);
        world_say_bytes(w, span_of(body, 300000));
        w->hold = how == 2 || how == 4;
        w->late = how == 3;
        if (how >= 2)
            world_say(w, ".\r\n");
        if (how == 0 || how == 2)
            world_close(w);
        else
            world_reset(w);
        w->hold = w->late = false;
        world_wait(w, 1000);
        CHECK(w->message_count == (how == 2 || how == 3));
        CHECK(w->message_records == 1 && w->records[0].message.code == (how == 2 ? 250 : 0));
        CHECK(w->row_count == 0);
        CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->messages_unanswered == (how == 3));
        CHECK(world_free(w));
    }
    free(body);
}

static void a_client_may_go_while_the_last_row_is_written(void)
{
    struct world *w = world_new(NULL, NULL);
    uint8_t *body = large_body(100000);

    ready(w);
    world_say(w, ENVELOPE);
    w->hold = true;
    world_say_bytes(w, span_of(body, 100000));
    world_say(w, ".\r\n");
    world_reset(w);
    w->hold = false;
    world_wait(w, 1000);
    CHECK(sessions_count(w->sessions) == 0 && w->message_records == 1);
    CHECK(w->row_count == 0 && w->discards == 1 && w->message_count == 0);
    CHECK(world_free(w));
    free(body);
}

static void a_session_stays_until_its_rows_can_be_discarded(void)
{
    enum { FULL = sizeof(((struct sessions *)0)->discards) / sizeof(struct job_store_discard) };
    struct world *w = world_new(NULL, NULL);
    struct handoff_port *port = handoff_port_of(w->handoff, 0);
    uint8_t *body = large_body(100000);
    struct job *job, *all = NULL;

    ready(w);
    world_say(w, ENVELOPE);
    world_say_bytes(w, span_of(body, 100000));
    for (; (job = job_take(port)) != NULL; all = job)
        job->next = all;
    w->sessions->discard_count = FULL;
    world_reset(w);
    CHECK(sessions_count(w->sessions) == 1);
    for (; (job = all) != NULL; job_give(port, job))
        all = job->next;
    world_wait(w, 100);
    CHECK(sessions_count(w->sessions) == 0 && w->discards == FULL + 1 && w->row_count == 0);
    CHECK(world_free(w));
    free(body);
}

static void a_peer_that_drips_is_not_waited_for(void)
{
    struct world *w = world_new(NULL, NULL);

    ready(w);
    for (int i = 0; i < 4 && !w->closed; i++) {
        world_say(w, "N");
        world_wait(w, 100000);
    }
    CHECK(world_expect(w, "421 4.4.2 *\r\n") && w->closed);
    ready(w);
    world_say(w, ENVELOPE);
    CHECK(world_expect(w, ENVELOPE_REPLY));
    for (int i = 0; i < 4 && !w->closed; i++) {
        world_say(w, "x");
        world_wait(w, 60000);
    }
    CHECK(world_expect(w, "421 4.4.2 *\r\n") && w->closed);
    CHECK(world_free(w));
}

static void silence_ends_the_session(void)
{
    struct world *w = world_new(NULL, NULL);

    ready(w);
    world_wait(w, 290000);
    CHECK(world_expect(w, "") && !w->closed);
    world_wait(w, 12000);
    CHECK(world_expect(w, "421 4.4.2 *\r\n") && w->closed);
    CHECK(world_free(w));
}

static void a_store_that_is_late_is_asked_to_drop_it(void)
{
    struct world *w = world_new(NULL, NULL);

    ready(w);
    world_say(w, ENVELOPE);
    w->hold = true;
    world_say(w, small);
    world_expect(w, ENVELOPE_REPLY);
    world_wait(w, 61000);
    CHECK(world_expect(w, ""));
    w->hold = false;
    world_run(w);
    CHECK(world_expect(w, "451 4.3.0 *\r\n"));
    CHECK(w->message_count == 0);
    CHECK(world_free(w));
}

static void every_message_and_connection_leaves_one_record(void)
{
    struct world *w = world_new(NULL, NULL);
    const struct record_message *m;
    uint64_t sum = 0;

    ready(w);
    world_say(w, ENVELOPE);
    world_say(
        w, "From: =?utf-8?q?J=C3=B6rg?= <j@b.test>\r\nSubject: one\r\n two\r\n\r\nbody\r\n.\r\n");
    world_say(w, "MAIL FROM:<x@y.test>\r\nRSET\r\nQUIT\r\n");
    if (!CHECK(w->record_count == 3))
        return;
    m = &w->records[0].message;
    CHECK(w->records[0].kind == RECORD_MESSAGE && m->code == 250 && m->recipient_count == 1);
    CHECK_TEXT(record_text_span(&w->records[0], m->subject), "one two");
    CHECK_TEXT(record_text_span(&w->records[0], m->from), "J\xc3\xb6rg <j@b.test>");
    CHECK_TEXT(record_text_span(&w->records[0], m->sender), "a@b.test");
    CHECK(m->recipients[0].code == 250 && m->tree.len > 0 && (m->commit_us == 0) == w->near);
    for (int i = 0; i < STAGES; i++)
        sum += m->cycles[i];
    CHECK(m->cycles_total > 0 && sum <= m->cycles_total && sum * 50 >= m->cycles_total * 49);
    CHECK(w->records[1].kind == RECORD_MESSAGE && w->records[1].message.code == 0);
    CHECK(w->records[2].kind == RECORD_CONNECTION && w->records[2].connection.messages == 1);
    CHECK_TEXT(record_text_span(&w->records[2], w->records[2].connection.helo), "client.test");
    CHECK(w->records[2].connection.commands == 7 &&
          w->records[2].connection.bytes_out == tcp_counters(w->tcp)->bytes_out);
    CHECK(world_free(w));
}

static void bare_line_ends_are_refused_and_the_connection_ends(void)
{
    static const char *const forms[] = {"a\nb\r\n", "a\rb\r\n", "\n.\r\n", "\r\n.\n"};

    for (size_t i = 0; i < 4; i++) {
        struct world *w = world_new(NULL, NULL);

        ready(w);
        world_say(w, ENVELOPE);
        world_expect(w, ENVELOPE_REPLY);
        world_say(w, forms[i]);
        CHECK(world_expect(w, "550 5.5.2 bare *\r\n") && w->closed);
        CHECK(w->message_count == 0);
        CHECK(w->record_count == 2 && w->records[0].message.code == 550);
        CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->messages_rejected == 1);
        CHECK(world_free(w));
    }
}

static void drain_lets_transactions_finish(void)
{
    struct world *w = world_new(NULL, NULL);
    struct notice drain = {.kind = NOTICE_DRAIN, .argument = 10000};

    ready(w);
    world_say(w, ENVELOPE);
    world_expect(w, ENVELOPE_REPLY);
    notice_send(w->handoff, 0, &drain);
    world_run(w);
    CHECK(!w->closed);
    world_say(w, small);
    CHECK(world_expect(w, "250 2.0.0 *\r\n421 4.3.2 *\r\n") && w->closed);
    world_connect(w, 25);
    CHECK(world_expect(w, "") && w->closed);
    CHECK(world_free(w));
}

static void new_settings_reach_sessions_that_stand(void)
{
    struct world *w = world_new(NULL, NULL);

    ready(w);
    strcpy(w->settings.hostname, "other.example.test");
    world_publish(w);
    world_say(w, HELLO);
    CHECK(world_expect(w, "250-other.example.test*\r\n"));
    CHECK(world_free(w));
}

/* What is offered is what holds. */
static void limits_are_those_of_the_settings(void)
{
    struct world *w = world_new(NULL, NULL);

    w->settings.messages_max = 2;
    w->settings.recipients_max = 1;
    world_publish(w);
    world_connect(w, 25);
    world_say(w, HELLO);
    CHECK(world_expect(w, "220*250-LIMITS MAILMAX=2 RCPTMAX=1\r\n*250 *\r\n"));
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT "
                 "TO:<bob@example.test>\r\nDATA\r\nx\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n452 4.5.3 *\r\n354 *\r\n250 2.0.0 *\r\n"));
    world_say(w, ENVELOPE "x\r\n.\r\n");
    CHECK(world_expect(w, ENVELOPE_REPLY "250 2.0.0 *\r\n"));
    world_say(w, "MAIL FROM:<a@b.test>\r\n");
    CHECK(world_expect(w, "421 4.7.0 too many messages*\r\n") && w->closed);
    CHECK(world_free(w));
}

/* ---- rules ---- */

static void rules_judge_message_sender_and_recipient(void)
{
    struct rule_pattern patterns[] = {session_rules_pattern(RULE_SCOPE_BODY, "evil words"),
                                      session_rules_pattern(RULE_SCOPE_BODY, "dubious words"),
                                      session_rules_pattern(RULE_SCOPE_MAIL_FROM, "bad@"),
                                      session_rules_pattern(RULE_SCOPE_RCPT_TO, "bob@"),
                                      session_rules_pattern(RULE_SCOPE_HEADER, "Secret")};
    struct rule rules[5];
    struct rule_generation *g;
    struct world *w;

    patterns[4].header = span_text("Subject");
    rules[0] = session_rules_rule("evil", &patterns[0], RULE_ACTION_REJECT);
    rules[1] = session_rules_rule("dubious", &patterns[1], RULE_ACTION_QUARANTINE);
    rules[2] = session_rules_rule("sender", &patterns[2], RULE_ACTION_REJECT);
    rules[3] = session_rules_rule("recipient", &patterns[3], RULE_ACTION_REJECT);
    rules[4] = session_rules_rule("subject", &patterns[4], RULE_ACTION_REJECT);
    g = session_rules_new(rules, 5);
    w = world_new(g, NULL);
    ready(w);
    world_say(w, ENVELOPE "Content-Transfer-Encoding: base64\r\n\r\nZXZpbCB3\r\nb3Jkcw==\r\n.\r\n");
    CHECK(world_expect(w, ENVELOPE_REPLY "550 5.7.1 not wanted here\r\n"));
    CHECK(w->message_count == 0);
    world_say(w, ENVELOPE "\r\nsome dubious words\r\n.\r\n");
    CHECK(world_expect(w, ENVELOPE_REPLY "250 2.0.0 *\r\n"));
    CHECK(w->message_count == 1 && w->messages[0].places[0] == MESSAGE_QUARANTINE);
    world_say(w, "MAIL FROM:<bad@b.test>\r\nRCPT TO:<alice@example.test>\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n550 5.7.1 not wanted here\r\n"));
    world_say(w, "RSET\r\n");
    CHECK(world_expect(w, "250 *\r\n"));
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<bob@example.test>\r\nRCPT "
                 "TO:<alice@example.test>\r\nDATA\r\n"
                 "\r\nfine\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n550 5.7.1 not wanted here\r\n"
                          "250 2.1.5*\r\n354*\r\n250 2.0.0*\r\n"));
    CHECK(w->messages[1].deliveries == 1 && w->messages[1].accounts[0] == 1);
    /* Each spelling of a recipient has its own line in the record, and one copy is delivered. */
    w->record_count = 0;
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT "
                 "TO:<Alice@Example.Test>\r\nDATA\r\n"
                 "\r\nsome dubious words\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n250 *\r\n354*\r\n250 2.0.0*\r\n"));
    CHECK(w->message_count == 3 && w->messages[2].deliveries == 1);
    for (int i = 0; i < 2; i++)
        CHECK(w->records[0].message.recipients[i].place == MESSAGE_QUARANTINE &&
              w->records[0].message.recipients[i].verdict == RULE_ACTION_QUARANTINE);
    /* No body at all, and a body: the header alone decides. */
    world_say(w,
              ENVELOPE "Subject: Secret\r\n.\r\n" ENVELOPE "Subject: Secret\r\n\r\nbody\r\n.\r\n");
    CHECK(world_expect(w, ENVELOPE_REPLY "550 5.7.1 not wanted here\r\n" ENVELOPE_REPLY
                                         "550 5.7.1 not wanted here\r\n"));
    CHECK(w->message_count == 3 && w->message_records == 7);
    CHECK_TEXT(record_text_span(&w->records[0], w->records[0].message.rule), "dubious");
    CHECK(world_free(w));
    session_rules_free(g);
}

static void mail_to_postmasters_alone_is_not_refused(void)
{
    struct rule_pattern patterns[] = {session_rules_pattern(RULE_SCOPE_BODY, "evil words"),
                                      session_rules_pattern(RULE_SCOPE_HEADER, "Secret"),
                                      session_rules_pattern(RULE_SCOPE_RCPT_TO, "abuse@"),
                                      session_rules_pattern(RULE_SCOPE_BODY, "nothing")};
    struct directory_account alice = {
        .id = 1, .quarantine_score = INT32_MAX, .reject_score = INT32_MAX};
    struct directory_entry exempt = {
        .kind = DIRECTORY_ADDRESS, .exempt = true, .accounts = &alice, .account_count = 1};
    struct rule_generation *g;
    struct rule rules[4];
    struct world *w;

    patterns[1].header = span_text("Subject");
    rules[0] = session_rules_rule("evil", &patterns[0], RULE_ACTION_REJECT);
    rules[1] = session_rules_rule("subject", &patterns[1], RULE_ACTION_DEFER);
    rules[2] = session_rules_rule("recipient", &patterns[2], RULE_ACTION_REJECT);
    rules[3] = session_rules_rule("nothing", &patterns[3], RULE_ACTION_DISCARD);
    g = session_rules_new(rules, 4);
    w = world_new(g, NULL);
    world_put(w, &exempt, "postmaster@example.test");
    world_put(w, &exempt, "abuse@example.test");
    ready(w);
    for (int i = 0; i < 4; i++) {
        static const char *const mail[] = {
            "postmaster@example.test>\r\nDATA\r\n\r\nevil words\r\n.\r\n",
            "PostMaster@example.test>\r\nDATA\r\nSubject: Secret\r\n\r\nx\r\n.\r\n",
            "abuse@example.test>\r\nDATA\r\n\r\nfine\r\n.\r\n",
            "postmaster+x@example.test>\r\nDATA\r\n\r\nnothing\r\n.\r\n"};
        static const char *const rule[] = {"evil", "subject", "recipient", "nothing"};

        w->record_count = 0;
        world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<");
        world_say(w, mail[i]);
        CHECK(world_expect(w, ENVELOPE_REPLY "250 2.0.0 *\r\n"));
        CHECK(w->message_count == (uint32_t)i + 1 &&
              w->messages[i].places[0] == MESSAGE_QUARANTINE);
        CHECK_TEXT(record_text_span(&w->records[0], w->records[0].message.rule), rule[i]);
    }
    /* Not so with others, whatever the order; but the rule that would have refused one recipient
     * says nothing of another. */
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<postmaster@example.test>\r\nRCPT "
                 "TO:<bob@example.test>\r\nDATA\r\n"
                 "\r\nevil words\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n250 *\r\n354*\r\n550 5.7.1 not wanted here\r\n"));
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<abuse@example.test>\r\nRCPT "
                 "TO:<bob@example.test>\r\nDATA\r\n"
                 "\r\nfine\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n250 *\r\n354*\r\n250 2.0.0*\r\n"));
    CHECK(w->messages[4].deliveries == 2 && w->messages[4].places[0] == MESSAGE_QUARANTINE &&
          w->messages[4].places[1] == MESSAGE_INBOX);
    CHECK(world_free(w));
    session_rules_free(g);
}

int main(void)
{
    check_begin();
    CHECK_CASE(one_message_is_stored_before_its_250);
    CHECK_CASE(any_cut_of_the_input_gives_the_same);
    CHECK_CASE(a_pipelined_session_in_one_piece);
    CHECK_CASE(a_large_message_goes_to_the_store_while_it_arrives);
    CHECK_CASE(few_chunks_only_slow_the_sender_down);
    CHECK_CASE(a_failing_store_defers_and_leaves_nothing);
    CHECK_CASE(a_client_that_goes_leaves_nothing);
    CHECK_CASE(a_client_may_go_while_the_last_row_is_written);
    CHECK_CASE(a_session_stays_until_its_rows_can_be_discarded);
    CHECK_CASE(a_peer_that_drips_is_not_waited_for);
    CHECK_CASE(silence_ends_the_session);
    CHECK_CASE(a_store_that_is_late_is_asked_to_drop_it);
    CHECK_CASE(every_message_and_connection_leaves_one_record);
    CHECK_CASE(bare_line_ends_are_refused_and_the_connection_ends);
    CHECK_CASE(drain_lets_transactions_finish);
    CHECK_CASE(new_settings_reach_sessions_that_stand);
    CHECK_CASE(limits_are_those_of_the_settings);
    CHECK_CASE(rules_judge_message_sender_and_recipient);
    CHECK_CASE(mail_to_postmasters_alone_is_not_refused);
    return check_end();
}
