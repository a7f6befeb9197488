/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/rulefile/rule_loader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "control/base/clock.h"
#include "control/rulefile/rule_cache.h"
#include "control/rulefile/rule_file.h"
#include "dataplane/handoff/hidden.h"
#include "rules/rule_memory.h"
#include "control/rulefile/rule_tally.h"
#include "rules/rule_pool.h"

struct rule_loader {
    struct rule_generation *live[GENERATIONS_LIVE]; /* published or retired, not freed */
    bool retired[GENERATIONS_LIVE];
    struct rule_tally *tally; /* of generations that are gone */
    pthread_mutex_t lock;     /* of what is above */
};

struct rule_loader *rule_loader_new(void)
{
    struct rule_loader *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    rule_memory_set(hidden_take, hidden_give);
    l->tally = rule_tally_new();
    if (!l->tally) {
        free(l);
        return NULL;
    }
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

static void free_generation(struct rule_generation *g)
{
    if (!g)
        return;
    for (uint32_t i = 0; i < g->workers; i++)
        rule_pool_free(g->pools[i]);
    rule_set_free(g->set);
    generation_free(g);
}

void rule_loader_free(struct rule_loader *l)
{
    if (!l)
        return;
    for (int i = 0; i < GENERATIONS_LIVE; i++)
        free_generation(l->live[i]);
    rule_tally_free(l->tally);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static bool compile(const struct rule_loader_options *o, struct writer *errors,
                    struct rule_set **set_out)
{
    struct rule_file *file = rule_file_new();
    struct rule_limits limits = RULE_LIMITS_DEFAULT;
    struct rule_cache cache = {.directory = o->cache};
    const struct rule *rules;
    bool ok = file != NULL;
    size_t count;

    *set_out = NULL;
    if (file)
        rule_file_known(file, &o->tenants, &o->domains);
    for (uint32_t i = 0; i < o->file_count && file; i++)
        ok = rule_file_read(file, o->files[i], errors) && ok;
    limits.scan_ns = o->scan_ns;
    limits.now = clock_thread_ns;
    if (ok) {
        rules = rule_file_rules(file, &count);
        if (o->cache && o->cache[0] && (mkdir(o->cache, 0700) == 0 || errno == EEXIST))
            ok = rule_cache_compile(&cache, rules, count, &limits, errors, set_out) == RULE_OK;
        else
            ok = rule_set_compile(rules, count, &limits, errors, set_out) == RULE_OK;
    }
    rule_file_free(file);
    return ok;
}

bool rule_loader_check(const struct rule_loader_options *options, struct writer *errors)
{
    struct rule_set *set;
    bool ok = options->file_count == 0 || compile(options, errors, &set);

    if (ok && options->file_count)
        rule_set_free(set);
    return ok;
}

static struct rule_generation *with_pools(struct rule_set *set, const struct rule_loader_options *o)
{
    struct rule_generation *g = generation_new(o->workers);

    if (!g) {
        rule_set_free(set);
        return NULL;
    }
    g->set = set;
    for (uint32_t i = 0; i < o->workers; i++) {
        g->pools[i] = rule_pool_new(set, o->streams);
        if (!g->pools[i]) {
            free_generation(g);
            return NULL;
        }
    }
    return g;
}

bool rule_loader_load(struct rule_loader *l, const struct rule_loader_options *options,
                      struct writer *errors, struct rule_generation **generation_out)
{
    struct rule_set *set;
    int place = 0;

    *generation_out = NULL;
    rule_loader_sweep(l);
    while (place < GENERATIONS_LIVE && l->live[place])
        place++;
    if (place == GENERATIONS_LIVE) {
        writer_printf(
            errors,
            "rules: %d generations are still in use by messages under way; try again later\n",
            GENERATIONS_LIVE);
        return false;
    }
    if (options->file_count == 0)
        return true;
    if (!compile(options, errors, &set))
        return false;
    *generation_out = with_pools(set, options);
    if (!*generation_out) {
        writer_text(errors, "rules: out of memory\n");
        return false;
    }
    pthread_mutex_lock(&l->lock);
    l->live[place] = *generation_out;
    l->retired[place] = false;
    pthread_mutex_unlock(&l->lock);
    return true;
}

void rule_loader_retire(struct rule_loader *l, struct rule_generation *g)
{
    pthread_mutex_lock(&l->lock);
    for (int i = 0; g && i < GENERATIONS_LIVE; i++)
        if (l->live[i] == g)
            l->retired[i] = true;
    pthread_mutex_unlock(&l->lock);
}

/* What a generation counted goes into the tally. False: no memory. */
static bool add_up(struct rule_tally *tally, const struct rule_generation *g)
{
    bool ok = true;

    for (size_t r = 0; r < rule_set_count(g->set); r++)
        for (uint32_t w = 0; w < g->workers; w++) {
            struct rule_pool_count c = rule_pool_count(g->pools[w], r);

            if (c.hits)
                ok &= rule_tally_add(tally, rule_set_rule(g->set, r)->id, c.hits, c.last_ms);
        }
    return ok;
}

uint32_t rule_loader_sweep(struct rule_loader *l)
{
    uint32_t left = 0;

    pthread_mutex_lock(&l->lock);
    for (int i = 0; i < GENERATIONS_LIVE; i++) {
        if (!l->live[i] || !l->retired[i])
            continue;
        if (!generation_unused(l->live[i])) {
            left++;
            continue;
        }
        /* Without memory counts are lost, and nothing else. */
        add_up(l->tally, l->live[i]);
        free_generation(l->live[i]);
        l->live[i] = NULL;
    }
    pthread_mutex_unlock(&l->lock);
    return left;
}

/* The totals of a set's rules, in a new array; NULL: no memory. */
static struct rule_total *totals_of(struct rule_loader *l, const struct rule_set *set)
{
    size_t count = set ? rule_set_count(set) : 0;
    struct rule_total *totals = calloc(count + 1, sizeof(*totals));
    struct rule_tally *tally = rule_tally_copy(l->tally);
    bool ok = totals && tally;

    for (int i = 0; i < GENERATIONS_LIVE && ok; i++)
        if (l->live[i])
            ok = add_up(tally, l->live[i]);
    for (size_t r = 0; r < count && ok; r++)
        totals[r] = rule_tally_find(tally, rule_set_rule(set, r)->id);
    rule_tally_free(tally);
    if (ok)
        return totals;
    free(totals);
    return NULL;
}

bool rule_loader_look(struct rule_loader *l,
                      void (*visit)(void *context, const struct rule_look *look), void *context)
{
    struct rule_look look = {0};
    struct rule_total *totals;

    pthread_mutex_lock(&l->lock);
    for (int i = 0; i < GENERATIONS_LIVE; i++)
        if (l->live[i] && !l->retired[i])
            look.generation = l->live[i];
    totals = totals_of(l, look.generation ? look.generation->set : NULL);
    look.totals = totals;
    if (totals)
        visit(context, &look);
    pthread_mutex_unlock(&l->lock);
    free(totals);
    return totals != NULL;
}
