/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "proto/base/cursor.h"
#include "rules/rule_set_inside.h"

/*
 * A saved set: blob(description) uint32(groups) then blob(database) for each group in the plan's
 * order. The description says what it was compiled from and with; see rule_plan.c. Each database
 * carries Hyperscan's own checksum, version and platform.
 */

/* FNV-1a, 64 bits. */
static uint64_t hash_of(struct span s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ s.data[i]) * 0x100000001b3u;
    return h;
}

uint64_t rule_set_key(const struct rule *rules, size_t count)
{
    struct rule_plan plan;
    uint64_t key = 0;

    if (rule_plan_init(&plan, rules, count, SIZE_MAX) == RULE_OK)
        key = hash_of(plan.description);
    rule_plan_fini(&plan);
    return key;
}

static bool sink_number(rule_set_sink *sink, void *context, size_t n)
{
    uint8_t bytes[4];
    struct writer w = writer_of(bytes, sizeof bytes);

    writer_uint(&w, n, 4);
    return sink(context, writer_span(&w));
}

static bool sink_blob(rule_set_sink *sink, void *context, struct span s)
{
    return s.len <= UINT32_MAX && sink_number(sink, context, s.len) && sink(context, s);
}

enum rule_status rule_set_save(const struct rule_set *set, rule_set_sink *sink, void *context)
{
    bool ok =
        sink_blob(sink, context, set->description) && sink_number(sink, context, set->group_count);

    for (size_t g = 0; ok && g < set->group_count; g++) {
        char *bytes = NULL;
        size_t length = 0;

        ok = hs_serialize_database(set->groups[g].database, &bytes, &length) == HS_SUCCESS &&
             sink_blob(sink, context, span_of(bytes, length));
        free(bytes);
    }
    return ok ? RULE_OK : RULE_BROKEN;
}

/* Reads the databases into the set. RULE_STALE when they are not whole or not for here. */
static enum rule_status load_groups(struct rule_set *set, const struct rule_set_source *source)
{
    struct cursor c = cursor_of(source->saved);

    if (!span_equal(cursor_blob(&c), set->description) || cursor_u32(&c) != set->group_count)
        return RULE_STALE;
    for (size_t g = 0; g < set->group_count; g++) {
        struct span bytes = cursor_blob(&c);
        hs_error_t error;

        if (c.bad)
            return RULE_STALE;
        error =
            hs_deserialize_database((const char *)bytes.data, bytes.len, &set->groups[g].database);
        if (error == HS_NOMEM)
            return RULE_BROKEN;
        if (error != HS_SUCCESS || !rule_set_measure(&set->groups[g]))
            return RULE_STALE;
    }
    return cursor_left(&c) == 0 ? RULE_OK : RULE_STALE;
}

enum rule_status rule_set_load(const struct rule *rules, size_t count,
                               const struct rule_limits *limits, struct span saved,
                               struct writer *errors, struct rule_set **set_out)
{
    struct rule_set_source source = {
        .rules = rules, .count = count, .limits = limits, .saved = saved, .errors = errors};

    return rule_set_make(&source, load_groups, set_out);
}
