/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "rules/rule_set_inside.h"

/* The names of the header fields that rules add. */

static int compare_names(const void *left, const void *right)
{
    return rule_plan_compare(*(const struct span *)left, *(const struct span *)right);
}

/* field = name ":" value, as rule_check() has seen. Lower case, in memory of its own. */
static struct span name_of(struct span field)
{
    ptrdiff_t colon = span_find(field, ':');
    size_t len = colon < 0 ? field.len : (size_t)colon;
    uint8_t *name = malloc(len + 1);

    for (size_t i = 0; name && i < len; i++)
        name[i] = ascii_lower(field.data[i]);
    return span_of(name, name ? len : 0);
}

bool rule_set_tags(struct rule_set *set, const struct rule_set_source *source)
{
    size_t all = 0;

    for (size_t r = 0; r < source->count; r++)
        all += source->rules[r].tag.field_count;
    set->tags.names = calloc(all + 1, sizeof *set->tags.names);
    if (!set->tags.names)
        return false;
    for (size_t r = 0; r < source->count; r++)
        for (size_t i = 0; source->rules[r].enabled && i < source->rules[r].tag.field_count; i++) {
            struct span name = name_of(source->rules[r].tag.fields[i]);

            if (!name.data)
                return false;
            set->tags.names[set->tags.count++] = name;
        }
    qsort(set->tags.names, set->tags.count, sizeof *set->tags.names, compare_names);
    return true;
}

bool rule_set_tags_field(const struct rule_set *set, struct span name)
{
    uint8_t lower[RULE_TAG_MAX];
    struct span key = span_of(lower, name.len);

    if (set->tags.count == 0 || name.len > sizeof lower)
        return false;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = ascii_lower(name.data[i]);
    return bsearch(&key, set->tags.names, set->tags.count, sizeof key, compare_names) != NULL;
}
