/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"

/* What the back end of LDAP keeps of a configuration, which it outlives. The option table says
 * where texts are. */

static char *copy_text(struct config *to, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = config_memory_take(to->memory, size);

    return copy ? memcpy(copy, text, size) : NULL;
}

static bool copy_span(struct config *to, struct span from, struct span *out)
{
    uint8_t *copy = config_memory_take(to->memory, from.len + 1);

    if (!copy)
        return false;
    if (from.len)
        memcpy(copy, from.data, from.len);
    *out = span_of(copy, from.len);
    return true;
}

static char **copy_texts(struct config *to, char *const *texts, uint32_t count)
{
    char **copies = config_memory_take(to->memory, (count + 1) * sizeof(*copies));

    for (uint32_t i = 0; copies && i < count; i++) {
        copies[i] = copy_text(to, texts[i]);
        if (!copies[i])
            return NULL;
    }
    return copies;
}

static bool copy_option(struct config *to, const struct config_option *o, uint8_t *item)
{
    char *text, **texts;
    uint32_t count;

    if (o->type < CONFIG_TEXT)
        return true;
    if (o->row == CONFIG_ROW_OPTIONS) {
        memcpy(&texts, item + o->offset, sizeof(texts));
        memcpy(&count, item + o->count_offset, sizeof(count));
        texts = copy_texts(to, texts, count);
        memcpy(item + o->offset, &texts, sizeof(texts));
        return texts != NULL;
    }
    memcpy(&text, item + o->offset, sizeof(text));
    text = copy_text(to, text);
    memcpy(item + o->offset, &text, sizeof(text));
    return text != NULL;
}

static bool copy_found(struct config *to, struct config_ldap *item)
{
    const struct span *keys = item->domain_keys;
    uint32_t attributes = 0;
    bool ok;

    while (item->attributes[attributes])
        attributes++;
    item->attributes = copy_texts(to, item->attributes, attributes);
    item->domain_keys =
        config_memory_take(to->memory, (item->domains_count + 1) * sizeof(*item->domain_keys));
    ok = item->attributes && item->domain_keys;
    for (uint32_t i = 0; ok && i < item->domains_count; i++)
        ok = copy_span(to, keys[i], &item->domain_keys[i]);
    return ok;
}

static bool copy_one(struct config *to, struct config_ldap *item)
{
    for (uint32_t i = 0; i < config_option_count; i++)
        if (strncmp(config_options[i].path, "ldap[].", 7) == 0 &&
            !copy_option(to, &config_options[i], (uint8_t *)item))
            return false;
    return copy_found(to, item);
}

static bool copy_domains(struct config *to, const struct config *from)
{
    to->domains = config_memory_take(to->memory, (from->domains_count + 1) * sizeof(*to->domains));
    for (uint32_t i = 0; to->domains && i < from->domains_count; i++) {
        struct config_domain *domain = &to->domains[to->domains_count];

        domain->case_sensitive = from->domains[i].case_sensitive;
        if (!copy_span(to, from->domains[i].key, &domain->key))
            return false;
        to->domains_count++;
    }
    return to->domains != NULL;
}

struct config *config_copy_ldap(const struct config *config)
{
    struct config_memory *memory = config_memory_new();
    struct config *to = memory ? config_memory_take(memory, sizeof(*to)) : NULL;
    bool ok;

    if (!to) {
        config_memory_free(memory);
        return NULL;
    }
    to->memory = memory;
    ok = copy_domains(to, config);
    if (ok) {
        to->ldap = config_memory_take(to->memory, (config->ldap_count + 1) * sizeof(*to->ldap));
        ok = to->ldap != NULL;
    }
    for (; ok && to->ldap_count < config->ldap_count; to->ldap_count++) {
        to->ldap[to->ldap_count] = config->ldap[to->ldap_count];
        ok = copy_one(to, &to->ldap[to->ldap_count]);
    }
    if (ok)
        return to;
    config_free(to);
    return NULL;
}
