/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What it costs to watch, one thread, frames from memory, checksums as a card says them:
 *
 *     measure_tap MEGABYTES [ROW]
 *
 * plays a trace (tests/tap/mail_trace.h) until so many megabytes of frames went by, once for each
 * depth of reading, and prints gigabits of frames a second of the processor's time; beside it what
 * the libraries take for the bytes that the engine gives them out of the same frames. Each row is
 * measured three times in turn, each time behind a part that is played without a clock, so that
 * none pays for memory that is touched first; the middle one counts. With ROW (1 to 5) that depth
 * alone is played, for profilers.
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
#include "tests/tap/asked_bytes.h"
#include "tests/tap/mail_trace.h"

enum { POOL = 64 << 20, PATTERNS = 1000, FLOWS = 4096, MESSAGES = 256, ETHERNET = 1 };
enum { COMMON = 12 }; /* one pattern in so many is of the texts' own words */
enum { FRAME_NS = 1000, WHY = 16384, TIMES = 3, SEED = 20261122 };

static struct mail_trace trace;
static uint64_t goal; /* bytes of frames, each time */
static char *patterns[PATTERNS];

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "measure_tap: %s\n", what);
    exit(1);
}

/* ---- the trace, again and again ---- */

struct play {
    uint32_t at, round;
    uint64_t warm;   /* bytes that are played before the clock begins */
    uint64_t played; /* all bytes */
    uint64_t began_ns, began_at;
    uint64_t time_ns;
    uint64_t messages;
};

static bool next_frame(struct play *p, struct span *bytes_out, struct span *ahead_out)
{
    const struct mail_trace_frame *ahead;

    if (p->at == trace.frame_count) {
        p->at = 0;
        p->round++;
    }
    /* Whole rounds, so whole sessions. */
    if (p->at == 0 && !p->began_ns && p->played >= p->warm) {
        p->began_at = p->played;
        p->began_ns = cpu_ns();
    }
    if (p->at == 0 && p->began_ns && p->played >= p->began_at + goal)
        return false;
    *bytes_out = mail_trace_bytes(&trace, p->at++, p->round);
    ahead = &trace.frames[p->at == trace.frame_count ? 0 : p->at];
    *ahead_out = span_of(trace.bytes + ahead->at, ahead->len);
    p->played += bytes_out->len;
    p->time_ns += FRAME_NS;
    return true;
}

/* Gigabits a second since the clock began. */
static double rate_of(const struct play *p)
{
    return (double)(p->played - p->began_at) * 8 / (double)(cpu_ns() - p->began_ns);
}

/* ---- connections alone, and conversations ---- */

struct conversation {
    struct smtp_observer observer;
    struct conversation *next_free;
    uint8_t client[SMTP_OBSERVER_LINE_MAX], server[SMTP_REPLY_LINE_MAX];
};

static uint64_t delivered, verdicts;
static struct conversation talks[FLOWS], *free_talk;
static uint32_t talks_used;

static void count_bytes(void *context, struct tcp_observed_flow *flow, enum tcp_direction direction,
                        struct span bytes, uint64_t offset, uint64_t time_ns)
{
    delivered += bytes.len;
}

static void begin_talk(void *context, struct tcp_observed_flow *flow)
{
    struct conversation *c = free_talk ? free_talk : &talks[talks_used++];

    free_talk = free_talk ? free_talk->next_free : NULL;
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
    struct conversation *c = flow->user;

    if (!c)
        return;
    c->next_free = free_talk;
    free_talk = c;
}

static double reassemble(bool conversations)
{
    struct tcp_observer_calls calls = {.flow_begin = conversations ? begin_talk : flow_begin,
                                       .flow_bytes = conversations ? follow : count_bytes,
                                       .flow_gap = flow_gap,
                                       .flow_finished = flow_finished,
                                       .flow_event = flow_event,
                                       .flow_end = flow_end};
    struct play play = {.warm = goal};
    struct tcp_observer_options tcp;
    struct tap_input_options options;
    struct tcp_observer *observer;
    struct tap_input *input;
    struct span bytes, ahead;
    double rate;

    tcp_observer_defaults(&tcp);
    tap_input_defaults(&options);
    tcp.flows = FLOWS;
    observer = tcp_observer_new(&tcp, &calls);
    input = observer ? tap_input_new(&options, observer) : NULL;
    if (!input)
        fail("no memory");
    while (next_frame(&play, &bytes, &ahead)) {
        tap_input_ahead(ahead);
        tap_input_feed(input, &(struct tap_input_frame){.bytes = bytes,
                                                        .wire_len = (uint32_t)bytes.len,
                                                        .link = ETHERNET,
                                                        .time_ns = play.time_ns,
                                                        .checksum = TCP_CHECKSUM_GOOD});
    }
    rate = rate_of(&play);
    tap_input_free(input);
    tcp_observer_free(observer);
    return rate;
}

/* ---- messages ---- */

struct watching {
    struct play play;
    struct handoff *handoff;
    double rate;
};

static bool next_source(void *context, struct tap_frame_source *frame_out)
{
    struct watching *w = context;
    struct span bytes, ahead;

    if (!next_frame(&w->play, &bytes, &ahead)) {
        w->rate = rate_of(&w->play);
        return false;
    }
    *frame_out = (struct tap_frame_source){.bytes = bytes,
                                           .wire_len = (uint32_t)bytes.len,
                                           .link = ETHERNET,
                                           .time_ns = w->play.time_ns,
                                           .ahead = ahead};
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

static struct judgement *judging(const char *rules)
{
    static char why_text[WHY];
    struct writer why = writer_of(why_text, sizeof(why_text));
    struct config *config = configuration(rules);
    struct judgement *judgement =
        config ? judgement_new(
                     config, &(struct judgement_options){.workers = 1, .messages = MESSAGES}, &why)
               : NULL;

    if (!judgement)
        fail(why.len ? why_text : "no configuration");
    config_free(config);
    return judgement;
}

static double watch(struct judgement *judgement, bool digests, uint64_t warm)
{
    struct tap_extract *extract = digests ? tap_extract_new(NULL, 2 * MESSAGES, 0) : NULL;
    struct watching w = {.handoff = judgement_handoff(judgement), .play.warm = warm};
    struct tap_source source = {.context = &w,
                                .next = next_source,
                                .event = on_event,
                                .statistic = on_statistic,
                                .digests = extract ? tap_extract_digests(extract) : NULL,
                                .policy = "linux",
                                .ignore_checksums = true,
                                .flows = FLOWS,
                                .messages = MESSAGES};
    double rate;

    if (digests && !extract)
        fail("no memory");
    if (!tap_run(w.handoff, &source))
        fail("no memory");
    rate = w.rate;
    if (w.play.messages != w.play.played / trace.len * trace.messages)
        fail("messages were not seen");
    tap_extract_free(extract);
    return rate;
}

/* ---- a thousand patterns ---- */

/* A word that is not among those of the texts. */
static const char *odd_word(uint64_t *dice, char word[16])
{
    static const char *const syllables[] = {"ba", "ce", "di", "fo", "gu", "ka", "le", "mi",
                                            "no", "pu", "ra", "se", "ti", "vo", "xu", "za"};
    struct writer w = writer_of(word, 15);

    for (uint64_t n = 3 + mail_trace_roll(dice) % 3; n; n--)
        writer_text(&w, syllables[mail_trace_roll(dice) % 16]);
    word[w.len] = 0;
    return word;
}

/*
 * Two of three are words and a number, the third is an expression: blanks between words, digits of
 * any kind. Every second begins with a word of the texts, one in twelve has no others: these alone
 * decide how fast Hyperscan is.
 */
static void make_patterns(void)
{
    uint64_t dice = 77;

    for (int i = 0; i < PATTERNS; i++) {
        char one[16], two[16];
        const char *a = i % 2 ? odd_word(&dice, one) : mail_trace_word(&dice);
        const char *b = i % COMMON ? odd_word(&dice, two) : mail_trace_word(&dice);
        unsigned n = (unsigned)(mail_trace_roll(&dice) % 100000);

        if (asprintf(&patterns[i], i % 3 ? "%s %s-%05u" : "%s[ ,]{1,3}%s [0-9]{2,4}x%05u", a, b,
                     n) < 0)
            fail("no memory");
    }
}

/* All that is decoded is looked at once: text, the text of HTML, and files. */
static void write_rules(const char *path)
{
    FILE *f = fopen(path, "w");

    if (!f)
        fail(path);
    fprintf(f, "rules:\n");
    for (int i = 0; i < PATTERNS; i++)
        fprintf(f,
                "  - {id: r%d, score: 1, patterns: [{scope: body, regex: '%s'}, "
                "{scope: attachment, regex: '%s'}]}\n",
                i, patterns[i], patterns[i]);
    fclose(f);
}

/* ---- the libraries alone ---- */

static double memcpy_alone(void)
{
    static uint8_t to[2048];
    uint64_t played = 0, began = cpu_ns();

    for (; played < goal; played += trace.len) {
        for (uint32_t i = 0; i < trace.frame_count; i++) {
            const struct mail_trace_frame *f = &trace.frames[i];

            if (f->text_len)
                memcpy(to, trace.bytes + f->at + f->text_at, f->text_len);
            __asm__ volatile("" ::"r"(to) : "memory");
        }
    }
    return (double)played * 8 / (double)(cpu_ns() - began);
}

typedef void (*use_bytes)(void *context, struct span whole);

/* Each stream, each part in one piece, as often as the frames they came from would have to go by.
 */
static double alone(const struct asked_bytes *a, use_bytes use, void *context)
{
    uint64_t played = 0, began = cpu_ns();

    for (; played < goal; played += trace.len)
        for (size_t i = 0, from = 0; i < a->count; from = a->ends[i++])
            use(context, span_of(a->bytes + from, a->ends[i] - from));
    return (double)played * 8 / (double)(cpu_ns() - began);
}

static void use_sha(void *context, struct span whole)
{
    uint8_t out[EVP_MAX_MD_SIZE];

    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, whole.data, whole.len);
    EVP_DigestFinal_ex(context, out, NULL);
}

struct scanning {
    hs_database_t *database;
    hs_stream_t *stream;
    hs_scratch_t *scratch;
};

static int on_hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                  void *context)
{
    return 0;
}

static void use_hyperscan(void *context, struct span whole)
{
    struct scanning *s = context;

    hs_scan_stream(s->stream, (const char *)whole.data, (unsigned)whole.len, 0, s->scratch, on_hit,
                   NULL);
    hs_reset_stream(s->stream, 0, s->scratch, on_hit, NULL);
}

/* Compiled as the engine's rules are: rules/rule_plan.c. */
static void begin_scanning(struct scanning *s)
{
    unsigned ids[PATTERNS], flags[PATTERNS];
    hs_compile_error_t *error;

    for (unsigned i = 0; i < PATTERNS; i++) {
        ids[i] = i;
        flags[i] = HS_FLAG_SINGLEMATCH;
    }
    if (hs_compile_multi((const char *const *)patterns, flags, ids, PATTERNS, HS_MODE_STREAM, NULL,
                         &s->database, &error) != HS_SUCCESS ||
        hs_alloc_scratch(s->database, &s->scratch) != HS_SUCCESS ||
        hs_open_stream(s->database, 0, &s->stream) != HS_SUCCESS)
        fail("Hyperscan");
}

static void end_scanning(struct scanning *s)
{
    hs_close_stream(s->stream, s->scratch, on_hit, NULL);
    hs_free_scratch(s->scratch);
    hs_free_database(s->database);
}

/* ---- rows ---- */

enum row { REASSEMBLY, SMTP, MIME, SHA256, RULES, MEMCPY, SHA256_ALONE, SCAN_ALONE, ROWS };

static const char *const row_names[ROWS] = {
    [REASSEMBLY] = "reassembly",         [SMTP] = "+ SMTP",
    [MIME] = "+ MIME decoding",          [SHA256] = "+ SHA-256 of parts",
    [RULES] = "+ 1000 patterns",         [MEMCPY] = "memcpy",
    [SHA256_ALONE] = "OpenSSL, SHA-256", [SCAN_ALONE] = "Hyperscan, 1000 patterns, streams",
};

struct measuring {
    struct judgement *plain, *rules;
    struct scanning scanning;
    EVP_MD_CTX *sha;
    double rates[ROWS][TIMES];
};

static double measure(struct measuring *m, enum row row)
{
    switch (row) {
    case REASSEMBLY:
    case SMTP:
        return reassemble(row == SMTP);
    case MIME:
    case SHA256:
        return watch(m->plain, row == SHA256, goal);
    case RULES:
        return watch(m->rules, true, goal);
    case MEMCPY:
        return memcpy_alone();
    case SHA256_ALONE:
        return alone(&asked_sha256, use_sha, m->sha);
    default:
        return alone(&asked_hyperscan, use_hyperscan, &m->scanning);
    }
}

static int by_rate(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void report(struct measuring *m)
{
    double libraries = 0;

    for (enum row row = 0; row < ROWS; row++) {
        double *rates = m->rates[row];

        qsort(rates, TIMES, sizeof(*rates), by_rate);
        if (row >= MEMCPY)
            libraries += 1 / rates[TIMES / 2];
        printf("%-34s %7.2f Gbit/s  (%.2f to %.2f)\n", row_names[row], rates[TIMES / 2], rates[0],
               rates[TIMES - 1]);
    }
    printf("the libraries in series %.2f Gbit/s; the whole is %.0f %% of that\n", 1 / libraries,
           m->rates[RULES][TIMES / 2] * libraries * 100);
}

/* What the whole asks of the libraries in one round. */
static void record_asked(struct measuring *m)
{
    uint64_t all = goal;

    goal = trace.len;
    asked_bytes_record(true);
    watch(m->rules, true, 0);
    asked_bytes_record(false);
    goal = all;
    printf("a round gives Hyperscan %.1f MB in %zu streams by %llu calls, SHA-256 %.1f MB in %zu "
           "parts by %llu calls\n",
           (double)asked_hyperscan.len / 1e6, asked_hyperscan.count,
           (unsigned long long)asked_hyperscan.calls, (double)asked_sha256.len / 1e6,
           asked_sha256.count, (unsigned long long)asked_sha256.calls);
}

static struct judgement *judging_by_patterns(void)
{
    char rules[] = "/tmp/wirepost-rules-XXXXXX";
    int fd = mkstemp(rules);
    struct judgement *judgement;

    if (fd < 0)
        fail(rules);
    write_rules(rules);
    judgement = judging(rules);
    unlink(rules);
    close(fd);
    return judgement;
}

static void measure_all(struct measuring *m)
{
    m->sha = EVP_MD_CTX_new();
    if (!m->sha)
        fail("no memory");
    begin_scanning(&m->scanning);
    record_asked(m);
    for (int time = 0; time < TIMES; time++)
        for (enum row row = 0; row < ROWS; row++)
            m->rates[row][time] = measure(m, row);
    report(m);
    end_scanning(&m->scanning);
    EVP_MD_CTX_free(m->sha);
    asked_bytes_free();
}

int main(int argc, char **argv)
{
    static struct measuring m;
    enum row only = argc > 2 ? (enum row)(atoi(argv[2]) - 1) : ROWS;

    if (argc < 2 || atol(argv[1]) <= 0)
        return 2;
    goal = ((uint64_t)atol(argv[1]) << 20) / TIMES;
    mail_trace_make(&trace, SEED, POOL);
    printf("%u messages, %.0f MB of them in %.0f MB of frames, played until %d times %.0f MB went "
           "by\n",
           trace.messages, (double)trace.text_bytes / 1e6, (double)trace.len / 1e6, TIMES,
           (double)goal / 1e6);
    make_patterns();
    m.plain = judging(NULL);
    if (only >= RULES)
        m.rules = judging_by_patterns();
    rcu_register_thread();
    if (only < MEMCPY)
        printf("%.2f Gbit/s\n", measure(&m, only));
    else
        measure_all(&m);
    rcu_unregister_thread();
    judgement_free(m.plain);
    judgement_free(m.rules);
    for (int i = 0; i < PATTERNS; i++)
        free(patterns[i]);
    mail_trace_free(&trace);
    return 0;
}
