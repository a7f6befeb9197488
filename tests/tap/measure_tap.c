/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What it costs to watch, one thread, frames from memory, checksums as a card says them:
 *
 *     measure_tap MEGABYTES [SEED]
 *
 * plays a trace (tests/tap/mail_trace.h) until so many megabytes of frames went by, once for each
 * depth of reading, and prints gigabits of frames a second of the processor's time; beside it what
 * the libraries take for the bytes of the messages alone.
 */
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include <openssl/evp.h>

#include "control/config/config.h"
#include "control/service/judgement.h"
#include "control/tap/tap_extract.h"
#include "dataplane/capture/tap_input.h"
#include "dataplane/tap/tap.h"
#include "proto/smtp/smtp_observer.h"
#include "tests/tap/mail_trace.h"

enum { POOL = 64 << 20, PATTERNS = 1000, FLOWS = 4096, MESSAGES = 256, ETHERNET = 1 };
enum { FRAME_NS = 1000, WHY = 16384 };

static struct mail_trace trace;
static uint64_t goal; /* bytes of frames */
static char *patterns[PATTERNS];

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double report(const char *what, uint64_t bytes, uint64_t ns)
{
    double rate = (double)bytes * 8 / (double)ns;

    printf("%-34s %7.2f Gbit/s\n", what, rate);
    return rate;
}

static void fail(const char *what)
{
    fprintf(stderr, "measure_tap: %s\n", what);
    exit(1);
}

/* ---- the trace, again and again ---- */

struct play {
    uint32_t at, round;
    uint64_t played; /* bytes */
    uint64_t time_ns;
    uint64_t messages;
};

static bool next_frame(struct play *p, struct span *bytes_out)
{
    if (p->at == trace.frame_count) {
        p->at = 0;
        p->round++;
    }
    /* Whole rounds, so whole sessions. */
    if (p->played >= goal && p->at == 0)
        return false;
    *bytes_out = mail_trace_bytes(&trace, p->at++, p->round);
    p->played += bytes_out->len;
    p->time_ns += FRAME_NS;
    return true;
}

/* ---- connections alone, and conversations ---- */

struct conversation {
    struct smtp_observer observer;
    uint8_t client[SMTP_OBSERVER_LINE_MAX], server[SMTP_REPLY_LINE_MAX];
};

static uint64_t delivered, verdicts;
static struct conversation talks[FLOWS];

static void count_bytes(void *context, struct tcp_observed_flow *flow, enum tcp_direction direction,
                        struct span bytes, uint64_t offset, uint64_t time_ns)
{
    delivered += bytes.len;
}

static void begin_talk(void *context, struct tcp_observed_flow *flow)
{
    struct conversation *c = &talks[flow->id % FLOWS];

    smtp_observer_init(&c->observer, false);
    flow->user = c;
}

static void follow(void *context, struct tcp_observed_flow *flow, enum tcp_direction direction,
                   struct span bytes, uint64_t offset, uint64_t time_ns)
{
    struct conversation *c = flow->user;
    struct smtp_observed e;

    do {
        if (direction == TCP_TO_SERVER)
            smtp_observer_client(&c->observer, &bytes, &e);
        else
            smtp_observer_server(&c->observer, &bytes, &e);
        if (e.kind == SMTP_OBSERVED_CLIENT_BUFFER)
            smtp_observer_attach_client(&c->observer, c->client);
        else if (e.kind == SMTP_OBSERVED_SERVER_BUFFER)
            smtp_observer_attach_server(&c->observer, c->server);
        else if (e.kind == SMTP_OBSERVED_WAIT)
            fail("an answer came after what it is an answer to");
        verdicts += e.kind == SMTP_OBSERVED_VERDICT;
    } while (e.kind != SMTP_OBSERVED_MORE);
}

static void flow_begin(void *context, struct tcp_observed_flow *flow)
{
}
static void flow_gap(void *context, struct tcp_observed_flow *flow, enum tcp_direction direction,
                     uint64_t offset, uint64_t len, uint64_t time_ns)
{
    fail("a gap in the trace");
}
static void flow_finished(void *context, struct tcp_observed_flow *flow,
                          enum tcp_direction direction, uint64_t time_ns)
{
}
static void flow_event(void *context, struct tcp_observed_flow *flow,
                       const struct tcp_observation *observation)
{
}
static void flow_end(void *context, struct tcp_observed_flow *flow, enum tcp_observer_end reason,
                     uint64_t time_ns)
{
}

static double reassemble(const char *what, bool conversations)
{
    struct tcp_observer_calls calls = {.flow_begin = conversations ? begin_talk : flow_begin,
                                       .flow_bytes = conversations ? follow : count_bytes,
                                       .flow_gap = flow_gap,
                                       .flow_finished = flow_finished,
                                       .flow_event = flow_event,
                                       .flow_end = flow_end};
    struct tcp_observer_options tcp;
    struct tap_input_options options;
    struct tcp_observer *observer;
    struct tap_input *input;
    struct play play = {0};
    struct span bytes;
    uint64_t begun;

    tcp_observer_defaults(&tcp);
    tap_input_defaults(&options);
    tcp.flows = FLOWS;
    observer = tcp_observer_new(&tcp, &calls);
    input = observer ? tap_input_new(&options, observer) : NULL;
    if (!input)
        fail("no memory");
    begun = cpu_ns();
    while (next_frame(&play, &bytes))
        tap_input_feed(input, &(struct tap_input_frame){.bytes = bytes,
                                                        .wire_len = (uint32_t)bytes.len,
                                                        .link = ETHERNET,
                                                        .time_ns = play.time_ns,
                                                        .checksum = TCP_CHECKSUM_GOOD});
    begun = cpu_ns() - begun;
    tap_input_free(input);
    tcp_observer_free(observer);
    return report(what, play.played, begun);
}

/* ---- messages ---- */

struct watching {
    struct play play;
    struct handoff *handoff;
};

static bool next_source(void *context, struct tap_frame_source *frame_out)
{
    struct watching *w = context;
    struct span bytes;

    if (!next_frame(&w->play, &bytes))
        return false;
    *frame_out = (struct tap_frame_source){.bytes = bytes,
                                           .wire_len = (uint32_t)bytes.len,
                                           .link = ETHERNET,
                                           .time_ns = w->play.time_ns};
    return true;
}

static void on_event(void *context, const struct tap_event *event)
{
    struct watching *w = context;
    struct record *record;

    if (event->kind != TAP_EVENT_MESSAGE)
        return;
    while (record_collect(w->handoff, &record, 1) == 1) {
        w->play.messages += record->kind == RECORD_MESSAGE;
        record_return(w->handoff, record);
    }
}

static void on_statistic(void *context, const struct tap_statistic *statistic)
{
}

static struct config *configuration(const char *rules)
{
    static struct config_errors errors;
    char memory[1024];
    struct writer text = writer_of(memory, sizeof(memory));

    writer_text(&text, "hostname: tap.invalid\nengine: {interface: unused}\n"
                       "network: {addresses: [198.18.0.1/32]}\n"
                       "listeners: [{port: 110, protocol: pop3}]\n"
                       "store: {kind: memory, path: unused}\n");
    if (rules)
        writer_printf(&text, "rules: {files: [\"%s\"]}\n", rules);
    return config_read(writer_span(&text), "measure_tap", &errors);
}

static double watch(const char *what, const char *rules, bool digests)
{
    static char why_text[WHY];
    struct writer why = writer_of(why_text, sizeof(why_text));
    struct config *config = configuration(rules);
    struct judgement *judgement =
        config ? judgement_new(
                     config, &(struct judgement_options){.workers = 1, .messages = MESSAGES}, &why)
               : NULL;
    struct tap_extract *extract = digests ? tap_extract_new(NULL, 2 * MESSAGES, 0) : NULL;
    struct watching w = {.handoff = judgement ? judgement_handoff(judgement) : NULL};
    struct tap_source source = {.context = &w,
                                .next = next_source,
                                .event = on_event,
                                .statistic = on_statistic,
                                .digests = extract ? tap_extract_digests(extract) : NULL,
                                .policy = "linux",
                                .ignore_checksums = true,
                                .flows = FLOWS,
                                .messages = MESSAGES};
    uint64_t begun, rounds;

    if (!judgement || (digests && !extract))
        fail(why.len ? why_text : "no configuration");
    rcu_register_thread();
    begun = cpu_ns();
    if (!tap_run(w.handoff, &source))
        fail("no memory");
    begun = cpu_ns() - begun;
    rcu_unregister_thread();
    rounds = w.play.played / trace.len;
    if (w.play.messages != rounds * trace.messages)
        fail("messages were not seen");
    judgement_free(judgement);
    tap_extract_free(extract);
    config_free(config);
    return report(what, w.play.played, begun);
}

/* ---- a thousand patterns ---- */

static void make_patterns(void)
{
    uint64_t dice = 77;

    for (int i = 0; i < PATTERNS; i++) {
        const char *a = mail_trace_word(&dice), *b = mail_trace_word(&dice);
        unsigned n = (unsigned)(mail_trace_roll(&dice) % 100000);

        /* Words of the texts, but together with what is not in them. */
        if (asprintf(&patterns[i], i % 3 ? "%s %s-%05u" : "%s[ ,]{1,3}%s [0-9]{2,4}x%05u", a, b,
                     n) < 0)
            fail("no memory");
    }
}

static void write_rules(const char *path)
{
    FILE *f = fopen(path, "w");

    if (!f)
        fail(path);
    fprintf(f, "rules:\n");
    for (int i = 0; i < PATTERNS; i++)
        fprintf(f, "  - {id: r%d, scope: body, score: 1, patterns: [{regex: '%s'}]}\n", i,
                patterns[i]);
    fclose(f);
}

/* ---- the libraries alone, over the bytes of messages ---- */

typedef void (*use_bytes)(void *context, struct span bytes, bool ends);

static double alone(const char *what, use_bytes use, void *context)
{
    uint64_t begun = cpu_ns(), played = 0;

    while (played < goal) {
        for (uint32_t i = 0; i < trace.frame_count; i++) {
            const struct mail_trace_frame *f = &trace.frames[i];

            if (f->text_len)
                use(context, span_of(trace.bytes + f->at + f->text_at, f->text_len), f->ends);
        }
        played += trace.len;
    }
    /* Of the same frames: what is not message costs nothing here. */
    return report(what, played, cpu_ns() - begun);
}

static void use_memcpy(void *context, struct span bytes, bool ends)
{
    memcpy(context, bytes.data, bytes.len);
    __asm__ volatile("" ::"r"(context) : "memory");
}

static void use_sha(void *context, struct span bytes, bool ends)
{
    uint8_t out[EVP_MAX_MD_SIZE];

    EVP_DigestUpdate(context, bytes.data, bytes.len);
    if (ends) {
        EVP_DigestFinal_ex(context, out, NULL);
        EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    }
}

struct scanning {
    hs_stream_t *stream;
    hs_scratch_t *scratch;
};

static int on_hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                  void *context)
{
    return 0;
}

static void use_hyperscan(void *context, struct span bytes, bool ends)
{
    struct scanning *s = context;

    hs_scan_stream(s->stream, (const char *)bytes.data, (unsigned)bytes.len, 0, s->scratch, on_hit,
                   NULL);
    if (ends)
        hs_reset_stream(s->stream, 0, s->scratch, on_hit, NULL);
}

static double hyperscan_alone(void)
{
    unsigned ids[PATTERNS], flags[PATTERNS] = {0};
    hs_database_t *database;
    hs_compile_error_t *error;
    struct scanning s = {0};
    double rate;

    for (unsigned i = 0; i < PATTERNS; i++)
        ids[i] = i;
    if (hs_compile_multi((const char *const *)patterns, flags, ids, PATTERNS, HS_MODE_STREAM, NULL,
                         &database, &error) != HS_SUCCESS ||
        hs_alloc_scratch(database, &s.scratch) != HS_SUCCESS ||
        hs_open_stream(database, 0, &s.stream) != HS_SUCCESS)
        fail("Hyperscan");
    rate = alone("Hyperscan, 1000 patterns, streams", use_hyperscan, &s);
    hs_close_stream(s.stream, s.scratch, on_hit, NULL);
    hs_free_scratch(s.scratch);
    hs_free_database(database);
    return rate;
}

int main(int argc, char **argv)
{
    char rules[] = "/tmp/wirepost-rules-XXXXXX", to[2048];
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    double whole, libraries = 0;
    int fd;

    if (argc < 2 || atol(argv[1]) <= 0 || !sha)
        return 2;
    goal = (uint64_t)atol(argv[1]) << 20;
    mail_trace_make(&trace, argc > 2 ? strtoull(argv[2], NULL, 10) : 20261122, POOL);
    make_patterns();
    fd = mkstemp(rules);
    if (fd < 0)
        fail(rules);
    write_rules(rules);
    printf("%u messages, %.0f MB of them in %.0f MB of frames, played until %s MB went by\n",
           trace.messages, (double)trace.text_bytes / 1e6, (double)trace.len / 1e6, argv[1]);
    reassemble("reassembly", false);
    reassemble("+ SMTP", true);
    watch("+ MIME", NULL, false);
    watch("+ SHA-256 of parts", NULL, true);
    whole = watch("+ 1000 patterns", rules, true);
    unlink(rules);
    close(fd);
    EVP_DigestInit_ex(sha, EVP_sha256(), NULL);
    libraries += 1 / alone("memcpy", use_memcpy, to);
    libraries += 1 / alone("OpenSSL, SHA-256", use_sha, sha);
    libraries += 1 / hyperscan_alone();
    printf("the libraries in series %.2f Gbit/s; the whole is %.0f %% of that\n", 1 / libraries,
           whole * libraries * 100);
    EVP_MD_CTX_free(sha);
    for (int i = 0; i < PATTERNS; i++)
        free(patterns[i]);
    mail_trace_free(&trace);
    return 0;
}
