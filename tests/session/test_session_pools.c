/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_rules.h"
#include "tests/session/session_world.h"

#include <stdio.h>

#include "dataplane/handoff/gauge_table.h"
#include "rules/rule_pool_inside.h"

/*
 * A pool that is used up, of one each: who finds it empty is told or waits, a counter says so, the
 * other client gets its 250, and at the end (world_free()) all is given back.
 */
#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\n"
#define ENVELOPE_REPLY "250 2.1.0 *\r\n250 2.1.5 *\r\n"
#define MESSAGE ENVELOPE "DATA\r\nSubject: hello\r\n\r\nbody\r\n.\r\n"
#define MESSAGE_REPLY ENVELOPE_REPLY "354 *\r\n250 2.0.0 accepted*\r\n"
#define NO_RESOURCES "451 4.3.2 out of resources*\r\n"

static const struct counters *counters_of(const struct world *w)
{
    return handoff_counters(handoff_port_of(w->handoff, 0));
}

static void hello(struct world *w)
{
    world_connect(w, 25);
    CHECK(world_expect(w, "220 *\r\n"));
    world_say(w, "EHLO client.test\r\n");
    CHECK(world_expect(w, "250-*250 *\r\n"));
}

/* From here on the other client speaks. */
static void swap(struct world *w)
{
    struct tcp_conn *conn = w->conn;

    w->conn = w->others[0];
    w->others[0] = conn;
}

/* Two clients that have said hello; the first speaks. */
static void two(struct world *w)
{
    hello(w);
    w->others[0] = w->conn;
    hello(w);
    swap(w);
}

static bool leave(struct world *w)
{
    if (w->others[0])
        tcp_shutdown(w->client, w->others[0]);
    world_run(w);
    return world_free(w);
}

static void say(struct world *w, const char *text, const char *reply)
{
    world_say(w, text);
    CHECK(world_expect(w, reply));
}

static void the_only_record(void)
{
    struct world *w = world_new_with(NULL, NULL, 16, 1);

    two(w);
    say(w, ENVELOPE "DATA\r\n", ENVELOPE_REPLY "354 *\r\n");
    swap(w);
    say(w, "MAIL FROM:<a@b.test>\r\n", NO_RESOURCES);
    CHECK(counters_of(w)->records_refused == 1);
    swap(w);
    say(w, "\r\nbody\r\n.\r\n", "250 2.0.0 accepted*\r\n");
    swap(w);
    say(w, MESSAGE, MESSAGE_REPLY);
    CHECK(counters_of(w)->records_refused == 1 && w->message_count == 2);
    CHECK(leave(w));
}

static void the_last_chunk(void)
{
    struct world *w = world_new(NULL, NULL);
    struct chunk *taken[64];
    uint32_t n = 0;

    two(w);
    say(w, ENVELOPE "DATA\r\n", ENVELOPE_REPLY "354 *\r\n");
    while ((taken[n] = chunk_take(w->pool, CHUNK_LARGE)) != NULL)
        n++;
    swap(w);
    say(w, "MAIL FROM:<a@b.test>\r\n", NO_RESOURCES);
    CHECK(counters_of(w)->chunks_refused == 1);
    chunk_give(w->pool, taken[--n]);
    swap(w);
    say(w, "\r\nbody\r\n.\r\n", "250 2.0.0 accepted*\r\n");
    while (n)
        chunk_give(w->pool, taken[--n]);
    swap(w);
    say(w, MESSAGE, MESSAGE_REPLY);
    CHECK(counters_of(w)->chunks_refused == 1);
    CHECK(leave(w));
}

static void the_only_job(void)
{
    struct world *w = world_new_with(NULL, NULL, 1, 16);

    two(w);
    w->hold = true;
    say(w, MESSAGE, ENVELOPE_REPLY "354 *\r\n");
    swap(w);
    say(w, MESSAGE, ENVELOPE_REPLY "354 *\r\n");
    CHECK(counters_of(w)->jobs_parked > 0);
    w->hold = false;
    world_run(w);
    CHECK(world_expect(w, "250 2.0.0 accepted*\r\n250 2.0.0 accepted*\r\n"));
    CHECK(w->message_count == 2);
    CHECK(leave(w));
}

static void the_only_session(void)
{
    struct world *w = world_new_small(NULL, 1);

    hello(w);
    w->others[0] = w->conn;
    world_connect(w, 25);
    CHECK(world_expect(w, "") && w->closed && !w->conn);
    CHECK(counters_of(w)->sessions_refused_pool == 1);
    swap(w);
    say(w, MESSAGE "QUIT\r\n", MESSAGE_REPLY "221 *\r\n");
    hello(w);
    say(w, MESSAGE, MESSAGE_REPLY);
    CHECK(counters_of(w)->sessions_refused_pool == 1);
    CHECK(leave(w));
}

/* TCP turns peers away before there is a session: the log names the option, once a minute. */
static void no_connection_is_left(void)
{
    struct world *w = world_new(NULL, NULL);
    struct tcp_counters *c = (struct tcp_counters *)(uintptr_t)tcp_counters(w->tcp);
    struct worker_log *log = handoff_log(handoff_port_of(w->handoff, 0));
    struct worker_log_line line;

    hello(w);
    CHECK(!worker_log_take(log, &line));
    for (int i = 0; i < 20; i++) {
        c->drop_connections++;
        world_wait(w, 1000);
    }
    CHECK(worker_log_take(log, &line) && line.message == LOG_MESSAGE_connections_full);
    CHECK(!worker_log_take(log, &line));
    world_wait(w, 45000); /* the others of the first minute */
    CHECK(worker_log_take(log, &line) && line.message == LOG_MESSAGE_connections_full);
    world_wait(w, 90000);
    CHECK(!worker_log_take(log, &line));
    c->drop_connections++;
    world_wait(w, 1000);
    CHECK(worker_log_take(log, &line) && line.message == LOG_MESSAGE_connections_full);
    CHECK(leave(w));
}

/* No place in the table of limits: nobody is turned away for it, and it is told. */
static void the_last_gauge(void)
{
    struct world *w = world_new(NULL, NULL);
    struct gauge_table *gauges = w->settings.limits.gauges;
    uint64_t taken[1000];
    uint32_t n = 0;

    for (uint64_t i = 1; i < 100000 && n < 1000; i++)
        if (gauge_table_take(gauges, i * 0x9e3779b97f4a7c15, 0) == GAUGE_TAKEN)
            taken[n++] = i * 0x9e3779b97f4a7c15;
    two(w);
    CHECK(counters_of(w)->limits_uncounted == 2);
    say(w, MESSAGE, MESSAGE_REPLY);
    swap(w);
    say(w, MESSAGE, MESSAGE_REPLY);
    while (n)
        gauge_table_give(gauges, taken[--n]);
    CHECK(leave(w));
}

/* ---- rules ---- */

static struct rule_pattern in_body = {
    .text = {(const uint8_t *)"secret", 6}, .scope = RULE_SCOPE_BODY, .literal = true};

static struct rule_generation *one_rule(void)
{
    struct rule rule = session_rules_rule("body", &in_body, RULE_ACTION_REJECT);
    struct rule_generation *g = session_rules_new(&rule, 1);

    rule_pool_free(g->pools[0]);
    g->pools[0] = rule_pool_new(g->set, 1);
    return g;
}

static void the_only_stream(void)
{
    struct rule_generation *g = one_rule();
    struct world *w = world_new(g, NULL);

    two(w);
    say(w, ENVELOPE "DATA\r\n\r\nhalf a letter\r\n", ENVELOPE_REPLY "354 *\r\n");
    CHECK(rule_pool_left(g->pools[0], RULE_SCOPE_BODY) == 0);
    swap(w);
    say(w, MESSAGE, ENVELOPE_REPLY "354 *\r\n" NO_RESOURCES);
    CHECK(counters_of(w)->streams_refused == 1 && w->message_count == 0);
    swap(w);
    say(w, "rest\r\n.\r\n", "250 2.0.0 accepted*\r\n");
    swap(w);
    say(w, MESSAGE, MESSAGE_REPLY);
    CHECK(counters_of(w)->streams_refused == 1);
    CHECK(rule_pool_left(g->pools[0], RULE_SCOPE_BODY) == 1);
    CHECK(leave(w));
    session_rules_free(g);
}

/* A scratch that Hyperscan does not know: it says so, and the mail is not let through unjudged. */
static void rules_that_cannot_be_run(void)
{
    struct rule_generation *g = one_rule();
    struct world *w = world_new(g, NULL);
    uint32_t *mark = (uint32_t *)rule_pool_scan(g->pools[0]).scratch, before = *mark;

    two(w);
    *mark = 0;
    say(w, MESSAGE, ENVELOPE_REPLY "354 *\r\n" NO_RESOURCES);
    CHECK(counters_of(w)->rules_failed == 1 && w->message_count == 0);
    *mark = before;
    swap(w);
    say(w, MESSAGE, MESSAGE_REPLY);
    CHECK(counters_of(w)->rules_failed == 1);
    CHECK(leave(w));
    session_rules_free(g);
}

/* What rules put in front of a message has its room; what does not fit is left out whole. */
static void tags_without_room(void)
{
    enum { RULES = 60, LENGTH = 200 };
    static char fields[RULES][LENGTH], ids[RULES][16];
    struct rule rules[RULES];
    struct rule_generation *g;
    struct world *w;
    uint32_t seen = 0;

    for (int i = 0; i < RULES; i++) {
        int n = snprintf(fields[i], LENGTH, "X-Tag-%02d: ", i);

        memset(fields[i] + n, 'a' + i % 26, LENGTH - (size_t)n);
        snprintf(ids[i], sizeof(ids[i]), "tag%02d", i);
        rules[i] = session_rules_rule(ids[i], &in_body, RULE_ACTION_TAG);
        rules[i].tag.fields[0] = span_of(fields[i], LENGTH);
        rules[i].tag.field_count = 1;
    }
    g = session_rules_new(rules, RULES);
    w = world_new(g, NULL);
    two(w);
    say(w, ENVELOPE "DATA\r\n\r\nsecret\r\n.\r\n", MESSAGE_REPLY);
    /* Each rule has its name and its field. */
    if (CHECK(w->message_count == 1))
        for (int i = 0; i < RULES; i++) {
            const struct world_message *m = &w->messages[0];
            char name[64];
            int n = snprintf(name, sizeof(name), "X-Wirepost-Rule: %s\r\n", ids[i]);

            seen += memmem(m->bytes, m->prefix, fields[i], LENGTH) != NULL;
            seen += memmem(m->bytes, m->prefix, name, (size_t)n) != NULL;
        }
    CHECK(seen > 0 && counters_of(w)->tags_left_out > 0);
    CHECK(seen + counters_of(w)->tags_left_out == 2 * RULES);
    swap(w);
    say(w, MESSAGE, MESSAGE_REPLY);
    CHECK(leave(w));
    session_rules_free(g);
}

int main(void)
{
    check_begin();
    CHECK_CASE(the_only_record);
    CHECK_CASE(the_last_chunk);
    CHECK_CASE(the_only_job);
    CHECK_CASE(the_only_session);
    CHECK_CASE(no_connection_is_left);
    CHECK_CASE(the_last_gauge);
    CHECK_CASE(the_only_stream);
    CHECK_CASE(rules_that_cannot_be_run);
    CHECK_CASE(tags_without_room);
    return check_end();
}
