/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/metrics/metrics_page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 1024, FIRST = 64 * 1024 };

static bool room(struct metrics_page *p, size_t n)
{
    size_t cap = p->cap ? p->cap : FIRST;
    char *text;

    while (cap < p->len + n)
        cap *= 2;
    if (cap == p->cap)
        return true;
    text = cap <= METRICS_PAGE_MAX ? realloc(p->text, cap) : NULL;
    if (!text)
        return false;
    p->text = text;
    p->cap = cap;
    return true;
}

/* A piece of at most PIECE bytes. */
__attribute__((format(printf, 2, 3))) static void put(struct metrics_page *p, const char *format,
                                                      ...)
{
    va_list arguments;
    int n;

    p->failed = p->failed || !room(p, PIECE);
    if (p->failed)
        return;
    va_start(arguments, format);
    n = vsnprintf(p->text + p->len, PIECE, format, arguments);
    va_end(arguments);
    if (n < 0 || n >= PIECE)
        p->failed = true;
    else
        p->len += (size_t)n;
}

/* HELP and TYPE, before the first sample of a name. Our texts have no backslash and no line end. */
static void begin(struct metrics_page *p, const char *name, const char *suffix, const char *text,
                  const char *type)
{
    char family[sizeof(p->family)];

    snprintf(family, sizeof(family), "wirepost_%s%s", name, suffix);
    if (strcmp(family, p->family) == 0)
        return;
    memcpy(p->family, family, sizeof(family));
    put(p, "# HELP %s %s\n# TYPE %s %s\n", family, text, family, type);
}

void metrics_page_metric(struct metrics_page *p, const struct metric *m)
{
    static const char *const types[] = {"counter", "gauge", "untyped"};
    bool worker = m->worker != METRIC_NO_WORKER;

    begin(p, m->name, m->type == METRIC_COUNTER ? "_total" : "", m->text, types[m->type]);
    put(p, "%s", p->family);
    if (worker)
        put(p, "{worker=\"%d\"%s%s}", m->worker, m->labels ? "," : "", m->labels ? m->labels : "");
    else if (m->labels)
        put(p, "{%s}", m->labels);
    put(p, " %llu\n", (unsigned long long)m->value);
}

/* The count is that of the buckets, and not a number of its own that may be ahead of them. */
void metrics_page_histogram(struct metrics_page *p, const char *name, const char *text,
                            const struct metrics_histogram *h)
{
    uint64_t seen = 0;

    begin(p, name, "_seconds", text, "histogram");
    for (int i = 0; i <= METRICS_BUCKETS; i++) {
        seen += atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        if (i < METRICS_BUCKETS)
            put(p, "%s_bucket{le=\"%g\"} %llu\n", p->family, (double)metrics_bucket_us[i] / 1e6,
                (unsigned long long)seen);
        else
            put(p, "%s_bucket{le=\"+Inf\"} %llu\n", p->family, (unsigned long long)seen);
    }
    put(p, "%s_sum %.6f\n%s_count %llu\n", p->family,
        (double)atomic_load_explicit(&h->sum_us, memory_order_relaxed) / 1e6, p->family,
        (unsigned long long)seen);
}

static void put_metric(void *user, const struct metric *metric)
{
    metrics_page_metric(user, metric);
}

struct metric_sink metrics_page_sink(struct metrics_page *page)
{
    return (struct metric_sink){.put = put_metric, .user = page};
}

static const struct {
    const char *name, *text;
    enum metric_type type;
} named[] = {
#define METRIC_NAMED(name_, TYPE, text_) {#name_, text_, METRIC_##TYPE},
#include "control/metrics/metrics_named.def"
#undef METRIC_NAMED
};

static void put_named(void *user, const char *name, uint64_t value)
{
    struct metric m = {.name = name,
                       .text = "not described",
                       .type = METRIC_UNTYPED,
                       .worker = METRIC_NO_WORKER,
                       .value = value};

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (strcmp(named[i].name, name) == 0) {
            m.text = named[i].text;
            m.type = named[i].type;
        }
    metrics_page_metric(user, &m);
}

struct counter_sink metrics_page_named(struct metrics_page *page)
{
    return (struct counter_sink){.put = put_named, .user = page};
}
