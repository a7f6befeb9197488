/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/worker/engine.h"

/*
 * The data plane on a real driver without mail above it: answers ARP, neighbour discovery and echo,
 * and sends back what comes to TCP port 7. engine_probe PMD INTERFACE WORKERS OFFLOADS
 * ADDRESS/PREFIX...; prints its counters when told to end.
 */
static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

static bool read_address(char *text, struct net_address *out)
{
    char *slash = strchr(text, '/');

    if (!slash)
        return false;
    out->prefix = (uint8_t)atoi(slash + 1);
    return ip_address_parse(span_of(text, (size_t)(slash - text)), &out->address);
}

static void put(void *user, const char *name, uint64_t value)
{
    (void)user;
    if (value)
        printf("%s %lu\n", name, (unsigned long)value);
}

static uint64_t monotonic(void)
{
    return worker_loop_time().now;
}

int main(int argc, char **argv)
{
    struct engine_options o = {.program = argv[0],
                               .dad_ms = 1000,
                               .idle = WORKER_IDLE_ADAPTIVE,
                               .sessions = 64,
                               .chunks = {2048, 1024, 64}};
    struct counter_sink sink = {.put = put};
    char text[512];
    struct writer why = writer_of(text, sizeof(text) - 1);
    struct engine *e;
    bool ready = false;

    o.tcp = (struct tcp_options){
        .connections = 64, .half_open = 32, .receive_window = 262144, .send_limit = 262144};
    if (argc < 6)
        return 2;
    if (strncmp(argv[1], "dev:", 4) == 0) {
        o.device = argv[1] + 4;
    } else {
        o.pmd = argv[1];
        o.interface = argv[2];
    }
    o.workers = (uint32_t)atoi(argv[3]);
    o.offloads = o.tso = o.large_receive = atoi(argv[4]);
    for (int i = 5; i < argc; i++)
        if (!read_address(argv[i], &o.addresses[o.address_count++]))
            return 2;
    o.handoff =
        handoff_new(&(struct handoff_options){.workers = o.workers, .jobs = 16, .records = 16});
    e = o.handoff ? engine_start(&o, &why) : NULL;
    if (!e || !engine_launch(e, &why)) {
        fprintf(stderr, "%.*s\n", (int)why.len, text);
        return 1;
    }
    signal(SIGTERM, end);
    signal(SIGINT, end);
    printf("started\n");
    printf("queues %u/%u mtu %u checksum in %d out %d tso %d rss %d\n", engine_port(e)->rx_queues,
           engine_port(e)->tx_queues, engine_port(e)->mtu, engine_port(e)->rx_tcp_checksum,
           engine_port(e)->tx_tcp_checksum, engine_port(e)->tso, engine_port(e)->rss);
    while (!ended) {
        if (!ready && engine_ready(e))
            printf("ready\n");
        ready = engine_ready(e);
        fflush(stdout);
        engine_watch(e, monotonic());
        usleep(100000);
    }
    engine_counters(e, &sink);
    engine_stop(e);
    handoff_free(o.handoff);
    return 0;
}
