/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_report.h"

#include "control/blast/blast_manners.h"

static const char *const latency_names[BLAST_LATENCIES] = {
#define BLAST_LATENCY(name, text) #name,
#include "dataplane/handoff/blast_latency.def"
#undef BLAST_LATENCY
};

static const struct {
    const char *name;
    uint32_t part;
} quantiles[] = {{"p50", 500000}, {"p90", 900000}, {"p99", 990000}, {"p99_9", 999000}};

enum { QUANTILES = sizeof(quantiles) / sizeof(quantiles[0]) };

uint64_t blast_report_failures(const struct blast_counts *c)
{
    return c->sessions_refused + c->sessions_reset + c->sessions_lost + c->sessions_closed +
           c->sessions_silent + c->sessions_broken + c->sessions_insecure + c->sessions_unfinished +
           c->memory_short;
}

bool blast_report_verified(const struct blast_verified *v)
{
    return !v->lost && !v->duplicated && !v->changed && !v->unexpected && !v->unread;
}

static double per_second(uint64_t n, uint64_t microseconds)
{
    return microseconds ? (double)n * 1e6 / (double)microseconds : 0;
}

static double megabits(const struct blast_counts *c, uint64_t microseconds)
{
    return per_second((c->bytes_accepted + c->bytes_retrieved) * 8, microseconds) / 1e6;
}

static uint64_t messages(const struct blast_counts *c)
{
    return c->messages_accepted + c->messages_retrieved;
}

/* ---- a second ---- */

/* The sessions that ended since. */
static struct log_histogram recent(const struct blast_told *told,
                                   const struct blast_report_last *last)
{
    struct log_histogram h = told->tally->latency[BLAST_LATENCY_session];

    h.count -= last->sessions.count;
    for (uint32_t i = 0; i < LOG_HISTOGRAM_BUCKETS; i++)
        h.bucket[i] -= last->sessions.bucket[i];
    return h;
}

struct blast_report_row blast_report_second(const struct blast_order *order,
                                            const struct blast_told *told,
                                            struct blast_report_last *last)
{
    const struct blast_counts *now = &told->tally->counts;
    uint64_t span = told->elapsed_us - last->elapsed_us;
    struct blast_counts since = *now;
    struct log_histogram sessions = recent(told, last);
    struct blast_report_row row;

#define BLAST_COUNT(name, text) since.name -= last->counts.name;
#include "dataplane/handoff/blast_count.def"
#undef BLAST_COUNT
    row = (struct blast_report_row){
        .at = (double)told->elapsed_us / 1e6,
        .sessions = per_second(
            order->work == BLAST_WORK_SINK ? since.sessions_started : since.sessions_done, span),
        .messages = per_second(messages(&since), span),
        .megabits = megabits(&since, span),
        .active = told->active,
        .p50_us = sessions.count ? log_histogram_quantile(&sessions, 500000) : 0,
        .p99_us = sessions.count ? log_histogram_quantile(&sessions, 990000) : 0,
        .refused = since.messages_refused,
        .failed = blast_report_failures(&since)};
    last->elapsed_us = told->elapsed_us;
    last->counts = *now;
    last->sessions = told->tally->latency[BLAST_LATENCY_session];
    return row;
}

void blast_report_line(FILE *out, const struct blast_report_row *row)
{
    fprintf(out,
            "%8.1f s  %9.0f sessions/s %9.0f messages/s %9.1f Mbit/s %7u open %9.1f ms p99 "
            "%7llu refused %7llu failed\n",
            row->at, row->sessions, row->messages, row->megabits, row->active,
            (double)row->p99_us / 1e3, (unsigned long long)row->refused,
            (unsigned long long)row->failed);
    fflush(out);
}

json_t *blast_report_row_json(const struct blast_report_row *row)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:i, s:I, s:I, s:I, s:I}", "at", row->at, "sessions",
                     row->sessions, "messages", row->messages, "mbit", row->megabits, "open",
                     (int)row->active, "p50_us", (json_int_t)row->p50_us, "p99_us",
                     (json_int_t)row->p99_us, "refused", (json_int_t)row->refused, "failed",
                     (json_int_t)row->failed);
}

/* ---- the table ---- */

static void put_latencies(FILE *out, const struct blast_tally *t)
{
    if (t->latency[BLAST_LATENCY_connect].count)
        fprintf(out, "\n%-10s %10s %10s %10s %10s %10s %10s   microseconds\n", "", "count", "p50",
                "p90", "p99", "p99.9", "max");
    for (int i = 0; i < BLAST_LATENCIES; i++) {
        const struct log_histogram *h = &t->latency[i];

        if (!h->count)
            continue;
        fprintf(out, "%-10s %10llu", latency_names[i], (unsigned long long)h->count);
        for (int q = 0; q < QUANTILES; q++)
            fprintf(out, " %10llu",
                    (unsigned long long)log_histogram_quantile(h, quantiles[q].part));
        fprintf(out, " %10llu\n", (unsigned long long)h->most);
    }
}

static const char *step_name(int step)
{
    return step < SMTP_CLIENT_STEPS ? smtp_client_step_name((enum smtp_client_step)step)
                                    : "unasked";
}

static const char *const verbs[POP3_VERB_COUNT] = {
    [POP3_CLIENT_GREETING] = "greeting",
#define POP3_VERB(name) [POP3_VERB_##name] = #name,
#include "proto/pop3/pop3_verb.def"
#undef POP3_VERB
};

static const char *const imap_steps[BLAST_IMAP_STEPS] = {
#define BLAST_IMAP_STEP(name, latency) [BLAST_IMAP_##name] = #name,
#define BLAST_IMAP_ACTION(name, latency, weight, text) [BLAST_IMAP_##name] = #name,
#include "dataplane/handoff/blast_imap_step.def"
#undef BLAST_IMAP_STEP
#undef BLAST_IMAP_ACTION
};

/* Each error there was, by name; `put` gets it. */
static void each_error(const struct blast_tally *t,
                       void (*put)(void *user, const char *what, unsigned int code, uint64_t n),
                       void *user)
{
    for (int s = 0; s <= SMTP_CLIENT_STEPS; s++)
        for (unsigned int c = 0; c < BLAST_CODES; c++)
            if (t->refused[s][c])
                put(user, step_name(s), c, t->refused[s][c]);
    for (int v = 0; v < POP3_VERB_COUNT; v++)
        if (t->errors[v])
            put(user, verbs[v], 0, t->errors[v]);
    for (int s = 0; s < BLAST_IMAP_STEPS; s++)
        if (t->imap_errors[s])
            put(user, imap_steps[s], 0, t->imap_errors[s]);
    if (t->tls_fault)
        put(user, t->tls_fault, 0, t->counts.sessions_insecure);
    for (int f = 0; f < SMTP_CLIENT_FAULTS; f++)
        if (t->smtp_faults[f])
            put(user, smtp_client_fault_text((enum smtp_client_fault)f), 0, t->smtp_faults[f]);
    for (int f = 0; f < POP3_CLIENT_FAULTS; f++)
        if (t->pop3_faults[f])
            put(user, pop3_client_fault_text((enum pop3_client_fault)f), 0, t->pop3_faults[f]);
    for (int f = 0; f < IMAP_RESPONSE_FAULTS; f++)
        if (t->imap_faults[f])
            put(user, imap_response_fault_what((enum imap_response_fault)f), 0, t->imap_faults[f]);
}

static void print_error(void *user, const char *what, unsigned int code, uint64_t n)
{
    char number[16] = "";

    if (code)
        snprintf(number, sizeof(number), " %u", code);
    fprintf(user, "errors %10llu  %s%s\n", (unsigned long long)n, what, number);
}

static long long counter(const json_t *counters, const char *name)
{
    return (long long)json_integer_value(json_object_get(counters, name));
}

static void put_verified(FILE *out, const struct blast_verified *v)
{
    fprintf(out,
            "\nread back  %llu of %llu deliveries: %llu lost, %llu twice, %llu changed, %llu not "
            "expected, %llu mailboxes not read; %llu never answered and there, %llu of others\n",
            (unsigned long long)v->found, (unsigned long long)v->expected,
            (unsigned long long)v->lost, (unsigned long long)v->duplicated,
            (unsigned long long)v->changed, (unsigned long long)v->unexpected,
            (unsigned long long)v->unread, (unsigned long long)v->doubtful,
            (unsigned long long)v->foreign);
}

/* Offered is what was to begin; what did not find room began late, or never. */
static double offered(const struct blast_step *s)
{
    return s->rate * (double)s->us / 1e6;
}

static void put_steps(FILE *out, const struct blast_order *o, const struct blast_tally *t)
{
    if (o->step_count)
        fprintf(out, "\n%-22s %10s %10s %10s %10s %10s %10s %10s   of its sessions; microseconds\n",
                "step", "offered", "begun", "done", "messages", "p50", "p99", "p99.9");
    for (uint32_t i = 0; i < o->step_count; i++) {
        const struct blast_step_tally *s = &t->steps[i];

        fprintf(out, "%10.0f/s %7.1f s %10.0f %10llu %10llu %10llu %10llu %10llu %10llu\n",
                o->steps[i].rate, (double)o->steps[i].us / 1e6, offered(&o->steps[i]),
                (unsigned long long)s->started, (unsigned long long)s->done,
                (unsigned long long)s->messages,
                (unsigned long long)log_histogram_quantile(&s->session, 500000),
                (unsigned long long)log_histogram_quantile(&s->session, 990000),
                (unsigned long long)log_histogram_quantile(&s->session, 999000));
    }
}

void blast_report_table(FILE *out, const struct blast_order *order, const struct blast_told *told,
                        const json_t *counters)
{
    const struct blast_tally *t = told->tally;

    fprintf(
        out,
        "\n%.3f s: %.0f sessions/s, %.0f messages/s, goodput %.1f Mbit/s; workers busy %.0f %%\n\n",
        (double)told->load_us / 1e6, per_second(t->counts.sessions_done, told->load_us),
        per_second(messages(&t->counts), told->load_us), megabits(&t->counts, told->load_us),
        told->busy * 100);
#define BLAST_COUNT(name, text)                                                                    \
    if (t->counts.name)                                                                            \
        fprintf(out, "%12llu  %s\n", (unsigned long long)t->counts.name, text);
#include "dataplane/handoff/blast_count.def"
#undef BLAST_COUNT
    if (told->stood_us)
        fprintf(out, "%12.3f  seconds until all stood\n", (double)told->stood_us / 1e6);
    put_latencies(out, t);
    put_steps(out, order, t);
    fprintf(out, "\nTCP  %lld retransmitted, %lld timeouts, %lld resets received\n",
            counter(counters, "tcp_retransmitted"), counter(counters, "tcp_timeouts"),
            counter(counters, "tcp_resets_in"));
    if (t->counts.syns_flooded)
        fprintf(out, "SYNs %lld packets came back to their addresses\n",
                counter(counters, "net_claimed"));
    each_error(t, print_error, out);
    blast_manners_table(out, t);
    if (told->verified)
        put_verified(out, told->verified);
}

/* ---- JSON ---- */

/* Adds the times under `name`, if there are any. */
static void put_latency(json_t *all, const char *name, const struct log_histogram *h)
{
    json_t *o;

    if (!h->count)
        return;
    o = json_pack("{s:I, s:I, s:I, s:f}", "count", (json_int_t)h->count, "min",
                  (json_int_t)h->least, "max", (json_int_t)h->most, "mean",
                  (double)h->sum / (double)h->count);
    for (int q = 0; q < QUANTILES; q++)
        json_object_set_new(o, quantiles[q].name,
                            json_integer((json_int_t)log_histogram_quantile(h, quantiles[q].part)));
    json_object_set_new(all, name, o);
}

static json_t *latencies_json(const struct blast_tally *t)
{
    json_t *all = json_object();

    for (int i = 0; i < BLAST_LATENCIES; i++)
        put_latency(all, latency_names[i], &t->latency[i]);
    return all;
}

static json_t *step_json(const struct blast_step *step, const struct blast_step_tally *s)
{
    json_t *latency = json_object();

    put_latency(latency, "session", &s->session);
    put_latency(latency, "end", &s->end);
    return json_pack("{s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:o}", "rate", step->rate, "seconds",
                     (double)step->us / 1e6, "offered", offered(step), "started",
                     (json_int_t)s->started, "done", (json_int_t)s->done, "failed",
                     (json_int_t)s->failed, "messages", (json_int_t)s->messages, "refused",
                     (json_int_t)s->refused, "latency_us", latency);
}

static json_t *steps_json(const struct blast_order *o, const struct blast_tally *t)
{
    json_t *all = json_array();

    for (uint32_t i = 0; i < o->step_count; i++)
        json_array_append_new(all, step_json(&o->steps[i], &t->steps[i]));
    return all;
}

static void pack_error(void *user, const char *what, unsigned int code, uint64_t n)
{
    json_array_append_new(user, json_pack("{s:s, s:i, s:I}", "what", what, "code", (int)code,
                                          "count", (json_int_t)n));
}

static json_t *verified_json(const struct blast_verified *v)
{
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "ok",
                     blast_report_verified(v), "expected", (json_int_t)v->expected, "found",
                     (json_int_t)v->found, "lost", (json_int_t)v->lost, "duplicated",
                     (json_int_t)v->duplicated, "changed", (json_int_t)v->changed, "unexpected",
                     (json_int_t)v->unexpected, "doubtful", (json_int_t)v->doubtful, "foreign",
                     (json_int_t)v->foreign, "mailboxes", (json_int_t)v->mailboxes, "unread",
                     (json_int_t)v->unread);
}

json_t *blast_report_json(const struct blast_order *order, const struct blast_told *told,
                          const struct blast_report_more *more)
{
    static const char *const works[] = {"smtp", "pop3", "imap", "sink"};
    const struct blast_tally *t = told->tally;
    json_t *counts = json_object(), *errors = json_array(), *clients = blast_manners_json(t), *o;

#define BLAST_COUNT(name, text)                                                                    \
    json_object_set_new(counts, #name, json_integer((json_int_t)t->counts.name));
#include "dataplane/handoff/blast_count.def"
#undef BLAST_COUNT
    each_error(t, pack_error, errors);
    o = json_pack(
        "{s:s, s:s, s:s, s:f, s:i, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:O, s:O}", "schema",
        "blast/1.3", "program", WIREPOST_VERSION, "work", works[order->work], "seconds",
        (double)told->load_us / 1e6, "workers", (int)order->workers, "workers_busy", told->busy,
        "sessions_per_second", per_second(t->counts.sessions_done, told->load_us),
        "messages_per_second", per_second(messages(&t->counts), told->load_us), "goodput_mbit",
        megabits(&t->counts, told->load_us), "counts", counts, "latency_us", latencies_json(t),
        "errors", errors, "engine", more->counters, "timeline", more->timeline);
    if (clients)
        json_object_set_new(o, "clients", clients);
    if (o && told->stood_us)
        json_object_set_new(o, "setup_seconds", json_real((double)told->stood_us / 1e6));
    if (o && order->step_count)
        json_object_set_new(o, "steps", steps_json(order, t));
    if (o && told->verified)
        json_object_set_new(o, "verified", verified_json(told->verified));
    return o;
}
