/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/greylist_service.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/service/service_thread.h"
#include "dataplane/handoff/greylist.h"
#include "dataplane/handoff/known_table.h"

enum {
    KNOWN_S = 600,     /* how long a worker need not ask again */
    TOUCH_MS = 600000, /* a row that is used is written again this often, not each time */
    BATCH = 256,
};

struct greylist_service {
    struct service_thread thread;
    struct greylist_service_options options;
    pthread_mutex_t lock; /* of all below, for forget() */
    struct config_greylist config;
    struct greylist_counters counters;
    uint8_t sweep_at[STORE_GREYLIST_KEY]; /* where the next sweep goes on */
    size_t sweep_len;
    /* To be written behind the answers. */
    uint32_t count;
    struct store_greylist_row rows[BATCH];
    uint8_t keys[BATCH][STORE_GREYLIST_KEY];
};

static void write_rows(struct greylist_service *s)
{
    if (s->count && store_greylist_put(s->options.store, s->rows, s->count) != STORE_OK)
        s->counters.errors++;
    s->count = 0;
}

static void put(struct greylist_service *s, struct span key, const struct store_greylist_row *row)
{
    if (s->count == BATCH)
        write_rows(s);
    memcpy(s->keys[s->count], key.data, key.len);
    s->rows[s->count] = *row;
    s->rows[s->count].key = span_of(s->keys[s->count], key.len);
    s->count++;
}

/* The row as it will be once all is written. */
static enum store_status find(struct greylist_service *s, struct span key,
                              struct store_greylist_row *row_out)
{
    for (uint32_t i = s->count; i-- > 0;)
        if (span_equal(s->rows[i].key, key)) {
            *row_out = s->rows[i];
            return row_out->last_ms ? STORE_OK : STORE_NONE;
        }
    return store_greylist_find(s->options.store, key, row_out);
}

static uint64_t since(uint64_t now, uint64_t then)
{
    /* The clock may have been set back. */
    return now > then ? now - then : 0;
}

static bool expired(const struct greylist_service *s, struct span key,
                    const struct store_greylist_row *row, uint64_t now)
{
    bool waits = key.len && key.data[0] == 't' && row->passes == 0;
    int64_t life = waits ? s->config.window : s->config.expiry;

    return since(now, waits ? row->first_ms : row->last_ms) > (uint64_t)life / 1000;
}

static void know(struct greylist_service *s, struct span key, uint64_t now)
{
    known_table_put(s->options.known, greylist_name(s->options.names, key),
                    (uint32_t)(now / 1000) + KNOWN_S);
}

/* A row that lets mail in was used. */
static enum job_status use(struct greylist_service *s, struct span key,
                           struct store_greylist_row *row, uint64_t now)
{
    if (since(now, row->last_ms) >= TOUCH_MS) {
        row->last_ms = now;
        put(s, key, row);
    }
    know(s, key, now);
    s->counters.known++;
    return JOB_OK;
}

/* The triple came again in time: a step of its network towards being known as a whole. */
static enum job_status pass(struct greylist_service *s, struct span triple, struct span network,
                            struct store_greylist_row *row, struct store_greylist_row *of_network,
                            uint64_t now)
{
    row->passes = 1;
    row->last_ms = now;
    put(s, triple, row);
    of_network->passes++;
    of_network->last_ms = now;
    put(s, network, of_network);
    know(s, triple, now);
    s->counters.passed++;
    return JOB_OK;
}

static enum job_status judge_at(struct greylist_service *s, struct span triple, uint64_t now)
{
    uint8_t bytes[GREYLIST_NETWORK];
    struct span network = span_of(bytes, sizeof(bytes));
    struct store_greylist_row row = {.first_ms = now}, of_network = {.first_ms = now};
    enum store_status status;

    greylist_network(triple, bytes);
    status = find(s, network, &of_network);
    if (status == STORE_OK && !expired(s, network, &of_network, now)) {
        if (s->config.networks_after && of_network.passes >= s->config.networks_after)
            return use(s, network, &of_network, now);
    } else if (status == STORE_OK || status == STORE_NONE) {
        of_network = (struct store_greylist_row){.first_ms = now};
    } else {
        return JOB_FAILED;
    }
    status = find(s, triple, &row);
    if (status != STORE_OK && status != STORE_NONE)
        return JOB_FAILED;
    if (status == STORE_OK && !expired(s, triple, &row, now)) {
        if (row.passes)
            return use(s, triple, &row, now);
        if (since(now, row.first_ms) >= (uint64_t)s->config.delay / 1000)
            return pass(s, triple, network, &row, &of_network, now);
    } else {
        row = (struct store_greylist_row){.first_ms = now, .last_ms = now};
        put(s, triple, &row);
    }
    s->counters.deferred++;
    return JOB_REFUSED;
}

enum job_status greylist_service_judge(struct greylist_service *s, struct span triple)
{
    enum job_status status = JOB_FAILED;

    if (triple.len >= GREYLIST_NETWORK && triple.len <= STORE_GREYLIST_KEY)
        status = judge_at(s, triple, s->options.now_ms());
    s->counters.errors += status == JOB_FAILED;
    return status;
}

/* ---- sweep, forget ---- */

struct walk {
    struct greylist_service *service;
    uint64_t now;
    uint32_t left;
    struct span network; /* forget(): of this one alone; empty: all */
    struct span address; /* forget_address() */
    char separator;
    uint64_t count;
};

static bool sweep_row(void *context, const struct store_greylist_row *row)
{
    struct walk *w = context;
    struct greylist_service *s = w->service;

    if (w->left-- == 0) {
        memcpy(s->sweep_at, row->key.data, row->key.len);
        s->sweep_len = row->key.len;
        return false;
    }
    if (expired(s, row->key, row, w->now)) {
        put(s, row->key, &(struct store_greylist_row){.last_ms = 0});
        s->counters.swept++;
    }
    return true;
}

bool greylist_service_sweep(struct greylist_service *s, uint32_t limit)
{
    struct walk w = {.service = s, .now = s->options.now_ms(), .left = limit};
    uint8_t at[STORE_GREYLIST_KEY];
    size_t len;
    bool done;

    pthread_mutex_lock(&s->lock);
    len = s->sweep_len;
    memcpy(at, s->sweep_at, len);
    s->sweep_len = 0;
    store_greylist_walk(s->options.store, span_of(at, len), sweep_row, &w);
    write_rows(s);
    done = s->sweep_len == 0;
    pthread_mutex_unlock(&s->lock);
    return done;
}

static bool forget_row(void *context, const struct store_greylist_row *row)
{
    struct walk *w = context;

    if (w->network.len &&
        (row->key.len < w->network.len ||
         !span_equal(span_of(row->key.data + 1, w->network.len - 1), span_skip(w->network, 1))))
        return true;
    put(w->service, row->key, &(struct store_greylist_row){.last_ms = 0});
    w->count++;
    return true;
}

/* key = local [separator detail] "@" domain */
static bool is_address(const struct walk *w, struct span key)
{
    ptrdiff_t at = -1;
    struct span domain;

    for (size_t i = 0; i < w->address.len; i++)
        at = w->address.data[i] == '@' ? (ptrdiff_t)i : at;
    if (span_equal(key, w->address))
        return true;
    if (at < 0 || !w->separator || key.len <= w->address.len ||
        key.data[at] != (uint8_t)w->separator ||
        !span_equal(span_head(key, (size_t)at), span_head(w->address, (size_t)at)))
        return false;
    domain = span_skip(w->address, (size_t)at);
    return span_equal(span_skip(key, key.len - domain.len), domain);
}

static bool forget_address_row(void *context, const struct store_greylist_row *row)
{
    struct walk *w = context;
    struct span rest = span_skip(row->key, GREYLIST_NETWORK);
    ptrdiff_t nul = span_find(rest, 0);

    if (row->key.len <= GREYLIST_NETWORK || row->key.data[0] != 't' || nul < 0 ||
        (!is_address(w, span_head(rest, (size_t)nul)) &&
         !is_address(w, span_skip(rest, (size_t)nul + 1))))
        return true;
    put(w->service, row->key, &(struct store_greylist_row){.last_ms = 0});
    w->count++;
    return true;
}

static enum store_status forget(struct greylist_service *s, store_greylist_visit *visit,
                                struct walk *w)
{
    enum store_status status;

    pthread_mutex_lock(&s->lock);
    write_rows(s);
    status = store_greylist_walk(s->options.store, span_of(NULL, 0), visit, w);
    write_rows(s);
    known_table_clear(s->options.known);
    pthread_mutex_unlock(&s->lock);
    return status;
}

enum store_status greylist_service_forget(struct greylist_service *s, struct span network,
                                          uint64_t *count_out)
{
    struct walk w = {.service = s, .network = network};
    enum store_status status = forget(s, forget_row, &w);

    *count_out = w.count;
    return status;
}

enum store_status greylist_service_forget_address(struct greylist_service *s, struct span address,
                                                  char separator, uint64_t *count_out)
{
    struct walk w = {.service = s, .address = address, .separator = separator};
    enum store_status status = forget(s, forget_address_row, &w);

    *count_out = w.count;
    return status;
}

/* ---- the thread ---- */

static uint32_t serve(void *context, struct job **jobs, uint32_t count)
{
    struct greylist_service *s = context;

    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < count; i++) {
        const struct chunk *c = jobs[i]->greylist.triple;

        job_answer(s->options.handoff, jobs[i],
                   greylist_service_judge(s, span_of(c->data, c->len)));
    }
    write_rows(s);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

struct greylist_service *greylist_service_start(const struct greylist_service_options *options,
                                                const struct config_greylist *config)
{
    struct greylist_service *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->options = *options;
    s->options.now_ms = options->now_ms ? options->now_ms : clock_wall_ms;
    s->config = *config;
    pthread_mutex_init(&s->lock, NULL);
    s->thread.handoff = options->handoff;
    s->thread.service = SERVICE_GREYLIST;
    s->thread.name = "greylist";
    s->thread.serve = serve;
    s->thread.context = s;
    if (service_thread_start(&s->thread))
        return s;
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

void greylist_service_stop(struct greylist_service *s)
{
    service_thread_stop(&s->thread);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void greylist_service_set(struct greylist_service *s, const struct config_greylist *config)
{
    pthread_mutex_lock(&s->lock);
    s->config = *config;
    pthread_mutex_unlock(&s->lock);
}

struct greylist_counters greylist_service_counters(const struct greylist_service *s)
{
    struct greylist_counters counters;

    pthread_mutex_lock((pthread_mutex_t *)&s->lock);
    counters = s->counters;
    pthread_mutex_unlock((pthread_mutex_t *)&s->lock);
    return counters;
}
