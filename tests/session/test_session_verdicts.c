/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_rules.h"
#include "tests/session/session_world.h"

/* What a message comes to for each of its recipients. */

#define HELLO "EHLO client.test\r\n"
#define HELLO_REPLY "250-mx.example.test*250 *\r\n"
#define BOTH "RCPT TO:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\n"
#define BOTH_REPLY "250 2.1.5 *\r\n250 2.1.5 *\r\n"

/* bob takes no message of 5 points and more, alice any. */
static struct world *strict_world(struct rule_generation *g)
{
    struct world *w = world_new(g, NULL);
    struct directory_account bob = {.id = 2, .address = span_text("bob@example.test")};

    bob.quarantine_score = INT32_MAX;
    bob.reject_score = 5000;
    world_put(
        w,
        &(struct directory_entry){.kind = DIRECTORY_ADDRESS, .accounts = &bob, .account_count = 1},
        "bob@example.test");
    world_connect(w, 25);
    world_say(w, HELLO);
    CHECK(world_expect(w, "220*" HELLO_REPLY));
    return w;
}

static struct rule_generation *scoring_rules(struct rule *rules, struct rule_pattern *patterns)
{
    patterns[0] = session_rules_pattern(RULE_SCOPE_BODY, "cheap");
    patterns[1] = session_rules_pattern(RULE_SCOPE_BODY, "evil");
    rules[0] = session_rules_rule("cheap", &patterns[0], RULE_ACTION_NONE);
    rules[0].score = 5000;
    rules[1] = session_rules_rule("evil", &patterns[1], RULE_ACTION_REJECT);
    return session_rules_new(rules, 2);
}

static void prdr_answers_each_recipient(void)
{
    struct rule rules[2];
    struct rule_pattern patterns[2];
    struct rule_generation *g = scoring_rules(rules, patterns);
    struct world *w = strict_world(g);

    world_say(w, "MAIL FROM:<a@b.test> PRDR\r\n" BOTH "DATA\r\n\r\ncheap\r\n.\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n" BOTH_REPLY "354 *\r\n353 *\r\n250 2.0.0 accepted\r\n"
                          "550 5.7.1 *\r\n250 2.0.0 accepted as *\r\n"));
    /* Who refused it has no copy of it. */
    CHECK(w->message_count == 1 && w->messages[0].deliveries == 1 &&
          w->messages[0].accounts[0] == 1 && w->messages[0].places[0] == MESSAGE_INBOX);
    CHECK(w->records[0].message.code == 250 &&
          w->records[0].message.recipients[0].data_code == 250);
    CHECK(w->records[0].message.recipients[1].data_code == 550);
    /* By chunks too; and the session goes on behind it. */
    world_say(w, "MAIL FROM:<a@b.test> PRDR\r\n" BOTH "BDAT 10 LAST\r\n\r\nfine\r\n\r\nNOOP\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n" BOTH_REPLY "353 *\r\n250 2.0.0 accepted\r\n"
                          "250 2.0.0 accepted\r\n250 2.0.0 accepted as *\r\n250 2.0.0 ok\r\n"));
    CHECK(w->messages[1].deliveries == 2);
    CHECK(world_free(w));
    session_rules_free(g);
}

static void prdr_says_so_when_all_refuse(void)
{
    struct rule rules[2];
    struct rule_pattern patterns[2];
    struct rule_generation *g = scoring_rules(rules, patterns);
    struct world *w = strict_world(g);

    world_say(w, "MAIL FROM:<a@b.test> PRDR\r\n" BOTH "DATA\r\n\r\nevil\r\n.\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n" BOTH_REPLY "354 *\r\n353 *\r\n"
                          "550 5.7.1 not wanted here\r\n550 5.7.1 not wanted here\r\n"
                          "550 5.7.1 not wanted here\r\n"));
    CHECK(w->message_count == 0 && w->records[0].message.code == 550);
    /* A store that fails fails for all. */
    w->commit_status = JOB_DISK_FULL;
    world_say(w, "MAIL FROM:<a@b.test> PRDR\r\n" BOTH "DATA\r\n\r\nfine\r\n.\r\nQUIT\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n" BOTH_REPLY "354 *\r\n452 4.3.1 *\r\n221 *\r\n"));
    CHECK(world_free(w));
    session_rules_free(g);
}

/* What ends a message for all while it arrives, or in the store, is one reply behind the final dot,
 * without 353. */
static void prdr_has_one_reply_where_all_fail_alike(void)
{
    static const struct {
        enum job_status write, commit;
        const char *subject;
        uint32_t lines;    /* of 8000 octets; beyond 8 of them there is a row to write */
        uint64_t size_max; /* octets of a message */
        const char *reply;
    } rows[] = {
        {JOB_OK, JOB_OK, "Secret", 1, 1 << 20, "550 5.7.1 *\r\n221 *\r\n"},
        {JOB_OK, JOB_OK, "x", 40, 100000, "552 5.3.4 *\r\n221 *\r\n"},
        {JOB_FAILED, JOB_OK, "x", 40, 1 << 20, "451 4.3.0 *\r\n221 *\r\n"},
        {JOB_DISK_FULL, JOB_OK, "x", 40, 1 << 20, "452 4.3.1 *\r\n221 *\r\n"},
        {JOB_OK, JOB_FAILED, "x", 1, 1 << 20, "451 4.3.0 *\r\n221 *\r\n"},
        {JOB_OK, JOB_FULL, "x", 1, 1 << 20, "452 4.2.2 *\r\n221 *\r\n"},
        {JOB_OK, JOB_GONE, "x", 1, 1 << 20, "451 4.3.0 *\r\n221 *\r\n"},
    };
    static char line[8000];

    memset(line, 'x', sizeof(line) - 3);
    memcpy(line + sizeof(line) - 3, "\r\n", 3);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rule_pattern pattern = session_rules_pattern(RULE_SCOPE_HEADER, "Secret");
        struct rule rule = session_rules_rule("secret", &pattern, RULE_ACTION_REJECT);
        struct rule_generation *g;
        struct world *w;

        pattern.header = span_text("Subject");
        g = session_rules_new(&rule, 1);
        w = strict_world(g);
        w->settings.message_size_max = rows[i].size_max;
        world_publish(w);
        world_run(w);
        w->write_status = rows[i].write;
        w->commit_status = rows[i].commit;
        world_say(w, "MAIL FROM:<a@b.test> PRDR\r\n" BOTH "DATA\r\n");
        CHECK(world_expect(w, "250 2.1.0 *\r\n" BOTH_REPLY "354 *\r\n"));
        world_say(w, "Subject: ");
        world_say(w, rows[i].subject);
        world_say(w, "\r\n\r\n");
        for (uint32_t n = 0; n < rows[i].lines; n++)
            world_say(w, line);
        world_say(w, ".\r\nQUIT\r\n");
        CHECK(world_expect(w, rows[i].reply));
        CHECK(w->message_count == 0 && w->records[0].message.recipients[0].data_code == 0);
        CHECK(world_free(w));
        session_rules_free(g);
    }
}

static void without_prdr_who_refuses_has_it_in_quarantine(void)
{
    struct rule rules[2];
    struct rule_pattern patterns[2];
    struct rule_generation *g = scoring_rules(rules, patterns);
    struct world *w = strict_world(g);

    world_say(w, "MAIL FROM:<a@b.test>\r\n" BOTH "DATA\r\n\r\ncheap\r\n.\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n" BOTH_REPLY "354 *\r\n250 2.0.0 accepted as *\r\n"));
    CHECK(w->messages[0].deliveries == 2 && w->messages[0].places[1] == MESSAGE_QUARANTINE);
    CHECK(w->records[0].message.recipients[1].data_code == 0);
    CHECK(world_free(w));
    session_rules_free(g);
}

/* A mailbox that two recipients lead to goes without a copy only when both were told so. */
static void a_shared_mailbox_follows_both_recipients(void)
{
    struct rule rules[2];
    struct rule_pattern patterns[2];
    struct rule_generation *g = scoring_rules(rules, patterns);
    struct world *w = strict_world(g);
    struct directory_account both[2] = {
        {.id = 1, .reject_score = INT32_MAX, .address = span_text("alice@example.test")},
        {.id = 2, .reject_score = 5000, .address = span_text("bob@example.test")}};

    both[0].quarantine_score = both[1].quarantine_score = INT32_MAX;
    world_put(
        w,
        &(struct directory_entry){.kind = DIRECTORY_ADDRESS, .accounts = both, .account_count = 2},
        "team@example.test");
    world_say(w, "MAIL FROM:<a@b.test> PRDR\r\nRCPT TO:<bob@example.test>\r\n"
                 "RCPT TO:<team@example.test>\r\nDATA\r\n\r\ncheap\r\n.\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n" BOTH_REPLY "354 *\r\n353 *\r\n550 5.7.1 *\r\n"
                          "250 2.0.0 accepted\r\n250 2.0.0 accepted as *\r\n"));
    CHECK(w->messages[0].deliveries == 2);
    for (uint32_t i = 0; i < 2; i++)
        CHECK(w->messages[0].places[i] ==
              (w->messages[0].accounts[i] == 2 ? MESSAGE_QUARANTINE : MESSAGE_INBOX));
    CHECK(world_free(w));
    session_rules_free(g);
}

static void a_refused_sender_still_reaches_postmasters(void)
{
    struct rule_pattern pattern = session_rules_pattern(RULE_SCOPE_MAIL_FROM, "bad@");
    struct rule rule = session_rules_rule("sender", &pattern, RULE_ACTION_REJECT);
    struct rule_generation *g = session_rules_new(&rule, 1);
    struct world *w = strict_world(g);
    struct directory_account alice = {
        .id = 1, .quarantine_score = INT32_MAX, .reject_score = INT32_MAX};

    world_put(
        w,
        &(struct directory_entry){
            .kind = DIRECTORY_ADDRESS, .exempt = true, .accounts = &alice, .account_count = 1},
        "postmaster@example.test");
    world_say(w, "MAIL FROM:<bad@b.test>\r\nRCPT TO:<bob@example.test>\r\n"
                 "RCPT TO:<postmaster@example.test>\r\nDATA\r\n\r\nlisten\r\n.\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n550 5.7.1 not wanted here\r\n250 2.1.5 *\r\n354 *\r\n"
                          "250 2.0.0 *\r\n"));
    CHECK(w->message_count == 1 && w->messages[0].places[0] == MESSAGE_QUARANTINE);
    CHECK_TEXT(record_text_span(&w->records[0], w->records[0].message.rule), "sender");
    CHECK(world_free(w));
    session_rules_free(g);
}

static void a_recipient_that_goes_meanwhile_defers(void)
{
    struct world *w = strict_world(NULL);

    world_say(w, "MAIL FROM:<a@b.test>\r\n" BOTH "DATA\r\n\r\nfine\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n" BOTH_REPLY "354 *\r\n"));
    /* The address leads to somebody else now. */
    world_put_address(w, "bob@example.test", (uint64_t[]){3}, 1);
    world_say(w, ".\r\n");
    CHECK(world_expect(w, "451 4.3.0 a recipient has gone meanwhile*\r\n"));
    CHECK(w->message_count == 0);
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<Alice+x@Example.TEST>\r\nDATA\r\n\r\n.\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n250 2.1.5 *\r\n354 *\r\n250 2.0.0 *\r\n"));
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(prdr_answers_each_recipient);
    CHECK_CASE(prdr_says_so_when_all_refuse);
    CHECK_CASE(prdr_has_one_reply_where_all_fail_alike);
    CHECK_CASE(without_prdr_who_refuses_has_it_in_quarantine);
    CHECK_CASE(a_shared_mailbox_follows_both_recipients);
    CHECK_CASE(a_refused_sender_still_reaches_postmasters);
    CHECK_CASE(a_recipient_that_goes_meanwhile_defers);
    return check_end();
}
