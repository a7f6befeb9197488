/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <urcu-qsbr.h>

#include "dataplane/worker/watchdog.h"
#include "dataplane/worker/worker.h"
#include "tests/net/fake_tcp.h"
#include "tests/net/net_rig.h"

/*
 * Workers in one thread under a clock of the test's own, on a port that plays frames from a capture
 * and writes what is sent into another. One queue in each direction, so the second worker lives
 * from the mesh.
 */
enum { WORKERS = 2, FLOWS = 20, RING = 64 };

static struct {
    char in[64], out[64];
    struct handoff *handoff;
    struct port *port;
    struct mesh *mesh;
    struct tcp *tcp[WORKERS];
    struct sessions *sessions[WORKERS];
    struct worker *worker[WORKERS];
} bench;

static void put32(FILE *f, uint32_t v)
{
    fwrite(&v, 4, 1, f);
}

static void write_frame(FILE *f, struct span frame)
{
    put32(f, 0);
    put32(f, 0);
    put32(f, (uint32_t)frame.len);
    put32(f, (uint32_t)frame.len);
    fwrite(frame.data, 1, frame.len, f);
}

/* Neighbours first, then segments of FLOWS flows, then an error that quotes a segment of each
 * worker's. */
static void write_capture(void)
{
    FILE *f = fopen(bench.in, "wb");
    struct packet p;

    put32(f, 0xa1b2c3d4);
    put32(f, 4 << 16 | 2);
    put32(f, 0);
    put32(f, 0);
    put32(f, 65535);
    put32(f, 1);
    packet_arp(&p, packet_our_mac, 1, "198.18.0.1", "198.18.0.2");
    write_frame(f, packet_span(&p));
    packet_ndp(&p, 135, "2001:2::1", "2001:2::2", "2001:2::2", 0, 1);
    write_frame(f, packet_span(&p));
    for (uint16_t i = 0; i < FLOWS; i++) {
        packet_segment(&p, i % 4 < 2, (uint16_t)(1000 + i), 25, 100);
        write_frame(f, packet_span(&p));
    }
    fclose(f);
}

/* Frames of `len` bytes in what was sent, and how many there are at all. */
static uint32_t sent_frames(uint32_t len, uint32_t *all_out)
{
    FILE *f = fopen(bench.out, "rb");
    uint32_t header[4], count = 0;

    *all_out = 0;
    if (!f || fseek(f, 24, SEEK_SET))
        return 0;
    while (fread(header, 4, 4, f) == 4) {
        count += header[2] == len;
        ++*all_out;
        fseek(f, (long)header[2], SEEK_CUR);
    }
    fclose(f);
    return count;
}

static void open_bench(void)
{
    struct port_options port = {.device = "net_pcap0",
                                .workers = WORKERS,
                                .lcores = 1,
                                .rx_descriptors = 128,
                                .tx_descriptors = 128,
                                .burst = 32,
                                .held = mesh_holds(WORKERS, RING) + 2048};
    struct net_options net = rig_options();
    char text[200];
    struct writer why = writer_of(text, sizeof(text));

    bench.handoff =
        handoff_new(&(struct handoff_options){.workers = WORKERS, .jobs = 4, .records = 4});
    bench.port = port_open(&port, &why);
    if (!bench.port || !bench.handoff) {
        printf("Bail out! %.*s\n", (int)why.len, text);
        exit(1);
    }
    bench.mesh = mesh_new(WORKERS, RING);
    net.workers = WORKERS;
    net.port = *port_capabilities(bench.port);
    for (uint32_t i = 0; i < WORKERS; i++) {
        bench.sessions[i] = sessions_new(NULL);
        bench.tcp[i] = tcp_new(NULL, NULL);
        bench.worker[i] =
            worker_new(&(struct worker_options){.index = i,
                                                .port = bench.port,
                                                .mesh = bench.mesh,
                                                .net = net,
                                                .tcp = bench.tcp[i],
                                                .app = worker_app_sessions(bench.sessions[i]),
                                                .handoff = handoff_port_of(bench.handoff, i),
                                                .burst = 32});
    }
}

static void turns(uint64_t from, int n)
{
    for (int i = 0; i < n; i++)
        for (uint32_t w = 0; w < WORKERS; w++)
            worker_turn(bench.worker[w], (struct turn_time){.now = from + (uint64_t)i});
}

static void one_queue_feeds_two_workers_by_the_hash(void)
{
    CHECK(port_capabilities(bench.port)->rx_queues == 1 && !port_capabilities(bench.port)->rss);
    turns(1000, 10);
    for (uint32_t w = 0; w < WORKERS; w++) {
        const struct fake_tcp *tcp = fake_tcp(bench.tcp[w]);

        CHECK(tcp->received == FLOWS / WORKERS && tcp->settled == 10);
        for (uint32_t i = 0; i < tcp->received && i < FAKE_SEGMENTS; i++)
            CHECK((tcp->ports[i] + 25u) % WORKERS == w);
        CHECK(tcp->payload_len == 100 && tcp->payload[99] == packet_byte(99));
    }
    CHECK(worker_counters(bench.worker[0])->frames_in == FLOWS + 2);
    CHECK(worker_counters(bench.worker[1])->frames_in == 0);
}

static bool stalled(struct watchdog *dog, uint32_t worker, uint64_t now)
{
    return watchdog_look(dog, worker,
                         handoff_cycles(handoff_port_of(bench.handoff, worker))->heartbeat_us, now);
}

/* Each turn leaves its time behind; whoever has stopped turning is seen, and counted once a stall.
 */
static void a_worker_that_stops_turning_is_seen(void)
{
    struct watchdog dog = {0};
    uint64_t last = 1500;

    CHECK(!stalled(&dog, 0, last) && !stalled(&dog, 1, last));
    turns(last, 1);
    CHECK(!stalled(&dog, 0, last - 1) && !stalled(&dog, 0, last + WATCHDOG_PATIENCE_US));
    worker_turn(bench.worker[1], (struct turn_time){.now = last + 1000000});
    for (uint64_t late = 1; late < 1000000; late += 100000) {
        CHECK(stalled(&dog, 0, last + WATCHDOG_PATIENCE_US + late));
        CHECK(!stalled(&dog, 1, last + WATCHDOG_PATIENCE_US + late));
    }
    CHECK(dog.stalls == 1);
    turns(last + 3000000, 1);
    CHECK(!stalled(&dog, 0, last + 3000000));
    CHECK(stalled(&dog, 0, last + 6000000) && stalled(&dog, 1, last + 6000000) && dog.stalls == 3);
}

static void a_worker_that_never_turns_is_seen(void)
{
    struct watchdog dog = {0};

    CHECK(!watchdog_look(&dog, 7, 0, 5000000));
    CHECK(!watchdog_look(&dog, 7, 0, 5000000 + WATCHDOG_PATIENCE_US));
    CHECK(watchdog_look(&dog, 7, 0, 5000001 + WATCHDOG_PATIENCE_US) && dog.stalls == 1);
}

/* Worker 1 never saw the ARP request itself, and knows the neighbour; its frame leaves through
 * worker 0's queue. */
static void neighbours_are_known_to_all_and_frames_leave_by_the_queues_owner(void)
{
    uint32_t all, before;

    sent_frames(0, &before);
    fake_tcp(bench.tcp[1])->out[0] = (struct tcp_segment){.source = PACKET_OURS4,
                                                          .destination = PACKET_PEER4,
                                                          .source_port = 25,
                                                          .destination_port = 1000,
                                                          .flags = TCP_ACK,
                                                          .mss = 500,
                                                          .len = 1201,
                                                          .queue = fake_queue()};
    fake_tcp(bench.tcp[1])->out[1] = fake_tcp(bench.tcp[1])->out[0];
    fake_tcp(bench.tcp[1])->out[1].source = PACKET_OURS6;
    fake_tcp(bench.tcp[1])->out[1].destination = PACKET_PEER6;
    fake_tcp(bench.tcp[1])->out_count = 2;
    turns(20000000, 3);
    CHECK(worker_counters(bench.worker[1])->segments_out == 2);
    CHECK(net_counters(worker_net(bench.worker[1]))->row[NET_requests_out] == 0);
    worker_free(bench.worker[0]);
    worker_free(bench.worker[1]);
    for (uint32_t i = 0; i < WORKERS; i++) {
        sessions_free(bench.sessions[i]);
        tcp_free(bench.tcp[i]);
    }
    handoff_free(bench.handoff);
    mesh_free(bench.mesh);
    port_close(bench.port); /* writes out what is buffered */
    CHECK(sent_frames(14 + 20 + 20 + 500, &all) == 2);
    CHECK(sent_frames(14 + 40 + 20 + 500, &all) == 2);
    CHECK(sent_frames(14 + 20 + 20 + 201, &all) == 1);
    CHECK(all >= 8); /* and two answers to neighbours */
}

static void a_pool_that_is_too_small_is_refused_with_the_numbers(void)
{
    struct port_options o = {.device = "net_null0",
                             .workers = 1,
                             .lcores = 2,
                             .rx_descriptors = 512,
                             .tx_descriptors = 512,
                             .burst = 32,
                             .held = 100,
                             .frames = 1000};
    char text[400];
    struct writer why = writer_of(text, sizeof(text));
    uint32_t needed = port_frames_needed(&o, 1, 1);
    char number[16];

    CHECK(needed == 1024 + 768 + 64 + 100 + FRAME_POOL_KEPT);
    snprintf(number, sizeof(number), "%u", needed);
    CHECK(!port_open(&o, &why));
    text[why.len] = 0;
    CHECK(strstr(text, "1000 frames") && strstr(text, number));
}

int main(void)
{
    char vdev[200];

    snprintf(bench.in, sizeof(bench.in), "/tmp/net-worker-%d-in.pcap", (int)getpid());
    snprintf(bench.out, sizeof(bench.out), "/tmp/net-worker-%d-out.pcap", (int)getpid());
    snprintf(vdev, sizeof(vdev), "net_pcap0,rx_pcap=%s,tx_pcap=%s", bench.in, bench.out);
    write_capture();
    rig_environment(vdev);
    urcu_qsbr_register_thread();
    check_begin();
    CHECK_CASE(a_pool_that_is_too_small_is_refused_with_the_numbers);
    open_bench();
    CHECK_CASE(one_queue_feeds_two_workers_by_the_hash);
    CHECK_CASE(a_worker_that_stops_turning_is_seen);
    CHECK_CASE(a_worker_that_never_turns_is_seen);
    CHECK_CASE(neighbours_are_known_to_all_and_frames_leave_by_the_queues_owner);
    urcu_qsbr_unregister_thread();
    unlink(bench.in);
    unlink(bench.out);
    return check_end();
}
