/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/base64.h"
#include "proto/sasl/sasl_mechanism.h"
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include "dataplane/handoff/ban_table.h"
#include "dataplane/handoff/gauge_table.h"

/* Limits of accounts, limits of octets, and bans. In this world everybody who logs in has the
 * account 1, and clients come from 198.18.0.1. */

#define HELLO "EHLO client.test\r\n"
#define MAIL "MAIL FROM:<alice@example.test>\r\n"
#define ALICE "RCPT TO:<alice@example.test>\r\n"
#define BOB "RCPT TO:<bob@example.test>\r\n"
#define BODY "DATA\r\nFrom: alice@example.test\r\n\r\nx\r\n.\r\n"
/* "\0alice@example.test\0secret" */
#define LOGIN "AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=\r\n"
#define WRONG "AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==\r\n"
#define POP3_LOGIN "USER alice@example.test\r\nPASS secret\r\n"

static const struct counters *counters(struct world *w)
{
    return handoff_counters(handoff_port_of(w->handoff, 0));
}

static struct world *limited(enum limit_scope scope, enum limit_kind kind, uint32_t limit)
{
    struct world *w = world_new(NULL, NULL);

    w->settings.mechanisms = sasl_mechanism_bit(SASL_PLAIN);
    w->settings.limits.limit[scope][kind] = limit;
    w->shared = true;
    world_publish(w);
    world_run(w);
    return w;
}

static void enter(struct world *w)
{
    world_connect(w, 587);
    world_say(w, HELLO LOGIN);
    CHECK(world_expect(w, "220*250*235 *\r\n"));
}

static void messages_and_recipients_of_an_account(void)
{
    struct world *w = limited(LIMIT_ACCOUNT, LIMIT_MESSAGES, 2);

    enter(w);
    world_say(w, MAIL BOB BODY);
    CHECK(world_expect(w, "250*250*354*250 2.0.0*\r\n"));
    world_close(w);
    enter(w);
    world_say(w, MAIL "RSET\r\nMAIL FROM:<>\r\n");
    CHECK(world_expect(w, "250*250*450 4.7.1 too many messages of your account lately\r\n"));
    CHECK(counters(w)->smtp_reply[SMTP_REPLY_ACCOUNT_MESSAGES] == 1);
    world_wait(w, 121000);
    world_say(w, MAIL);
    CHECK(world_expect(w, "250*"));
    /* At an MX nobody has an account. */
    world_close(w);
    world_connect(w, 25);
    world_say(w, HELLO MAIL "RSET\r\n" MAIL "RSET\r\n" MAIL);
    CHECK(world_expect(w, "220*250*250 2.1.0*250 2.0.0*250 2.1.0*250 2.0.0*250 2.1.0*"));
    CHECK(world_free(w));

    w = limited(LIMIT_ACCOUNT, LIMIT_RECIPIENTS, 1);
    enter(w);
    world_say(w, MAIL ALICE BOB BODY);
    CHECK(world_expect(w, "250*250*452 4.7.1 too many recipients of your account lately\r\n354*250 "
                          "2.0.0*"));
    CHECK(w->messages[0].deliveries == 1);
    CHECK(world_free(w));
}

static void an_account_is_limited_in_a_trusted_network_too(void)
{
    struct world *w = limited(LIMIT_ACCOUNT, LIMIT_MESSAGES, 1);
    struct limit_network *n = &w->settings.limits.networks[0];

    ip_address_parse(span_text("198.18.0.0"), &n->address);
    n->bits = 96 + 24;
    n->trusted = true;
    w->settings.limits.network_count = 1;
    w->settings.limits.limit[LIMIT_ADDRESS][LIMIT_MESSAGES] = 1;
    world_publish(w);
    world_run(w);
    enter(w);
    world_say(w, MAIL "RSET\r\n" MAIL);
    CHECK(world_expect(w, "250*250*450 4.7.1 *account lately\r\n"));
    CHECK(world_free(w));
}

static void say_message(struct world *w, size_t octets)
{
    static char text[65536];

    memset(text, 'x', octets);
    for (size_t i = 79; i < octets; i += 80)
        memcpy(text + i - 1, "\r\n", 2);
    memcpy(text, "From: alice@example.test\r\n\r\n", 28);
    memcpy(text + octets - 5, "\r\n.\r\n", 5);
    world_say_bytes(w, span_of(text, octets));
}

/* Each message in whole units of 4 KiB; what is declared must fit, and the last one may go beyond.
 */
static void octets(enum limit_scope scope, const char *row, bool login)
{
    struct world *w = limited(scope, LIMIT_BYTES, 4);

    world_connect(w, login ? 587 : 25);
    world_say(w, login ? HELLO LOGIN : HELLO);
    w->text_len = 0;
    world_say(w, "MAIL FROM:<alice@example.test> SIZE=99999\r\nRSET\r\n" MAIL ALICE "DATA\r\n");
    CHECK(world_expect(w, "250 2.1.0*250 2.0.0*250*250*354*"));
    say_message(w, 4097);
    CHECK(world_expect(w, "250 2.0.0*"));
    world_say(w, "MAIL FROM:<alice@example.test> SIZE=8193\r\n");
    CHECK(world_expect(w, row));
    world_say(w, "MAIL FROM:<alice@example.test> SIZE=8192\r\nRSET\r\n" MAIL ALICE "DATA\r\n");
    CHECK(world_expect(w, "250*250*250*250*354*"));
    say_message(w, 20000);
    CHECK(world_expect(w, "250 2.0.0*"));
    world_say(w, MAIL);
    CHECK(world_expect(w, row));
    world_wait(w, 121000);
    world_say(w, MAIL);
    CHECK(world_expect(w, "250*"));
    CHECK(world_free(w));
}

static void octets_within_the_window(void)
{
    octets(LIMIT_ADDRESS, "450 4.7.1 too many octets from your address lately\r\n", false);
    octets(LIMIT_NETWORK, "450 4.7.1 too many octets from your network lately\r\n", false);
    octets(LIMIT_ACCOUNT, "450 4.7.1 too many octets of your account lately\r\n", true);
}

/* A client that goes before the end has sent them all the same. */
static void octets_of_what_was_never_whole(void)
{
    struct world *w = limited(LIMIT_ADDRESS, LIMIT_BYTES, 1);

    world_connect(w, 25);
    world_say(w, HELLO MAIL ALICE "DATA\r\nSubject: x\r\n\r\n");
    world_close(w);
    w->text_len = 0;
    world_connect(w, 25);
    world_say(w, HELLO MAIL);
    CHECK(world_expect(w, "220*250*450 4.7.1 *address lately\r\n"));
    CHECK(world_free(w));
}

/* ---- sessions ---- */

static void sessions_of_an_account(void)
{
    struct world *w = limited(LIMIT_ACCOUNT, LIMIT_SESSIONS, 2);

    enter(w);
    w->others[0] = w->conn;
    world_connect(w, 110);
    world_say(w, POP3_LOGIN);
    CHECK(world_expect(w, "+OK*+OK*+OK*"));
    w->others[1] = w->conn;
    /* A third: by SASL, in SMTP and POP3, and by PASS. */
    world_connect(w, 587);
    world_say(w, HELLO LOGIN MAIL);
    CHECK(world_expect(w, "220*250*454 4.7.0 too many sessions of your account*530*"));
    CHECK(counters(w)->smtp_reply[SMTP_REPLY_ACCOUNT_SESSIONS] == 1);
    w->others[2] = w->conn;
    world_connect(w, 110);
    world_say(w, POP3_LOGIN LOGIN);
    CHECK(
        world_expect(w, "+OK*+OK*-ERR [IN-USE] too many sessions of your account*-ERR [IN-USE]*"));
    CHECK(counters(w)->pop3_reply[POP3_REPLY_ACCOUNT_SESSIONS] == 2 && w->views == 1);
    /* One ends, the same connection may try again. */
    tcp_shutdown(w->client, w->others[0]);
    world_run(w);
    world_say(w, LOGIN);
    CHECK(world_expect(w, "+OK*"));
    tcp_shutdown(w->client, w->others[1]);
    tcp_shutdown(w->client, w->others[2]);
    world_run(w);
    CHECK(world_free(w));
}

static void a_reload_limits_sessions_that_are_there(void)
{
    struct world *w = limited(LIMIT_ACCOUNT, LIMIT_SESSIONS, 0);

    enter(w);
    w->others[0] = w->conn;
    w->settings.limits.limit[LIMIT_ACCOUNT][LIMIT_SESSIONS] = 1;
    world_publish(w);
    world_run(w);
    world_connect(w, 587);
    world_say(w, HELLO LOGIN);
    CHECK(world_expect(w, "220*250*454 *"));
    tcp_shutdown(w->client, w->others[0]);
    world_run(w);
    world_say(w, LOGIN);
    CHECK(world_expect(w, "235 *"));
    CHECK(world_free(w));
}

/* The client goes while control judges, and while the mailbox is opened. */
static void nobody_counts_who_has_gone(void)
{
    for (int i = 0; i < 2; i++) {
        struct world *w = limited(LIMIT_ACCOUNT, LIMIT_SESSIONS, 1);

        world_connect(w, i ? 587 : 110);
        if (i)
            world_say(w, HELLO);
        w->late = true;
        world_say(w, i ? LOGIN : POP3_LOGIN);
        world_reset(w);
        w->late = false;
        world_wait(w, 1000);
        CHECK(gauge_table_sum(w->settings.limits.gauges) == 0);
        CHECK(world_free(w));
    }
}

/* ---- bans ---- */

static struct world *banning(struct ban_table **table_out)
{
    struct world *w = limited(LIMIT_ADDRESS, LIMIT_MESSAGES, 0);

    *table_out = ban_table_new(16, (uint8_t[16]){1});
    w->settings.limits.bans = *table_out;
    world_publish(w);
    world_run(w);
    return w;
}

static void ban(struct world *w, struct ban_table *table, uint64_t ms)
{
    struct ip_address client = ip_address_v4((uint8_t[]){198, 18, 0, 0});

    CHECK(ban_table_put(table, &client, 96 + 24, w->now / 1000 + ms, w->now / 1000));
}

static void banned_addresses_are_refused_at_once(void)
{
    struct ban_table *table;
    struct world *w = banning(&table);

    ban(w, table, 10000);
    world_connect(w, 25);
    CHECK(world_expect(w, "421 4.7.0 your address is banned for a while\r\n") && w->closed);
    CHECK(counters(w)->smtp_reply[SMTP_REPLY_BANNED] == 1);
    CHECK_TEXT(record_text_span(&w->records[0], w->records[0].connection.last_refusal), "banned");
    world_connect(w, 110);
    CHECK(world_expect(w, "-ERR [SYS/TEMP] your address is banned for a while\r\n") && w->closed);
    CHECK(counters(w)->pop3_reply[POP3_REPLY_BANNED] == 1);
    world_wait(w, 10000);
    world_connect(w, 25);
    CHECK(world_expect(w, "220 *"));
    CHECK(world_free(w));
    ban_table_free(table);
}

static void banned_addresses_may_be_told_nothing(void)
{
    struct ban_table *table;
    struct world *w = banning(&table);

    w->settings.limits.ban_reset = true;
    world_publish(w);
    world_run(w);
    ban(w, table, 10000);
    for (int i = 0; i < 2; i++) {
        world_connect(w, i ? 110 : 25);
        CHECK(world_expect(w, "") && w->closed);
    }
    CHECK(counters(w)->sessions_refused_banned == 2);
    CHECK(world_free(w));
    ban_table_free(table);
}

static void trusted_networks_are_let_in(void)
{
    struct ban_table *table;
    struct world *w = banning(&table);
    struct limit_network *n = &w->settings.limits.networks[0];

    ban(w, table, 10000);
    ip_address_parse(span_text("198.18.0.0"), &n->address);
    n->bits = 96 + 15;
    n->trusted = true;
    w->settings.limits.network_count = 1;
    world_publish(w);
    world_run(w);
    world_connect(w, 25);
    CHECK(world_expect(w, "220 *"));
    CHECK(world_free(w));
    ban_table_free(table);
}

/* A session that was there when its address was banned ends with its next mistake. */
static void open_sessions_end_with_an_error(void)
{
    struct ban_table *table;
    struct world *w = banning(&table);

    enter(w);
    w->others[0] = w->conn;
    world_connect(w, 110);
    CHECK(world_expect(w, "+OK*"));
    ban(w, table, 10000);
    world_say(w, "USER alice@example.test\r\nPASS wrong\r\n");
    CHECK(world_expect(w, "+OK*-ERR [AUTH]*-ERR [SYS/TEMP] your address is banned*") && w->closed);
    w->conn = w->others[0];
    w->others[0] = NULL;
    w->closed = false;
    world_say(w, MAIL "WHAT\r\n");
    CHECK(world_expect(w, "250*500*421 4.7.0 your address is banned*") && w->closed);
    CHECK(world_free(w));
    ban_table_free(table);
}

/* Those that control tells of the ban end at once: idle, in the middle of a message, under a login;
 * of others none. */
static void open_sessions_end_when_control_says_so(void)
{
    static const char *const before[] = {HELLO LOGIN, HELLO LOGIN MAIL BOB "DATA\r\nSubject: x\r\n",
                                         HELLO LOGIN MAIL BOB};

    for (int i = 0; i < 4; i++) {
        struct ban_table *table;
        struct world *w = banning(&table);
        bool pop3 = i == 3;

        world_connect(w, pop3 ? 110 : 587);
        world_say(w, pop3 ? "USER alice@example.test\r\nPASS secret\r\n" : before[i]);
        CHECK(world_expect(w, pop3 ? "+OK*+OK*+OK*" : "220*250*235*"));
        notice_send(w->handoff, 0, &(struct notice){.kind = NOTICE_BAN});
        world_run(w);
        CHECK(!w->closed && world_expect(w, ""));
        ban(w, table, 10000);
        notice_send(w->handoff, 0, &(struct notice){.kind = NOTICE_BAN});
        world_run(w);
        CHECK(world_expect(w, pop3 ? "-ERR [SYS/TEMP] your address is banned for a while\r\n"
                                   : "421 4.7.0 your address is banned for a while\r\n"));
        CHECK(w->closed && counters(w)->sessions_ended_banned == 1);
        CHECK(world_free(w));
        ban_table_free(table);
    }
}

/* One that waits for the store ends behind what that says: no message is left in doubt. */
static void a_commit_is_waited_for(void)
{
    struct ban_table *table;
    struct world *w = banning(&table);

    enter(w);
    w->late = true;
    world_say(w, MAIL BOB BODY);
    CHECK(world_expect(w, "250*250*354*"));
    ban(w, table, 10000);
    notice_send(w->handoff, 0, &(struct notice){.kind = NOTICE_BAN});
    world_run(w);
    CHECK(!w->closed && counters(w)->sessions_ended_banned == 0);
    w->late = false;
    world_run(w);
    CHECK(world_expect(w, "*421 4.7.0 your address is banned for a while\r\n") && w->closed);
    CHECK(counters(w)->sessions_ended_banned == 1);
    CHECK(world_free(w));
    ban_table_free(table);
}

int main(void)
{
    check_begin();
    CHECK_CASE(messages_and_recipients_of_an_account);
    CHECK_CASE(an_account_is_limited_in_a_trusted_network_too);
    CHECK_CASE(octets_within_the_window);
    CHECK_CASE(octets_of_what_was_never_whole);
    CHECK_CASE(sessions_of_an_account);
    CHECK_CASE(a_reload_limits_sessions_that_are_there);
    CHECK_CASE(nobody_counts_who_has_gone);
    CHECK_CASE(banned_addresses_are_refused_at_once);
    CHECK_CASE(banned_addresses_may_be_told_nothing);
    CHECK_CASE(trusted_networks_are_let_in);
    CHECK_CASE(open_sessions_end_with_an_error);
    CHECK_CASE(open_sessions_end_when_control_says_so);
    CHECK_CASE(a_commit_is_waited_for);
    return check_end();
}
