/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"
#include "control/config/config_settings.h"

#include <stdlib.h>

/* Groups that are laid out at the start: a running engine cannot take other values. */
static const char *const fixed[] = {"role",
                                    "tap.",
                                    "engine.",
                                    "tcp.",
                                    "network.",
                                    "store.",
                                    "index.",
                                    "ctl.",
                                    "records.path",
                                    "records.privacy.keys",
                                    "rules.streams",
                                    "limits.counters",
                                    "metrics.",
                                    "api.listeners",
                                    "api.connections",
                                    "api.idle_timeout",
                                    "api.threads",
                                    "greylist.cache",
                                    "imap.special_use.",
                                    "imap.threads",
                                    "auth.threads",
                                    "oauth.threads",
                                    "directory.cache",
                                    "tls.threads"};

static bool is_fixed(const struct config_option *o)
{
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (strncmp(o->path, fixed[i], strlen(fixed[i])) == 0)
            return true;
    return false;
}

static bool same_value(const struct config_option *o, const uint8_t *a, const uint8_t *b)
{
    if (o->type >= CONFIG_TEXT)
        return strcmp(*(char *const *)a, *(char *const *)b) == 0;
    return memcmp(a, b, config_type_size(o->type)) == 0;
}

static bool same_list(const struct config_option *o, const uint8_t *a, const uint8_t *b)
{
    uint32_t count = *(const uint32_t *)(a + o->count_offset);
    const uint8_t *of_a = *(uint8_t *const *)(a + o->offset),
                  *of_b = *(uint8_t *const *)(b + o->offset);

    if (count != *(const uint32_t *)(b + o->count_offset))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!same_value(o, of_a + i * o->item_size, of_b + i * o->item_size))
            return false;
    return true;
}

/* Items of a list of groups: whatever stands in them. */
static bool same_groups(const struct config_option *list, const uint8_t *a, const uint8_t *b)
{
    uint32_t count = *(const uint32_t *)(a + list->count_offset);
    const uint8_t *of_a = *(uint8_t *const *)(a + list->offset),
                  *of_b = *(uint8_t *const *)(b + list->offset);

    if (count != *(const uint32_t *)(b + list->count_offset))
        return false;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < config_option_count; k++) {
            const struct config_option *o = &config_options[k];
            size_t at = i * list->item_size + o->offset;

            if (config_option_under(o, list) && !same_value(o, of_a + at, of_b + at))
                return false;
        }
    return true;
}

const char *config_fixed_difference(const struct config *a, const struct config *b)
{
    for (uint32_t i = 0; i < config_option_count; i++) {
        const struct config_option *o = &config_options[i];
        const uint8_t *of_a = (const uint8_t *)a, *of_b = (const uint8_t *)b;

        if (!is_fixed(o) || strstr(o->path, "[]"))
            continue;
        if (o->row == CONFIG_ROW_LIST && !same_groups(o, of_a, of_b))
            return o->path;
        if (o->row == CONFIG_ROW_OPTION && !same_value(o, of_a + o->offset, of_b + o->offset))
            return o->path;
        if (o->row == CONFIG_ROW_OPTIONS && !same_list(o, of_a, of_b))
            return o->path;
    }
    /* The filter of system calls was made without it. */
    return config_needs_network(b) && !config_needs_network(a)
               ? "ldap, oauth.issuers: servers to ask"
               : NULL;
}

struct config *config_reread(const char *path, const struct config *running, struct writer *why)
{
    struct config_errors *errors = malloc(sizeof(*errors));
    struct config *config = errors ? config_load(path, errors) : NULL;
    const char *differs = config ? config_fixed_difference(running, config) : NULL;

    if (!config && errors)
        writer_span_put(why, span_head(writer_span(&errors->text), writer_room(why)));
    if (differs) {
        writer_printf(why, "%s: cannot change while the engine runs", differs);
        config_free(config);
        config = NULL;
    }
    free(errors);
    return config;
}
