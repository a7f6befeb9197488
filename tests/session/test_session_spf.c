/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>

#include "proto/spf/spf_check.h"

#define MAIL "MAIL FROM:<a@b.test>\r\n"
#define ALICE "RCPT TO:<alice@example.test>\r\n"
#define BODY "DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
#define FIELDS                                                                                     \
    "Authentication-Results: mx.example.test; spf=pass smtp.mailfrom=b.test\r\n"                   \
    "Received-SPF: pass\r\n"

static const struct counters *counters(struct world *w)
{
    return handoff_counters(handoff_port_of(w->handoff, 0));
}

static struct world *spf_world(enum spf_result result)
{
    struct world *w = world_new(NULL, NULL);
    struct directory_account account = {.id = 2,
                                        .quarantine_score = INT32_MAX,
                                        .reject_score = INT32_MAX,
                                        .address = span_text("bob@example.test")};

    world_put(w,
              &(struct directory_entry){.kind = DIRECTORY_ADDRESS,
                                        .accounts = &account,
                                        .account_count = 1,
                                        .exempt = true},
              "postmaster@example.test");
    w->spf_status = JOB_OK;
    w->spf_result = (uint8_t)result;
    w->spf_fields = FIELDS;
    w->settings.spf = (struct spf_settings){.check = true,
                                            .refuse_fail = true,
                                            .refuse_permerror = true,
                                            .defer_temperror = true,
                                            .timeout_ms = 2000};
    world_publish(w);
    world_connect(w, 25);
    world_say(w, "EHLO client.test\r\n");
    CHECK(world_expect(w, "220*250*"));
    return w;
}

static void results_stand_above_received(void)
{
    static const char prefix[] = "Return-Path: <a@b.test>\r\n"
                                 "Delivered-To: alice@example.test\r\n" FIELDS "Received: ";

    for (size_t step = 0; step < 5; step++) {
        struct world *w = spf_world(SPF_RESULT_PASS);

        w->step = step;
        world_say(w, MAIL ALICE BODY "QUIT\r\n");
        CHECK(world_expect(w, "250 2.1.0*250 2.1.5 *\r\n354 *\r\n250 2.0.0 *\r\n221*"));
        CHECK(w->spf_asked == 1 && counters(w)->spf_asked == 1);
        CHECK(strcmp(w->spf_names, "client.test a@b.test") == 0);
        CHECK_TEXT(span_of(w->messages[0].bytes, sizeof(prefix) - 1), prefix);
        CHECK(w->records[0].message.spf && !w->records[0].message.spf_helo &&
              w->records[0].message.spf_result == SPF_RESULT_PASS);
        CHECK(world_free(w));
    }
}

/* What the result answers at RCPT, for all but postmasters. */
static void results_refuse_as_configured(void)
{
    static const struct {
        enum spf_result result;
        const char *reply;
    } cases[] = {{SPF_RESULT_FAIL, "550 5.7.23 *"},      {SPF_RESULT_PERMERROR, "550 5.7.24 *"},
                 {SPF_RESULT_TEMPERROR, "451 4.7.24 *"}, {SPF_RESULT_SOFTFAIL, "250 2.1.5 *"},
                 {SPF_RESULT_NEUTRAL, "250 2.1.5 *"},    {SPF_RESULT_NONE, "250 2.1.5 *"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = spf_world(cases[i].result);
        char replies[80];

        snprintf(replies, sizeof(replies), "250 2.1.0*%s\r\n250 2.1.5 *", cases[i].reply);
        world_say(w, MAIL ALICE "RCPT TO:<postmaster@example.test>\r\n");
        CHECK(world_expect(w, replies));
        w->settings.spf.refuse_fail = w->settings.spf.refuse_permerror =
            w->settings.spf.defer_temperror = false;
        world_publish(w);
        world_say(w, "RSET\r\n" MAIL ALICE);
        CHECK(world_expect(w, "250*250*250 2.1.5 *"));
        CHECK(world_free(w));
    }
}

static void a_refusal_says_what_the_domain_says(void)
{
    struct world *w = spf_world(SPF_RESULT_FAIL);

    w->spf_text = "SPF: b.test says: go away";
    world_say(w, MAIL ALICE);
    CHECK(world_expect(w, "250*550 5.7.23 SPF: b.test says: go away\r\n"));
    CHECK(counters(w)->smtp_reply[SMTP_REPLY_SPF_FAIL] == 1);
    CHECK(world_free(w));
}

static void mail_waits_and_the_worker_does_not(void)
{
    struct world *w = spf_world(SPF_RESULT_FAIL);
    struct tcp_conn *first = w->conn;

    w->hold = true;
    world_say(w, MAIL ALICE);
    CHECK(world_expect(w, ""));
    world_connect(w, 25);
    CHECK(world_expect(w, "220*"));
    w->hold = false;
    world_close(w);
    world_run(w);
    CHECK(world_expect(w, "250 2.1.0*550 5.7.23 *"));
    w->conn = first;
    CHECK(world_free(w));
}

static void without_an_answer_it_is_a_temperror(void)
{
    struct world *w = spf_world(SPF_RESULT_PASS);

    w->hold = true;
    world_say(w, MAIL ALICE);
    world_wait(w, 2500);
    CHECK(world_expect(w, "250*451 4.7.24 *") && counters(w)->spf_unasked == 1);
    /* The late answer is for nobody. */
    w->hold = false;
    world_run(w);
    world_say(w, "QUIT\r\n");
    CHECK(world_expect(w, "221*"));
    CHECK(w->records[0].message.spf && w->records[0].message.spf_result == SPF_RESULT_TEMPERROR);
    CHECK(world_free(w));
    w = spf_world(SPF_RESULT_PASS);
    w->spf_status = JOB_FAILED;
    world_say(w, MAIL ALICE);
    CHECK(world_expect(w, "250*451 4.7.24 *") && counters(w)->spf_unasked == 1);
    CHECK(world_free(w));
}

static void clients_may_go_while_control_asks(void)
{
    for (int how = 0; how < 3; how++) {
        struct world *w = spf_world(SPF_RESULT_PASS);

        w->hold = how < 2;
        w->late = how == 2;
        world_say(w, MAIL);
        if (how == 1)
            world_close(w);
        else
            world_reset(w);
        world_wait(w, 3000);
        w->hold = w->late = false;
        world_run(w);
        CHECK(world_free(w));
    }
}

static void trusted_clients_are_not_asked_about(void)
{
    struct world *w = spf_world(SPF_RESULT_FAIL);
    struct limit_network *n = &w->settings.limits.networks[0];

    ip_address_parse(span_text("198.18.0.0"), &n->address);
    n->bits = 96 + 24;
    n->trusted = true;
    w->settings.limits.network_count = 1;
    world_publish(w);
    world_say(w, MAIL ALICE);
    CHECK(world_expect(w, "250*250 2.1.5*") && w->spf_asked == 0);
    CHECK(world_free(w));
}

/* RFC 8601 section 5: nobody else writes in our name; what others found is theirs. */
static void results_in_our_name_are_renamed(void)
{
    static const char *const ours[] = {"mx.example.test; spf=pass", " (a (b)) MX.Example.TEST 1; none",
                                       "\"mx.example.test\"; none", "mx.example.test"},
                             *const foreign[] = {"mx.example.tests; none", "other.test; none",
                                                 "x.mx.example.test; none", "; none"};
    char message[400];

    for (size_t i = 0; i < 8; i++) {
        struct world *w = spf_world(SPF_RESULT_PASS);
        bool is_ours = i < 4;

        snprintf(message, sizeof(message),
                 MAIL ALICE "DATA\r\nAuthentication-Results: %s\r\n\r\nx\r\n.\r\nQUIT\r\n",
                 is_ours ? ours[i] : foreign[i - 4]);
        world_say(w, message);
        CHECK(world_expect(w, "250*250*354*250*221*"));
        CHECK_TEXT(span_of(w->messages[0].bytes + w->messages[0].prefix, 16),
                   is_ours ? "X-thentication-R" : "Authentication-R");
        CHECK(counters(w)->fields_hidden == is_ours);
        CHECK(world_free(w));
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(results_stand_above_received);
    CHECK_CASE(results_refuse_as_configured);
    CHECK_CASE(a_refusal_says_what_the_domain_says);
    CHECK_CASE(mail_waits_and_the_worker_does_not);
    CHECK_CASE(without_an_answer_it_is_a_temperror);
    CHECK_CASE(clients_may_go_while_control_asks);
    CHECK_CASE(trusted_clients_are_not_asked_about);
    CHECK_CASE(results_in_our_name_are_renamed);
    return check_end();
}
