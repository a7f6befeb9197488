/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/blast/blast_messages.h"
#include "control/rulefile/rule_loader.h"
#include "tests/cost/cost_client.h"
#include "tests/sim/sim_engine.h"

/*
 * A fixed piece of work for a worker, in one thread, on a clock of its own: what
 * `valgrind --tool=callgrind --toggle-collect=worker_turn` counts of it is the same in every run.
 */
static const char usage[] = "cost WORKLOAD RULES CACHE\n"
                            "  accept   4 KB messages, each over a connection of its own\n"
                            "  bulk     1 MB messages with base64 attachments\n"
                            "  pop3     4 KB messages retrieved, all of a mailbox in a session\n"
                            "  none     only compiles RULES into the folder CACHE\n"
                            "prints \"messages N\", how many were accepted or retrieved, and the "
                            "cycles of each by stage.\n";

enum {
    BEGIN = 1000000,
    TURN_US = 20,
    SETTLE_US = 10000,
    SETTLED_US = 5000000,
    TURNS_MOST = 100000,
    TEXTS = 16,
    MAILBOX = 64,
    LINES = MAILBOX + 4,
    WINDOW = 262144,
    SEED = 1,
    SCAN_NS = 1000000000, /* a rule may be as slow as under valgrind */
};

struct workload {
    const char *name;
    uint32_t connections, at_a_time, bytes, attachments;
    bool pop3;
};

static const struct workload workloads[] = {
    {.name = "accept", .connections = 400, .at_a_time = 12, .bytes = 4096},
    {.name = "bulk", .connections = 8, .at_a_time = 2, .bytes = 1 << 20, .attachments = 100},
    {.name = "pop3", .connections = 6, .at_a_time = 1, .bytes = 4096, .pop3 = true},
};

static struct bench {
    struct sim_engine *engine;
    struct cost_client client;
    struct blast_messages *messages;
    struct cost_line lines[TEXTS][LINES];
    struct cost_script scripts[TEXTS];
    char commands[MAILBOX][16];
    uint64_t faults;
} bench;

static void bail(const char *why)
{
    fprintf(stderr, "cost: %s\n", why);
    exit(2);
}

static void to_engine(void *user, struct sim_packet *p)
{
    sim_engine_input(((struct bench *)user)->engine, p);
}

static void client_sends(void *user, struct sim_packet *p)
{
    (void)user;
    to_engine(&bench, p);
}

static void engine_sends(void *user, struct sim_packet *p)
{
    sim_host_input(&((struct bench *)user)->client.host, p);
}

static void fault(void *user, const char *where, const char *what)
{
    ((struct bench *)user)->faults++;
    fprintf(stderr, "%s %s\n", where, what);
}

static struct rule_generation *load_rules(const char *file, const char *cache)
{
    char text[1024] = "";
    struct writer why = writer_of(text, sizeof(text) - 1);
    struct rule_generation *rules = NULL;
    struct rule_loader_options o = {.files = &file,
                                    .file_count = 1,
                                    .cache = cache,
                                    .scan_ns = SCAN_NS,
                                    .workers = 1,
                                    .streams = COST_TALKS};

    if (!rule_loader_load(rule_loader_new(), &o, &why, &rules))
        bail(text);
    return rules;
}

static void make_messages(const struct workload *w)
{
    char text[256] = "";
    struct writer why = writer_of(text, sizeof(text) - 1);
    struct blast_messages_options o = {.bytes = w->bytes,
                                       .attachments = w->attachments,
                                       .count = w->pop3 ? MAILBOX : TEXTS,
                                       .seed = SEED,
                                       .from = "a@client.test",
                                       .to = "alice@example.test"};

    bench.messages = blast_messages_make(&o, &why);
    if (!bench.messages)
        bail(text);
}

static struct cost_line line_of(const char *text, uint32_t answers)
{
    return (struct cost_line){.text = span_text(text), .answers = answers};
}

static void write_smtp(void)
{
    for (uint32_t i = 0; i < TEXTS; i++) {
        struct cost_line *l = bench.lines[i];
        uint32_t n = 0;

        l[n++] = line_of("EHLO client.test\r\n", 1);
        l[n++] =
            line_of("MAIL FROM:<a@client.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n", 1);
        l[n++] = (struct cost_line){.text = bench.messages->texts[i].wire, .answers = 3};
        l[n++] = line_of("QUIT\r\n", 1);
        bench.scripts[i] = (struct cost_script){.lines = l, .count = n, .port = 25};
    }
    bench.client.script_count = TEXTS;
}

static void write_pop3(void)
{
    struct world *world = sim_engine_world(bench.engine);
    struct cost_line *l = bench.lines[0];
    uint32_t n = 0;

    l[n++] = line_of("USER alice@example.test\r\n", 1);
    l[n++] = line_of("PASS secret\r\n", 1);
    for (uint32_t i = 0; i < MAILBOX; i++) {
        struct span raw = bench.messages->texts[i].raw;
        struct world_message *m = &world->messages[i];

        *m = (struct world_message){.bytes = malloc(raw.len), .len = raw.len};
        memcpy(m->bytes, raw.data, raw.len);
        snprintf(bench.commands[i], sizeof(bench.commands[i]), "RETR %u\r\n", i + 1);
        l[n] = line_of(bench.commands[i], 1);
        l[n++].many = true;
    }
    world->message_count = MAILBOX;
    l[n++] = line_of("QUIT\r\n", 1);
    bench.scripts[0] = (struct cost_script){.lines = l, .count = n, .port = 110};
    bench.client.script_count = 1;
}

static struct tcp_options tcp_options(uint8_t key, uint32_t time_wait_ms)
{
    return (struct tcp_options){.connections = 2048,
                                .half_open = 256,
                                .receive_window = WINDOW,
                                .send_limit = WINDOW,
                                .mss_v4 = 1460,
                                .mss_v6 = 1440,
                                .time_wait_ms = time_wait_ms,
                                .secret = {key}};
}

static void open_bench(const struct workload *w, struct rule_generation *rules)
{
    static struct sim_random random = {SEED};
    struct sim_engine_options engine = {.workers = 1,
                                        .tcp = tcp_options(1, 1000),
                                        .chunks = {2000, 1000, 300},
                                        .burst = 32,
                                        .unwatched = true,
                                        .send = engine_sends,
                                        .fault = fault,
                                        .user = &bench};
    struct sim_host_options client = {
        .tcp = tcp_options(2, 1), .chunks = {2000, 2000, 500}, .send = client_sends};
    struct world *world;

    sim_engine_environment();
    bench.engine = sim_engine_new(&engine, &random, BEGIN);
    world = sim_engine_world(bench.engine);
    world->forgets = !w->pop3;
    world->settings.rules = rules;
    world->settings.sample = 64;
    world_publish(world);
    cost_client_init(&bench.client, &client);
    make_messages(w);
    if (w->pop3)
        write_pop3();
    else
        write_smtp();
    bench.client.scripts = bench.scripts;
    bench.client.connections = w->connections;
    bench.client.talk_count = w->at_a_time;
}

/* Until the engine's addresses are past detection. */
static uint64_t settle(void)
{
    uint64_t now = BEGIN;

    for (; now < BEGIN + SETTLED_US; now += SETTLE_US)
        sim_engine_turn(bench.engine, now);
    return now;
}

/* What the worker's own account says: a turn's cycles, by stage. */
static void print_cycles(uint32_t messages)
{
    struct handoff *handoff = sim_engine_world(bench.engine)->handoff;
    const struct stage_cycles *c = handoff_cycles(handoff_port_of(handoff, 0));

    printf("cycles %llu", (unsigned long long)(c->busy / messages));
    for (int i = 0; i < STAGES; i++)
        if (c->stage[i])
            printf(" %s %llu", stage_name((enum stage)i),
                   (unsigned long long)(c->stage[i] / messages));
    printf("\n");
}

static int run(const struct workload *w)
{
    uint64_t now = settle();
    uint32_t messages = w->connections * (w->pop3 ? MAILBOX : 1);

    for (int turn = 0; turn < TURNS_MOST && bench.client.ended < w->connections; turn++) {
        now += TURN_US;
        cost_client_turn(&bench.client, now);
        sim_engine_turn(bench.engine, now);
        sim_engine_control(bench.engine);
    }
    printf("messages %u\n", messages);
    print_cycles(messages);
    if (bench.client.ended == w->connections && !bench.client.refused && !bench.faults)
        return 0;
    fprintf(stderr, "cost: %u of %u connections ended, %llu replies were wrong\n",
            bench.client.ended, w->connections, (unsigned long long)bench.client.refused);
    return 1;
}

int main(int argc, char **argv)
{
    struct rule_generation *rules;

    if (argc != 4) {
        fputs(usage, stderr);
        return 2;
    }
    rules = load_rules(argv[2], argv[3]);
    if (strcmp(argv[1], "none") == 0)
        return 0;
    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
        if (strcmp(argv[1], workloads[i].name) != 0)
            continue;
        open_bench(&workloads[i], rules);
        return run(&workloads[i]);
    }
    fputs(usage, stderr);
    return 2;
}
