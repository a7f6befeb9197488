/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdlib.h>

#include "dataplane/handoff/gauge_table.h"

#define HELLO "EHLO client.test\r\n"
#define MAIL "MAIL FROM:<a@b.test>\r\n"
#define ALICE "RCPT TO:<alice@example.test>\r\n"
#define BODY "DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"

static uint32_t *limit_of(struct world *w, enum limit_scope scope, enum limit_kind kind)
{
    return &w->settings.limits.limit[scope][kind];
}

static uint64_t replied(struct world *w, enum smtp_reply_id row)
{
    return handoff_counters(handoff_port_of(w->handoff, 0))->smtp_reply[row];
}

static struct world *limited(enum limit_scope scope, enum limit_kind kind, uint32_t limit)
{
    struct world *w = world_new(NULL, NULL);

    *limit_of(w, scope, kind) = limit;
    world_publish(w);
    world_run(w);
    return w;
}

static void hello(struct world *w)
{
    world_connect(w, 25);
    CHECK(world_expect(w, "220 *"));
    world_say(w, HELLO);
    CHECK(world_expect(w, "250*"));
}

static void connections_at_a_time(void)
{
    static const struct {
        enum limit_scope scope;
        enum smtp_reply_id row;
        const char *smtp, *pop3;
    } rows[] = {{LIMIT_ADDRESS, SMTP_REPLY_ADDRESS_SESSIONS, "421 4.7.0 *address\r\n",
                 "-ERR [SYS/TEMP] *address\r\n"},
                {LIMIT_NETWORK, SMTP_REPLY_NETWORK_SESSIONS, "421 4.7.0 *network\r\n",
                 "-ERR [SYS/TEMP] *network\r\n"}};

    for (size_t i = 0; i < 2; i++) {
        struct world *w = limited(rows[i].scope, LIMIT_SESSIONS, 2);

        w->others[0] = world_open(w, 25);
        w->others[1] = world_open(w, 110);
        world_run(w);
        world_connect(w, 25);
        CHECK(world_expect(w, rows[i].smtp) && w->closed);
        CHECK(replied(w, rows[i].row) == 1);
        CHECK(w->record_count == 1 && w->records[0].kind == RECORD_CONNECTION);
        CHECK_TEXT(record_text_span(&w->records[0], w->records[0].connection.last_refusal),
                   smtp_reply_row(rows[i].row)->counter);
        world_connect(w, 110);
        CHECK(world_expect(w, rows[i].pop3) && w->closed);
        CHECK(gauge_table_sum(w->settings.limits.gauges) == 4);
        /* One goes, and there is room. */
        tcp_shutdown(w->client, w->others[0]);
        world_run(w);
        world_connect(w, 25);
        CHECK(world_expect(w, "220 *"));
        world_close(w);
        tcp_shutdown(w->client, w->others[1]);
        CHECK(world_free(w));
    }
}

static void a_reload_changes_limits_and_networks_under_open_connections(void)
{
    struct world *w = limited(LIMIT_NETWORK, LIMIT_SESSIONS, 3);
    struct limit_network *n = &w->settings.limits.networks[0];

    hello(w);
    /* The client's network is now another one, with a limit of its own. */
    ip_address_parse(span_text("198.18.0.0"), &n->address);
    n->bits = 96 + 15;
    n->limit[LIMIT_SESSIONS] = 1;
    w->settings.limits.network_count = 1;
    world_publish(w);
    w->others[0] = world_open(w, 25);
    world_run(w);
    w->others[1] = w->conn;
    world_connect(w, 25);
    CHECK(world_expect(w, "421 4.7.0 *network\r\n"));
    n->trusted = true;
    world_publish(w);
    world_connect(w, 25);
    CHECK(world_expect(w, "220*"));
    tcp_shutdown(w->client, w->others[0]);
    tcp_shutdown(w->client, w->others[1]);
    CHECK(world_free(w));
}

static void connections_within_the_window(void)
{
    struct world *w = limited(LIMIT_ADDRESS, LIMIT_CONNECTS, 3);

    for (int i = 0; i < 3; i++) {
        world_connect(w, i == 1 ? 110 : 25);
        CHECK(world_expect(w, i == 1 ? "+OK*" : "220 *"));
        world_close(w);
    }
    for (int i = 0; i < 5; i++) {
        world_connect(w, 25);
        CHECK(world_expect(w, "421 4.7.0 your address connects too often\r\n") && w->closed);
    }
    CHECK(replied(w, SMTP_REPLY_ADDRESS_CONNECTS) == 5);
    /* What was refused did not count. */
    world_wait(w, 121000);
    world_connect(w, 25);
    CHECK(world_expect(w, "220 *"));
    CHECK(world_free(w));
}

static void errors_within_the_window(void)
{
    struct world *w = limited(LIMIT_NETWORK, LIMIT_ERRORS, 3);

    hello(w);
    world_say(w, "WHAT\r\nWHAT\r\nWHAT\r\nNOOP\r\nWHAT\r\nNOOP\r\n");
    CHECK(world_expect(
        w, "500 *\r\n500 *\r\n500 *\r\n250 *\r\n500 *\r\n421 4.7.0 too many errors from "
           "your network lately\r\n"));
    CHECK(w->closed && replied(w, SMTP_REPLY_NETWORK_ERRORS) == 1);
    world_connect(w, 25);
    CHECK(world_expect(w, "421 4.7.0 too many errors*") && w->closed);
    world_connect(w, 110);
    CHECK(world_expect(w, "-ERR [SYS/TEMP] too many errors*") && w->closed);
    world_wait(w, 121000);
    world_connect(w, 110);
    world_say(w, "USER alice@example.test\r\nPASS wrong\r\n");
    CHECK(world_expect(w, "+OK*+OK*-ERR [AUTH]*"));
    CHECK(world_free(w));
}

static void wrong_passwords_are_errors(void)
{
    struct world *w = limited(LIMIT_ADDRESS, LIMIT_ERRORS, 2);

    for (int i = 0; i < 2; i++) {
        world_connect(w, 110);
        world_say(w, "USER alice@example.test\r\nPASS wrong\r\n");
        CHECK(world_expect(w, "+OK*+OK*-ERR [AUTH] *\r\n"));
        world_close(w);
    }
    world_connect(w, 110);
    CHECK(world_expect(w, "-ERR [SYS/TEMP] too many errors from your address lately\r\n"));
    CHECK(world_free(w));
}

static void messages_and_recipients(void)
{
    static const struct {
        enum limit_scope scope;
        const char *mail, *rcpt;
    } rows[] = {
        {LIMIT_ADDRESS, "450 4.7.1 *address lately\r\n", "452 4.7.1 *address lately\r\n"},
        {LIMIT_NETWORK, "450 4.7.1 *network lately\r\n", "452 4.7.1 *network lately\r\n"},
        {LIMIT_SENDER, "450 4.7.1 *this sender lately\r\n", "452 4.7.1 *this sender lately\r\n"},
        {LIMIT_SENDER_DOMAIN, "450 4.7.1 *domain lately\r\n", "452 4.7.1 *domain lately\r\n"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = limited(rows[i].scope, LIMIT_MESSAGES, 2);

        hello(w);
        world_say(w, MAIL ALICE BODY);
        world_say(w, "MAIL FROM:<a@B.test>\r\nRSET\r\n");
        CHECK(world_expect(w, "250*250*354*250*250 2.1.0*250*"));
        world_say(w, MAIL ALICE);
        CHECK(world_expect(w, "450*503*"));
        w->text_len = 0;
        world_say(w, MAIL);
        CHECK(world_expect(w, rows[i].mail));
        CHECK(w->message_records >= 3 && w->records[w->record_count - 1].message.code == 450);
        world_say(w, "MAIL FROM:<>\r\n");
        CHECK(world_expect(w, rows[i].scope <= LIMIT_NETWORK ? "450*" : "250*"));
        CHECK(world_free(w));

        w = limited(rows[i].scope, LIMIT_RECIPIENTS, 1);
        hello(w);
        world_say(w, MAIL "RCPT TO:<nobody@example.test>\r\n" ALICE);
        CHECK(world_expect(w, "250*550*250*"));
        world_say(w, "RCPT TO:<bob@example.test>\r\n");
        CHECK(world_expect(w, rows[i].rcpt));
        /* The message goes to whom it may. */
        world_say(w, BODY);
        CHECK(world_expect(w, "354*250 2.0.0*") && w->messages[0].deliveries == 1);
        CHECK(world_free(w));
    }
}

static void other_senders_are_not_limited(void)
{
    struct world *w = limited(LIMIT_SENDER, LIMIT_MESSAGES, 1);

    *limit_of(w, LIMIT_SENDER_DOMAIN, LIMIT_MESSAGES) = 2;
    world_publish(w);
    hello(w);
    world_say(w, "MAIL FROM:<a@b.test>\r\nRSET\r\nMAIL FROM:<a@b.test>\r\nMAIL FROM:<c@b.test>\r\n"
                 "RSET\r\nMAIL FROM:<d@b.test>\r\nMAIL FROM:<a@c.test>\r\n");
    CHECK(world_expect(w, "250*250*450 4.7.1 *sender lately\r\n250*250*450 4.7.1 *domain lately\r\n"
                          "250 2.1.0*\r\n"));
    CHECK(world_free(w));
}

/* ---- before the banner ---- */

static struct world *delayed(bool refuse)
{
    struct world *w = world_new(NULL, NULL);

    w->settings.greet_delay_ms = 2000;
    w->settings.pregreet_refuse = refuse;
    world_publish(w);
    world_run(w);
    return w;
}

static void who_waits_is_greeted(void)
{
    struct world *w = delayed(true);

    world_connect(w, 25);
    CHECK(world_expect(w, ""));
    world_wait(w, 2500);
    CHECK(world_expect(w, "220 *"));
    world_say(w, HELLO MAIL ALICE BODY);
    CHECK(world_expect(w, "250*250*250*354*250 2.0.0*"));
    world_close(w);
    /* POP3 does not wait. */
    world_connect(w, 110);
    CHECK(world_expect(w, "+OK*"));
    CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->pregreeters == 0);
    CHECK(world_free(w));
}

static void who_speaks_first_is_refused(void)
{
    for (size_t step = 1; step < 6; step++) {
        struct world *w = delayed(true);

        w->step = step;
        world_connect(w, 25);
        world_wait(w, 500);
        world_say(w, HELLO);
        CHECK(world_expect(w, "554 5.5.1 *\r\n503*\r\n"));
        world_say(w, "QUIT\r\n");
        CHECK(world_expect(w, "221*") && w->closed);
        CHECK(replied(w, SMTP_REPLY_PREGREET) == 1);
        CHECK(w->record_count == 1 && w->records[0].connection.early);
        CHECK(world_free(w));
    }
}

static void who_speaks_first_is_noted(void)
{
    struct world *w = delayed(false);

    world_connect(w, 25);
    world_say(w, HELLO MAIL ALICE BODY "QUIT\r\n");
    CHECK(world_expect(w, "220*250*250*250*354*250 2.0.0*221*"));
    CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->pregreeters == 1);
    CHECK(w->record_count == 2 && w->records[1].connection.early);
    CHECK(world_free(w));
}

static void trusted_networks_do_not_wait(void)
{
    struct world *w = delayed(true);
    struct limit_network *n = &w->settings.limits.networks[0];

    ip_address_parse(span_text("198.18.0.0"), &n->address);
    n->bits = 96 + 24;
    n->trusted = true;
    w->settings.limits.network_count = 1;
    world_publish(w);
    world_connect(w, 25);
    CHECK(world_expect(w, "220 *"));
    CHECK(world_free(w));
}

static void a_client_may_go_and_the_engine_may_drain_before_the_banner(void)
{
    struct world *w = delayed(true);

    world_connect(w, 25);
    world_close(w);
    world_wait(w, 3000);
    CHECK(w->connection_records == 1);
    world_connect(w, 25);
    notice_send(w->handoff, 0, &(struct notice){.kind = NOTICE_DRAIN, .argument = 1000});
    world_run(w);
    CHECK(world_expect(w, "421 4.3.2 *") && w->closed);
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(connections_at_a_time);
    CHECK_CASE(a_reload_changes_limits_and_networks_under_open_connections);
    CHECK_CASE(connections_within_the_window);
    CHECK_CASE(errors_within_the_window);
    CHECK_CASE(wrong_passwords_are_errors);
    CHECK_CASE(messages_and_recipients);
    CHECK_CASE(other_senders_are_not_limited);
    CHECK_CASE(who_waits_is_greeted);
    CHECK_CASE(who_speaks_first_is_refused);
    CHECK_CASE(who_speaks_first_is_noted);
    CHECK_CASE(trusted_networks_do_not_wait);
    CHECK_CASE(a_client_may_go_and_the_engine_may_drain_before_the_banner);
    return check_end();
}
