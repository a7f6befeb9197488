/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/session/session_world.h"
#include "tests/session/world_link.h"

#include "dataplane/handoff/gauge_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

static struct ip_address server_address, client_address;

static struct tcp_options tcp_options_of(uint8_t key)
{
    return (struct tcp_options){.connections = 64,
                                .half_open = 16,
                                .receive_window = 256 * 1024,
                                .send_limit = 256 * 1024,
                                .mss_v4 = 1460,
                                .mss_v6 = 1440,
                                .time_wait_ms = 1000,
                                .secret = {key}};
}

struct world *world_new(struct rule_generation *rules, const uint32_t chunks[CHUNK_CLASSES])
{
    return world_new_with(rules, chunks, 16, 16);
}

static struct world *new_world(struct rule_generation *rules, const uint32_t chunks[CHUNK_CLASSES],
                               uint32_t jobs, uint32_t records, uint32_t connections)
{
    struct world *w = calloc(1, sizeof(*w));
    struct tcp_options server = tcp_options_of(1), client = tcp_options_of(2);

    ip_address_parse(span_text("198.18.0.2"), &server_address);
    ip_address_parse(span_text("198.18.0.1"), &client_address);
    w->jobs = jobs;
    w->now = 1000000;
    w->wall_ms = 1800000000000ull;
    w->handoff =
        handoff_new(&(struct handoff_options){.workers = 1, .jobs = jobs, .records = records});
    if (getenv("WORLD_NEAR"))
        world_control_near(w);
    w->pool = chunk_pool_new(chunks ? chunks : (uint32_t[]){256, 256, 64});
    w->client_pool = chunk_pool_new((uint32_t[]){256, 1024, 1024});
    w->tcp = tcp_new(&server, w->pool);
    w->client = tcp_new(&client, w->client_pool);
    world_settings(w, rules);
    rcu_register_thread();
    w->sessions = sessions_new(&(struct sessions_options){.tcp = w->tcp,
                                                          .pool = w->pool,
                                                          .port = handoff_port_of(w->handoff, 0),
                                                          .connections = connections});
    world_run(w);
    return w;
}

struct world *world_new_with(struct rule_generation *rules, const uint32_t chunks[CHUNK_CLASSES],
                             uint32_t jobs, uint32_t records)
{
    return new_world(rules, chunks, jobs, records, 32);
}

struct world *world_new_small(const uint32_t chunks[CHUNK_CLASSES], uint32_t connections)
{
    return new_world(NULL, chunks, 16, 16, connections);
}

static void read_text(struct world *w, struct tcp_conn *conn)
{
    struct span s;

    while ((s = tcp_peek(conn)).len) {
        size_t n = s.len < WORLD_TEXT - 1 - w->text_len ? s.len : WORLD_TEXT - 1 - w->text_len;

        memcpy(w->text + w->text_len, s.data, n);
        w->text_len += n;
        w->text[w->text_len] = 0;
        w->swallowed += s.len - n;
        tcp_consume(w->client, conn, (uint32_t)s.len);
    }
}

static void client_turn(struct world *w)
{
    struct tcp_conn *conn;

    while ((conn = tcp_ready(w->client)) != NULL) {
        uint32_t events = tcp_events(conn);

        if (!w->deaf)
            read_text(w, conn);
        if ((events & TCP_EVENT_EOF) && conn == w->conn) {
            w->closed = true;
            tcp_shutdown(w->client, conn);
        }
        if (events & TCP_EVENT_CLOSED) {
            if (conn == w->conn) {
                w->closed = true;
                w->conn = NULL;
            }
            for (int i = 0; i < WORLD_CLIENTS; i++)
                if (w->others[i] == conn)
                    w->others[i] = NULL;
            tcp_forget(w->client, conn);
        }
    }
    tcp_settle(w->client);
    tcp_timers(w->client, w->now);
}

uint32_t world_turn(struct world *w)
{
    static struct world_frame frames[4096];
    uint32_t n = world_link_frames(w->client, w->now, frames, 4096), done = n;

    for (uint32_t i = 0; i < n; i++)
        tcp_receive(w->tcp, &frames[i].packet, w->now);
    done += sessions_turn(w->sessions, (struct turn_time){.now = w->now, .wall_ms = w->wall_ms});
    tcp_settle(w->tcp);
    tcp_timers(w->tcp, w->now);
    /* The worker's account of itself, so that shares of a burst can be taken. */
    handoff_cycles(handoff_port_of(w->handoff, 0))->stage[STAGE_tcp] += 1000;
    handoff_cycles(handoff_port_of(w->handoff, 0))->busy += 1000;
    n = world_link_frames(w->tcp, w->now, frames, 4096);
    for (uint32_t i = 0; i < n; i++)
        tcp_receive(w->client, &frames[i].packet, w->now);
    done += n;
    client_turn(w);
    rcu_quiescent_state();
    done += world_control(w);
    w->now += 1000;
    w->wall_ms += 1;
    return done;
}

void world_run(struct world *w)
{
    /* Delayed acknowledgements need a while. */
    for (int quiet = 0; quiet < 50;)
        quiet = world_turn(w) ? 0 : quiet + 1;
}

void world_wait(struct world *w, uint64_t milliseconds)
{
    for (uint64_t t = 0; t < milliseconds; t += 100) {
        w->now += 100000;
        w->wall_ms += 100;
        world_turn(w);
    }
    world_run(w);
}

struct tcp_conn *world_open(struct world *w, uint16_t port)
{
    static uint16_t next = 1024;

    next = next < 60000 ? next + 1 : 1024;
    return tcp_connect(w->client, &client_address, next, &server_address, port, w->now);
}

void world_connect(struct world *w, uint16_t port)
{
    w->text_len = 0;
    w->text[0] = 0;
    w->swallowed = 0;
    w->closed = false;
    w->conn = world_open(w, port);
    world_run(w);
}

void world_say_bytes(struct world *w, struct span bytes)
{
    while (bytes.len && w->conn) {
        size_t n = w->step && w->step < bytes.len ? w->step : bytes.len;

        if (n > tcp_send_room(w->conn))
            n = tcp_send_room(w->conn);
        if (n == 0) {
            if (world_turn(w) == 0 && tcp_send_room(w->conn) == 0 && w->hold)
                return;
            continue;
        }
        sendq_copy(tcp_sendq(w->conn), w->client_pool, span_head(bytes, n));
        tcp_send(w->client, w->conn);
        bytes = span_skip(bytes, n);
        world_turn(w);
    }
    world_run(w);
}

void world_say(struct world *w, const char *text)
{
    world_say_bytes(w, span_text(text));
}

void world_close(struct world *w)
{
    if (w->conn)
        tcp_shutdown(w->client, w->conn);
    world_run(w);
}

void world_reset(struct world *w)
{
    struct tcp_conn *conn = w->conn;

    w->conn = NULL;
    if (conn) {
        tcp_abort(w->client, conn);
        tcp_forget(w->client, conn);
    }
    world_run(w);
}

static bool like(const char *text, const char *pattern)
{
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            for (; *text; text++)
                if (like(text, pattern + 1))
                    return true;
            continue;
        }
        if (*text++ != *pattern)
            return false;
    }
    return *text == 0;
}

bool world_expect(struct world *w, const char *expected)
{
    bool ok = like(w->text, expected);

    if (!ok)
        printf("# got \"%.600s\"\n# expected \"%s\"\n", w->text, expected);
    w->text_len = 0;
    w->text[0] = 0;
    return ok;
}

/* Every job is free again. */
static bool jobs_are_back(struct world *w)
{
    struct handoff_port *port = handoff_port_of(w->handoff, 0);
    uint32_t n = 0;

    while (job_take(port))
        n++;
    if (n != w->jobs)
        printf("# %u of %u jobs are free\n", n, w->jobs);
    return n == w->jobs;
}

static bool given_back(struct world *w)
{
    bool ok = jobs_are_back(w);

    for (int c = 0; c < CHUNK_CLASSES; c++) {
        if (chunk_used(w->pool, c) == 0)
            continue;
        printf("# %u chunks of class %d are out\n", chunk_used(w->pool, c), c);
        ok = false;
    }
    if (gauge_table_sum(w->settings.limits.gauges)) {
        printf("# gauges of sessions were not given back\n");
        ok = false;
    }
    if (sessions_count(w->sessions) || w->pins || w->views) {
        printf("# %u sessions, %u pins, %u views are left\n", sessions_count(w->sessions), w->pins,
               w->views);
        ok = false;
    }
    return ok;
}

bool world_free(struct world *w)
{
    bool ok;

    w->hold = w->late = w->deaf = false;
    world_close(w);
    world_wait(w, 5000);
    ok = given_back(w);
    free(settings_publish(w->handoff, NULL));
    sessions_free(w->sessions);
    tcp_free(w->tcp);
    tcp_free(w->client);
    chunk_pool_free(w->pool);
    chunk_pool_free(w->client_pool);
    rcu_unregister_thread();
    world_control_fini(w);
    free(w);
    return ok;
}
