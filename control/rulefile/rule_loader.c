/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/rulefile/rule_loader.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "control/rulefile/rule_cache.h"
#include "control/rulefile/rule_file.h"
#include "dataplane/handoff/hidden.h"
#include "rules/rule_memory.h"
#include "rules/rule_pool.h"

struct rule_loader {
    struct rule_generation *live[GENERATIONS_LIVE]; /* published or retired, not freed */
    bool retired[GENERATIONS_LIVE];
};

struct rule_loader *rule_loader_new(void)
{
    rule_memory_set(hidden_take, hidden_give);
    return calloc(1, sizeof(struct rule_loader));
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
    for (uint32_t i = 0; i < o->file_count && file; i++)
        ok = rule_file_read(file, o->files[i], errors) && ok;
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
    l->live[place] = *generation_out;
    l->retired[place] = false;
    return true;
}

void rule_loader_retire(struct rule_loader *l, struct rule_generation *g)
{
    for (int i = 0; g && i < GENERATIONS_LIVE; i++)
        if (l->live[i] == g)
            l->retired[i] = true;
}

uint32_t rule_loader_sweep(struct rule_loader *l)
{
    uint32_t left = 0;

    for (int i = 0; i < GENERATIONS_LIVE; i++) {
        if (!l->live[i] || !l->retired[i])
            continue;
        if (!generation_unused(l->live[i])) {
            left++;
            continue;
        }
        free_generation(l->live[i]);
        l->live[i] = NULL;
    }
    return left;
}
