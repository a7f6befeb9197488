/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_names.h"
#include "control/config/config_settings.h"

/* The addresses on other servers that accounts and aliases lead to, as the envelope will have them.
 */
struct forwarding {
    const struct config_names *names;
    const char *option;
    uint32_t line;
};

static struct span read_forward(const struct forwarding *f, const char *spelled)
{
    uint8_t text[CONFIG_FORWARD_MAX];
    struct writer w = writer_of(text, sizeof(text));
    struct span address, copy = {0};
    uint8_t *kept;

    if (!config_forward_address(&w, span_text(spelled))) {
        config_error(f->names->errors, f->names->path, f->line,
                     "%s: expected addresses of at most %d octets with local parts in ASCII; %s is "
                     "none",
                     f->option, CONFIG_FORWARD_MAX, spelled);
        return copy;
    }
    address = writer_span(&w);
    if (config_names_lists(f->names, config_forward_domain(address)))
        config_error(f->names->errors, f->names->path, f->line,
                     "%s: expected addresses on other servers; the domain of %s is one of "
                     "`domains`: members of an alias may be here",
                     f->option, spelled);
    kept = config_memory_take(f->names->config->memory, address.len);
    if (kept)
        copy = span_of(memcpy(kept, address.data, address.len), address.len);
    return copy;
}

/* False: no memory. */
static bool read_forwards(const struct forwarding *f, char *const *spelled, uint32_t count,
                          struct span **out)
{
    if (!count)
        return true;
    *out = config_memory_take(f->names->config->memory, count * sizeof(**out));
    for (uint32_t i = 0; *out && i < count; i++)
        (*out)[i] = read_forward(f, spelled[i]);
    return *out != NULL;
}

bool config_forwards_make(const struct config_names *names)
{
    struct config *c = names->config;
    bool ok = true;

    for (uint32_t i = 0; ok && i < c->accounts_count; i++)
        ok = read_forwards(&(struct forwarding){names, "accounts[].forward", c->accounts[i].line},
                           c->accounts[i].forward, c->accounts[i].forward_count,
                           &c->accounts[i].elsewhere);
    for (uint32_t i = 0; ok && i < c->aliases_count; i++) {
        struct config_alias *a = &c->aliases[i];

        if (!a->members_count && !a->forward_count)
            config_error(names->errors, names->path, a->line,
                         "aliases[].members, aliases[].forward: expected at least one; %s leads "
                         "nowhere",
                         a->address);
        ok = read_forwards(&(struct forwarding){names, "aliases[].forward", a->line}, a->forward,
                           a->forward_count, &a->elsewhere);
    }
    return ok;
}
