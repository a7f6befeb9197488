/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "dataplane/blast/blast_flood.h"
#include "dataplane/blast/blast_schedule.h"
#include "dataplane/blast/blast_sink.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_link.h"

/* The load generator and the sink at the two ends of a link, in one thread, on a virtual clock. */
enum { SECOND = 1000000 };

static struct scene {
    struct tcp_link *link;
    struct blast_order order, sink_order;
    struct blast_shared shared, sink_shared;
    struct blast_client *client;
    struct blast_sink *sink;
    struct blast_tally tally, sink_tally;
} scene;

static struct span users[] = {{(const uint8_t *)"a@b", 3},
                              {(const uint8_t *)"c@d", 3},
                              {(const uint8_t *)"a@b", 3},
                              {(const uint8_t *)"c@d", 3}};

static void client_turn(struct tcp_link *link, int end)
{
    uint64_t next;

    blast_client_turn(scene.client, (struct turn_time){.now = link->now});
    next = blast_client_next_timer(scene.client);
    link->ends[end].wake = next == UINT64_MAX ? 0 : next > link->now ? next : link->now + 1;
}

static void sink_turn(struct tcp_link *link, int end)
{
    uint64_t next;

    blast_sink_turn(scene.sink, (struct turn_time){.now = link->now});
    next = blast_sink_next_timer(scene.sink);
    link->ends[end].wake = next == UINT64_MAX ? 0 : next;
}

static struct span filler(size_t len)
{
    static uint8_t text[200000];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 70 < 68 ? (uint8_t)('a' + i % 26) : i % 70 == 68 ? '\r' : '\n';
    memcpy(text + len - len % 70, ".\r\n", 3);
    return span_of(text, len - len % 70 + 3);
}

/* A work of its own is laid over this. */
static struct blast_order *order(void)
{
    static struct blast_text text;

    scene = (struct scene){.link = NULL};
    text.wire = filler(4000);
    text.raw = span_head(text.wire, text.wire.len - 3);
    scene.order = (struct blast_order){.workers = 1,
                                       .port = TCP_LINK_PORT,
                                       .sessions = 20,
                                       .rate_limit = 1e6,
                                       .reuse = 1,
                                       .timeout_us = 30 * SECOND,
                                       .hostname = span_text("me"),
                                       .sender = span_text("x@y"),
                                       .users = users,
                                       .user_count = 2,
                                       .recipients = 2,
                                       .pipelining = true,
                                       .texts = &text,
                                       .text_count = 1};
    return &scene.order;
}

static void open_scene(const struct tcp_link_options *options)
{
    struct tcp_link_options o = *options;

    o.delay_us = o.delay_us ? o.delay_us : 500;
    o.tcp.connections = 20000;
    /* A server that forgets a handshake leaves a client that waits for its greeting. */
    o.tcp.half_open = 1000;
    scene.link = tcp_link_new(&o);
    scene.link->track = false;
    scene.order.addresses[0].address = scene.link->ends[TCP_LINK_CLIENT].address;
    scene.order.address_count = 1;
    scene.order.target = scene.link->ends[TCP_LINK_SERVER].address;
    scene.sink_order = scene.order;
    scene.sink_order.work = BLAST_WORK_SINK;
    scene.sink_order.sessions = 8000;
    scene.shared = (struct blast_shared){.order = &scene.order, .begin = scene.link->now};
    scene.sink_shared.order = &scene.sink_order;
    scene.shared.phase = BLAST_PHASE_LOAD;
    scene.client = blast_client_new(
        &(struct blast_client_options){.shared = &scene.shared,
                                       .tcp = scene.link->ends[TCP_LINK_CLIENT].tcp,
                                       .pool = scene.link->ends[TCP_LINK_CLIENT].pool,
                                       .tally = &scene.tally});
    scene.sink = blast_sink_new(
        &(struct blast_client_options){.shared = &scene.sink_shared,
                                       .tcp = scene.link->ends[TCP_LINK_SERVER].tcp,
                                       .pool = scene.link->ends[TCP_LINK_SERVER].pool,
                                       .tally = &scene.sink_tally});
    scene.link->ends[TCP_LINK_CLIENT].turn = client_turn;
    scene.link->ends[TCP_LINK_SERVER].turn = sink_turn;
}

static void run_for(uint64_t seconds)
{
    tcp_link_run(scene.link, scene.link->now + seconds * SECOND);
}

/* Nothing that the server says arrives in the fifth and the sixth second. */
static void run_with_a_stall(void)
{
    run_for(4);
    scene.link->cut[TCP_LINK_SERVER] = true;
    run_for(2);
    scene.link->cut[TCP_LINK_SERVER] = false;
    run_for(30);
}

/* Nothing may be left over. */
static void close_scene(void)
{
    atomic_store(&scene.shared.phase, BLAST_PHASE_END);
    run_for(400);
    CHECK(blast_client_count(scene.client) == 0 && blast_sink_count(scene.sink) == 0);
    blast_client_free(scene.client);
    blast_sink_free(scene.sink);
    CHECK(tcp_link_free(scene.link) == 0);
}

static bool finished(enum blast_phase phase)
{
    uint64_t at;

    return blast_client_finished(scene.client, &at) == phase;
}

static void all_messages_arrive(void)
{
    static const struct tcp_link_options links[] = {
        {.seed = 1}, {.seed = 2, .loss = 30, .jitter_us = 2000}, {.seed = 3, .v6 = true}};

    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        order()->messages = 500;
        scene.order.reuse = 7;
        scene.order.chunking = i == 2;
        open_scene(&links[i]);
        run_for(300);
        CHECK(finished(BLAST_PHASE_LOAD));
        CHECK(scene.tally.counts.messages_accepted == 500);
        CHECK(scene.sink_tally.counts.messages_accepted == 500);
        CHECK(scene.tally.counts.bytes_accepted == scene.sink_tally.counts.bytes_accepted);
        CHECK(scene.tally.counts.recipients_accepted == 1000);
        CHECK(scene.tally.counts.sessions_done == 72);
        CHECK(scene.tally.latency[BLAST_LATENCY_end].count == 500);
        CHECK(scene.tally.latency[BLAST_LATENCY_session].count == 72);
        close_scene();
    }
}

/* A link of 1 ms: what is waited for takes a round trip, and nothing takes less. */
static void times_are_the_links(void)
{
    const struct log_histogram *h = scene.tally.latency;

    order()->messages = 100;
    open_scene(&(struct tcp_link_options){.seed = 1, .delay_us = 5000});
    run_for(60);
    for (int i = BLAST_LATENCY_connect; i <= BLAST_LATENCY_quit; i++)
        if (h[i].count && i != BLAST_LATENCY_banner)
            CHECK(h[i].least == 10000 && h[i].most < 10500);
    CHECK(h[BLAST_LATENCY_end].count == 100);
    close_scene();
}

/* A message of many windows: the time from its final dot does not count its way there. */
static void the_dot_counts_when_it_leaves(void)
{
    static struct blast_text text;

    order()->messages = 1;
    text.wire = filler(190000);
    text.raw = span_head(text.wire, text.wire.len - 3);
    scene.order.texts = &text;
    open_scene(&(struct tcp_link_options){.seed = 1, .delay_us = 5000});
    run_for(60);
    CHECK(scene.tally.counts.messages_accepted == 1);
    CHECK(scene.tally.latency[BLAST_LATENCY_session].least > 60000);
    CHECK(scene.tally.latency[BLAST_LATENCY_end].most < 10500);
    close_scene();
}

static void an_open_loop_does_not_wait(void)
{
    order()->rate = 100;
    scene.order.sessions = 1000;
    scene.order.duration_us = 10 * SECOND;
    open_scene(&(struct tcp_link_options){.seed = 1});
    run_for(12);
    CHECK(scene.tally.counts.sessions_done == 1000);
    CHECK(scene.tally.latency[BLAST_LATENCY_session].most < 20000);
    close_scene();
}

/* The server is not heard for 2 s: those that were to begin meanwhile have waited, and it shows. */
static void a_stall_can_not_be_hidden(void)
{
    const struct log_histogram *h = &scene.tally.latency[BLAST_LATENCY_session];

    order()->rate = 100;
    scene.order.sessions = 1000;
    scene.order.duration_us = 10 * SECOND;
    open_scene(&(struct tcp_link_options){.seed = 1});
    run_with_a_stall();
    CHECK(scene.tally.counts.sessions_done == 1000);
    CHECK(log_histogram_quantile(h, 999000) > 1950000);
    CHECK(log_histogram_quantile(h, 500000) < 20000);
    CHECK(log_histogram_quantile(h, 850000) > 100000);
    close_scene();
}

/* Likewise where there is room for a few sessions only: what did not begin in time is late. */
static void a_full_house_can_not_hide_it(void)
{
    const struct log_histogram *h = &scene.tally.latency[BLAST_LATENCY_session];

    order()->rate = 100;
    scene.order.sessions = 5;
    scene.order.duration_us = 10 * SECOND;
    open_scene(&(struct tcp_link_options){.seed = 1});
    run_with_a_stall();
    CHECK(scene.tally.counts.sessions_done == 1000);
    CHECK(log_histogram_quantile(h, 999000) > 1900000);
    /* Five at a time: the 200 that were to begin meanwhile waited outside. */
    CHECK(log_histogram_quantile(h, 850000) > 300000);
    CHECK(scene.tally.latency[BLAST_LATENCY_connect].most > 1900000);
    /* And that it was ours tells this one. */
    CHECK(scene.tally.latency[BLAST_LATENCY_late].count == 1000);
    CHECK(scene.tally.latency[BLAST_LATENCY_late].most > 1900000);
    close_scene();
}

static void a_silent_server_is_given_up(void)
{
    order()->messages = 40;
    scene.order.timeout_us = 5 * SECOND;
    open_scene(&(struct tcp_link_options){.seed = 1});
    scene.link->cut[TCP_LINK_SERVER] = true;
    run_for(60);
    CHECK(finished(BLAST_PHASE_LOAD));
    CHECK(scene.tally.counts.sessions_silent == 40);
    CHECK(scene.tally.counts.messages_unsent == 40);
    scene.link->cut[TCP_LINK_SERVER] = false;
    close_scene();
}

static void a_closed_port_is_told(void)
{
    order()->messages = 40;
    scene.order.port = 26;
    open_scene(&(struct tcp_link_options){.seed = 1});
    /* The sink listens where its order says. */
    tcp_unlisten(scene.link->ends[TCP_LINK_SERVER].tcp);
    run_for(60);
    CHECK(scene.tally.counts.sessions_refused == 40);
    CHECK(finished(BLAST_PHASE_LOAD));
    close_scene();
}

static void little_memory_is_survived(void)
{
    order()->messages = 300;
    scene.order.sessions = 200;
    open_scene(&(struct tcp_link_options){.seed = 1, .chunks = {40, 10, 4}});
    run_for(300);
    CHECK(finished(BLAST_PHASE_LOAD));
    CHECK(scene.tally.counts.messages_accepted > 0);
    CHECK(scene.tally.counts.messages_accepted + scene.tally.counts.messages_unsent +
              scene.tally.counts.messages_doubtful ==
          300);
    close_scene();
}

static void the_end_cuts_what_is_open(void)
{
    order()->rate = 1000;
    scene.order.sessions = 1000;
    open_scene(&(struct tcp_link_options){.seed = 1, .delay_us = 200000});
    run_for(1);
    CHECK(blast_client_count(scene.client) > 100);
    atomic_store(&scene.shared.phase, BLAST_PHASE_DRAIN);
    run_for(5);
    CHECK(finished(BLAST_PHASE_DRAIN));
    CHECK(scene.tally.counts.sessions_unfinished == 0);
    close_scene();
}

static void the_rate_has_a_limit(void)
{
    order()->rate_limit = 50;
    open_scene(&(struct tcp_link_options){.seed = 1});
    run_for(10);
    CHECK(scene.tally.counts.sessions_started >= 495 && scene.tally.counts.sessions_started <= 505);
    CHECK(scene.tally.counts.starts_capped > 0);
    close_scene();
}

static void schedules_add_up(void)
{
    struct blast_order o = {.workers = 3, .rate = 1000, .ramp_us = 10 * SECOND};
    uint32_t within = 0, second = 0;
    uint64_t last = 0;

    /* Half as many while the rate grows; all workers together. */
    for (uint32_t w = 0; w < 3; w++)
        for (uint64_t i = 0; i < 4000; i++) {
            uint64_t at = blast_schedule_at(&o, 100, w, i) - 100;

            within += at < 10 * SECOND;
            second += at >= 11 * SECOND && at < 12 * SECOND;
            CHECK(i == 0 || at >= last);
            last = at;
        }
    CHECK(within == 5000 && second == 1000);
    CHECK(blast_schedule_step(&o, 100, UINT64_MAX) == 0);
    o.ramp_us = 0;
    CHECK(blast_schedule_at(&o, 100, 0, 0) == 100);
    CHECK(blast_schedule_at(&o, 0, 1, 333) == SECOND);
}

/* Each step begins as many as it says, evenly; behind the last one nothing begins. */
static void steps_add_up(void)
{
    struct blast_order o = {.workers = 2,
                            .steps = {{100, 2 * SECOND}, {300, SECOND}, {1, 2 * SECOND}},
                            .step_count = 3};
    uint32_t within[3] = {0}, after = 0;

    for (uint32_t w = 0; w < 2; w++)
        for (uint64_t i = 0; i < 300; i++) {
            uint64_t at = blast_schedule_at(&o, 7, w, i);

            if (at == UINT64_MAX)
                after++;
            else
                within[blast_schedule_step(&o, 7, at)]++;
        }
    CHECK(within[0] == 200 && within[1] == 300 && within[2] == 2 && after == 98);
    CHECK(blast_schedule_at(&o, 7, 0, 100) == 7 + 2 * SECOND);
    o = (struct blast_order){.workers = 2, .burst = 10, .burst_us = SECOND / 2};
    CHECK(blast_schedule_at(&o, 7, 1, 4) == 7 && blast_schedule_at(&o, 7, 0, 5) == 7 + SECOND / 2);
}

/* The second step meets a stall: its sessions show it, the others do not. */
static void each_step_has_its_result(void)
{
    const struct blast_step_tally *t = scene.tally.steps;

    order()->steps[0] = (struct blast_step){100, 4 * SECOND};
    scene.order.steps[1] = (struct blast_step){50, 2 * SECOND};
    scene.order.steps[2] = (struct blast_step){200, 4 * SECOND};
    scene.order.step_count = 3;
    scene.order.sessions = 1000;
    scene.order.duration_us = 10 * SECOND;
    open_scene(&(struct tcp_link_options){.seed = 1});
    run_with_a_stall();
    CHECK(t[0].started == 400 && t[1].started == 100 && t[2].started == 800);
    CHECK(t[0].done == 400 && t[1].done == 100 && t[2].done == 800 && !t[1].failed);
    CHECK(t[0].messages == 400 && t[1].messages == 100 && t[1].end.count == 100);
    CHECK(log_histogram_quantile(&t[0].session, 990000) < 20000);
    CHECK(log_histogram_quantile(&t[1].session, 500000) > 900000);
    CHECK(log_histogram_quantile(&t[2].session, 990000) < 20000);
    close_scene();
}

static void bursts_come_at_once(void)
{
    order()->burst = 50;
    scene.order.burst_us = SECOND;
    scene.order.sessions = 1000;
    scene.order.duration_us = 4 * SECOND;
    open_scene(&(struct tcp_link_options){.seed = 1, .delay_us = 100000});
    tcp_link_run(scene.link, scene.link->now + 2 * SECOND + 300000);
    CHECK(scene.tally.counts.sessions_started == 150 && blast_client_count(scene.client) == 50);
    run_for(10);
    CHECK(scene.tally.counts.sessions_done == 200);
    close_scene();
}

/* All stand, cost a place and nothing else, and are let go when they have held still. */
static void idle_sessions_stand(void)
{
    order()->sessions = 6000; /* more than are driven at a time */
    scene.order.hold_us = 20 * SECOND;
    scene.order.timeout_us = 5 * SECOND;
    open_scene(&(struct tcp_link_options){.seed = 1, .chunks = {20000, 9000, 200}});
    scene.sink_order.timeout_us = 300 * SECOND;
    run_for(15);
    CHECK(blast_client_count(scene.client) == 6000 && scene.tally.counts.sessions_stood == 6000);
    CHECK(blast_client_stood(scene.client) > scene.shared.begin);
    CHECK(blast_client_stood(scene.client) < scene.shared.begin + 5 * SECOND);
    CHECK(scene.tally.latency[BLAST_LATENCY_stand].count == 6000);
    CHECK(chunk_used(scene.link->ends[TCP_LINK_CLIENT].pool, CHUNK_SMALL) == 0);
    CHECK(chunk_used(scene.link->ends[TCP_LINK_CLIENT].pool, CHUNK_MEDIUM) == 0);
    CHECK(!finished(BLAST_PHASE_LOAD));
    run_for(10);
    CHECK(finished(BLAST_PHASE_LOAD) && blast_client_count(scene.client) == 6000);
    atomic_store(&scene.shared.phase, BLAST_PHASE_DRAIN);
    /* While the port takes nothing, no more are reset than resets are kept. */
    for (uint64_t i = 0; i < 50; i++)
        blast_client_turn(scene.client, (struct turn_time){.now = scene.link->now + i * 1000});
    CHECK(blast_client_count(scene.client) < 6000 && blast_client_count(scene.client) > 5500);
    run_for(5);
    CHECK(finished(BLAST_PHASE_DRAIN) && scene.tally.counts.sessions_done == 6000);
    CHECK(tcp_counters(scene.link->ends[TCP_LINK_CLIENT].tcp)->replies_lost == 0);
    /* The last one waited for the server's answer. */
    CHECK(scene.link->ends[TCP_LINK_CLIENT].fins == 1 && scene.tally.counts.sessions_closed == 0);
    CHECK(blast_sink_count(scene.sink) == 0);
    close_scene();
}

/* What the server does to them meanwhile is told by reason. */
static void idle_sessions_that_end_are_told(void)
{
    order()->sessions = 100;
    scene.order.hold_us = 100 * SECOND;
    open_scene(&(struct tcp_link_options){.seed = 1});
    scene.sink_order.timeout_us = 5 * SECOND; /* the sink resets who is silent */
    run_for(30);
    CHECK(scene.tally.counts.sessions_stood == 100 && scene.tally.counts.sessions_reset == 100);
    CHECK(blast_client_count(scene.client) == 0 && scene.tally.counts.sessions_done == 0);
    close_scene();
}

/* One in four trickles, one in four reads slowly; what behaves is not slower for it. */
static void slow_clients_are_slow(void)
{
    const struct blast_manner_tally *slow = scene.tally.manners;

    order()->messages = 100;
    scene.order.slow_senders = scene.order.slow_readers = 25;
    scene.order.slow_bytes = 500;
    open_scene(&(struct tcp_link_options){.seed = 1, .tcp = {.narrow_window = 256}});
    run_for(120);
    CHECK(finished(BLAST_PHASE_LOAD));
    CHECK(scene.tally.counts.sessions_done == 100 && scene.tally.counts.messages_accepted == 100);
    CHECK(scene.sink_tally.counts.messages_accepted == 100);
    CHECK(slow[BLAST_MANNER_slow_sender].begun > 10 && slow[BLAST_MANNER_slow_reader].begun > 10);
    CHECK(slow[BLAST_MANNER_slow_sender].begun == slow[BLAST_MANNER_slow_sender].ended);
    CHECK(slow[BLAST_MANNER_slow_reader].begun == slow[BLAST_MANNER_slow_reader].ended);
    CHECK(scene.tally.latency[BLAST_LATENCY_session].most < 50000);
    CHECK(scene.tally.latency[BLAST_LATENCY_session].count +
              scene.tally.latency[BLAST_LATENCY_slow].count ==
          100);
    /* 4000 bytes at 500 a second; a few hundred bytes of replies at the same speed */
    CHECK(scene.tally.latency[BLAST_LATENCY_slow].most > 7 * SECOND);
    CHECK(scene.tally.latency[BLAST_LATENCY_slow].least > SECOND / 2);
    CHECK(scene.link->ends[TCP_LINK_CLIENT].last.window < 65535);
    close_scene();
}

/* All kinds come, their answers are counted, and the others do not notice. */
static void broken_clients_are_counted(void)
{
    const struct blast_manner_tally *t = scene.tally.manners;
    uint64_t broken = 0, begun = 0, refused = 0;

    order()->messages = 300;
    scene.order.broken = 50;
    scene.order.seed = 3;
    scene.order.timeout_us = 10 * SECOND;
    open_scene(&(struct tcp_link_options){.seed = 1});
    scene.sink_order.timeout_us = 20 * SECOND;
    run_for(60);
    CHECK(finished(BLAST_PHASE_LOAD));
    CHECK(scene.tally.counts.sessions_done == 300 && scene.tally.counts.messages_accepted == 300);
    CHECK(scene.tally.counts.sessions_started == 300);
    for (int m = BLAST_MANNER_vanishes; m < BLAST_MANNERS; m++) {
        CHECK(t[m].begun > 10 && t[m].ended + t[m].reset == t[m].begun && !t[m].failed);
        CHECK(t[m].answers >= t[m].begun);
        broken += t[m].ended + t[m].reset;
        begun += t[m].begun;
    }
    CHECK(begun == broken && begun > 200 && begun < 400);
    CHECK(t[BLAST_MANNER_vanishes].answers == 2 * t[BLAST_MANNER_vanishes].begun);
    for (int code = 400; code < BLAST_CODES; code++)
        refused += t[BLAST_MANNER_garbage].refused[code];
    CHECK(refused >= t[BLAST_MANNER_garbage].begun);
    CHECK(t[BLAST_MANNER_vanishes_in_data].answers == 5 * t[BLAST_MANNER_vanishes_in_data].begun);
    /* Who vanished left the server waiting: it gave up by itself. */
    CHECK(scene.sink_tally.counts.sessions_silent ==
          t[BLAST_MANNER_vanishes].begun + t[BLAST_MANNER_vanishes_in_data].begun);
    CHECK(scene.sink_tally.counts.sessions_reset >= t[BLAST_MANNER_resets].begun);
    CHECK(scene.tally.latency[BLAST_LATENCY_session].count == 300);
    close_scene();
}

static void floods_come_from_their_network(void)
{
    struct tcp_segment s[16];
    struct blast_flood f;
    uint32_t n = 0, high = 0;

    order()->flood_rate = 1000;
    CHECK(ip_address_parse(span_text("198.19.128.0"), &scene.order.flood_from.address));
    scene.order.flood_from.prefix = 17;
    scene.order.workers = 2;
    scene.shared = (struct blast_shared){
        .order = &scene.order, .begin = 5 * SECOND, .phase = BLAST_PHASE_LOAD};
    f = blast_flood_of(&scene.shared, 1);
    for (uint64_t now = 5 * SECOND; now < 6 * SECOND; now += 1000) {
        uint32_t more = blast_flood_make(&f, now, s, 16);

        for (uint32_t i = 0; i < more; i++) {
            CHECK(ip_address_inside(&s[i].source, &scene.order.flood_from.address, 17));
            CHECK(s[i].flags == TCP_SYN && s[i].options_len == 4 && s[i].source_port >= 1024);
            high += s[i].source.bytes[14] >= 192;
        }
        n += more;
    }
    CHECK(n == 500 && high > 200 && high < 300);
    CHECK(blast_flood_next(&f) == 6 * SECOND);
    scene.shared.phase = BLAST_PHASE_DRAIN;
    CHECK(blast_flood_make(&f, 9 * SECOND, s, 16) == 0 && blast_flood_next(&f) == UINT64_MAX);
}

int main(void)
{
    check_begin();
    CHECK_CASE(all_messages_arrive);
    CHECK_CASE(times_are_the_links);
    CHECK_CASE(the_dot_counts_when_it_leaves);
    CHECK_CASE(an_open_loop_does_not_wait);
    CHECK_CASE(a_stall_can_not_be_hidden);
    CHECK_CASE(a_full_house_can_not_hide_it);
    CHECK_CASE(a_silent_server_is_given_up);
    CHECK_CASE(a_closed_port_is_told);
    CHECK_CASE(little_memory_is_survived);
    CHECK_CASE(the_end_cuts_what_is_open);
    CHECK_CASE(the_rate_has_a_limit);
    CHECK_CASE(schedules_add_up);
    CHECK_CASE(steps_add_up);
    CHECK_CASE(each_step_has_its_result);
    CHECK_CASE(idle_sessions_stand);
    CHECK_CASE(idle_sessions_that_end_are_told);
    CHECK_CASE(slow_clients_are_slow);
    CHECK_CASE(broken_clients_are_counted);
    CHECK_CASE(floods_come_from_their_network);
    CHECK_CASE(bursts_come_at_once);
    return check_end();
}
