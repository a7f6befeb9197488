/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include "dataplane/handoff/known_table.h"

#define MAIL "MAIL FROM:<a@b.test>\r\n"
#define GREY "RCPT TO:<grey@example.test>\r\n"
#define ALICE "RCPT TO:<alice@example.test>\r\n"
#define BODY "DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"

static const struct counters *counters(struct world *w)
{
    return handoff_counters(handoff_port_of(w->handoff, 0));
}

static struct world *grey_world(enum job_status status)
{
    struct world *w = world_new(NULL, NULL);
    struct directory_account account = {.id = 2,
                                        .quarantine_score = INT32_MAX,
                                        .reject_score = INT32_MAX,
                                        .address = span_text("bob@example.test")};
    struct directory_entry grey = {
        .kind = DIRECTORY_ADDRESS, .accounts = &account, .account_count = 1, .greylist = true};

    w->greylist_status = status;
    world_put(w, &grey, "grey@example.test");
    grey.exempt = true;
    world_put(w, &grey, "postmaster@example.test");
    world_connect(w, 25);
    world_say(w, "EHLO client.test\r\n");
    CHECK(world_expect(w, "220*250*"));
    return w;
}

static void strangers_are_to_come_again(void)
{
    for (size_t step = 0; step < 5; step++) {
        struct world *w = grey_world(JOB_REFUSED);

        w->step = step;
        world_say(w, MAIL GREY ALICE BODY);
        CHECK(world_expect(
            w, "250 2.1.0 *\r\n451 4.7.1 *\r\n250 2.1.5 *\r\n354 *\r\n250 2.0.0 *\r\n"));
        CHECK(w->greylist_asked == 1 && counters(w)->greylist_asked == 1);
        CHECK(counters(w)->smtp_reply[SMTP_REPLY_GREYLISTED] == 1);
        CHECK(w->messages[0].deliveries == 1 && w->messages[0].accounts[0] == 1);
        CHECK(w->records[0].message.recipient_count == 2 &&
              w->records[0].message.recipients[0].code == 451);
        CHECK(world_free(w));
    }
}

static void who_came_again_is_let_in(void)
{
    struct world *w = grey_world(JOB_OK);

    world_say(w, MAIL GREY ALICE BODY "QUIT\r\n");
    CHECK(world_expect(
        w, "250 2.1.0 *\r\n250 2.1.5 *\r\n250 2.1.5 *\r\n354 *\r\n250 2.0.0 *\r\n221 *\r\n"));
    CHECK(w->messages[0].deliveries == 2 && w->greylist_asked == 1);
    CHECK_TEXT(record_text_span(&w->records[0], w->records[0].message.recipients[0].address),
               "grey@example.test");
    CHECK(world_free(w));
}

static void the_session_waits_and_the_worker_does_not(void)
{
    struct world *w = grey_world(JOB_REFUSED);
    struct tcp_conn *first = w->conn;

    w->hold = true;
    world_say(w, MAIL GREY "NOOP\r\n");
    CHECK(world_expect(w, "250 2.1.0 *\r\n"));
    /* Others are served meanwhile. */
    world_connect(w, 25);
    CHECK(world_expect(w, "220*"));
    w->hold = false;
    world_close(w);
    world_run(w);
    CHECK(world_expect(w, "451 4.7.1 *\r\n250 2.0.0 ok\r\n*"));
    w->conn = first;
    CHECK(world_free(w));
}

static void without_an_answer_the_mail_is_let_in(void)
{
    struct world *w = grey_world(JOB_REFUSED);

    w->hold = true;
    world_say(w, MAIL GREY);
    CHECK(world_expect(w, "250 2.1.0 *\r\n"));
    world_wait(w, 2500);
    CHECK(world_expect(w, "250 2.1.5 *\r\n") && counters(w)->greylist_unasked == 1);
    /* The late answer is for nobody. */
    w->hold = false;
    world_run(w);
    world_say(w, BODY);
    CHECK(world_expect(w, "354 *\r\n250 2.0.0 *\r\n"));
    CHECK(world_free(w));
    w = grey_world(JOB_FAILED);
    world_say(w, MAIL GREY);
    CHECK(world_expect(w, "250*250 2.1.5 *\r\n") && counters(w)->greylist_unasked == 1);
    CHECK(world_free(w));
}

static void clients_may_go_while_control_thinks(void)
{
    for (int how = 0; how < 3; how++) {
        struct world *w = grey_world(JOB_OK);

        w->hold = how < 2;
        w->late = how == 2;
        world_say(w, MAIL GREY);
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

static void some_are_not_asked_about(void)
{
    struct world *w = grey_world(JOB_REFUSED);
    struct limit_network *n = &w->settings.limits.networks[0];

    world_say(w, "MAIL FROM:<>\r\n" GREY "RSET\r\n" MAIL ALICE
                 "RCPT TO:<postmaster@example.test>\r\nRSET\r\n");
    CHECK(world_expect(w, "250*250 2.1.5*250*250*250 2.1.5*250 2.1.5*250*"));
    ip_address_parse(span_text("198.18.0.0"), &n->address);
    n->bits = 96 + 24;
    n->trusted = true;
    w->settings.limits.network_count = 1;
    world_publish(w);
    world_say(w, MAIL GREY "RSET\r\n");
    CHECK(world_expect(w, "250*250 2.1.5*250*") && w->greylist_asked == 0);
    CHECK(world_free(w));
}

static void what_is_known_is_not_asked_again(void)
{
    for (int i = 0; i < 2; i++) {
        struct world *w = grey_world(JOB_REFUSED);
        uint8_t bytes[GREYLIST_KEY_MAX], network[GREYLIST_NETWORK];
        struct writer key = writer_of(bytes, sizeof(bytes));
        struct ip_address client;

        ip_address_parse(span_text("198.18.0.1"), &client);
        greylist_key(&key, &client, 96 + 24, span_text("a@b.test"), span_text("grey@example.test"));
        greylist_network(writer_span(&key), network);
        known_table_put(w->settings.greylist.known,
                        greylist_name(w->settings.limits.windows,
                                      i ? writer_span(&key) : span_of(network, sizeof(network))),
                        (uint32_t)(w->wall_ms / 1000) + 600);
        world_say(w, MAIL GREY "RSET\r\n");
        CHECK(world_expect(w, "250*250 2.1.5*250*") && w->greylist_asked == 0);
        world_wait(w, 601000 - 400000);
        world_say(w, MAIL GREY);
        world_wait(w, 1000);
        CHECK(w->greylist_asked == 0);
        CHECK(world_free(w));
    }
}

static void the_table_of_known_names_is_bounded(void)
{
    struct known_table *t = known_table_new(64);
    uint32_t kept = 0;

    for (uint64_t i = 1; i <= 1000; i++)
        known_table_put(t, i << 32 | i, 100);
    for (uint64_t i = 1; i <= 1000; i++)
        kept += known_table_has(t, i << 32 | i, 99);
    CHECK(kept > 0 && kept <= 64);
    known_table_put(t, UINT64_C(7) << 40, 200);
    CHECK(known_table_has(t, UINT64_C(7) << 40, 199) &&
          !known_table_has(t, UINT64_C(7) << 40, 200));
    known_table_clear(t);
    CHECK(!known_table_has(t, UINT64_C(7) << 40, 1));
    known_table_free(t);
}

int main(void)
{
    check_begin();
    CHECK_CASE(strangers_are_to_come_again);
    CHECK_CASE(who_came_again_is_let_in);
    CHECK_CASE(the_session_waits_and_the_worker_does_not);
    CHECK_CASE(without_an_answer_the_mail_is_let_in);
    CHECK_CASE(clients_may_go_while_control_thinks);
    CHECK_CASE(some_are_not_asked_about);
    CHECK_CASE(what_is_known_is_not_asked_again);
    CHECK_CASE(the_table_of_known_names_is_bounded);
    return check_end();
}
