/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ldap/ldap_lookup.h"

#include "control/base/clock.h"

static const char any[] = "(objectClass=*)";

/* NUL-terminated. False: the name fits no such template. */
static bool expand(uint8_t out[LDAP_TEMPLATE_MAX], const char *text, struct span name)
{
    struct writer w = writer_of(out, LDAP_TEMPLATE_MAX - 1);
    bool ok = ldap_template_expand(&w, span_text(text), name);

    out[ok ? w.len : 0] = 0;
    return ok;
}

struct found {
    struct ldap_lookup *lookup;
    void (*each)(struct ldap_lookup *lookup);
    uint32_t count;
};

static void read_value(void *context, struct span attribute, struct span value)
{
    ldap_person_value(context, attribute, value);
}

static void read_entry(void *context, const struct ldap_link_entry *entry)
{
    struct found *f = context;

    ldap_person_init(&f->lookup->person, f->lookup->map);
    ldap_person_name(&f->lookup->person, ldap_link_entry_name(entry));
    ldap_link_entry_values(entry, read_value, &f->lookup->person);
    f->count++;
    if (f->each)
        f->each(f->lookup);
}

/* A link to be asked; NULL: none, or the time is over. */
static struct ldap_link *take_link(struct ldap_lookup *l, enum ldap_links_use use)
{
    struct ldap_link *link = NULL;

    if (clock_monotonic_ms() < l->until_ms)
        link = ldap_links_take(l->links, l->thread, use);
    if (link)
        ldap_link_limit(link, l->until_ms);
    return link;
}

/* Asks one server after the other, until one says something. What an earlier one said before it was
 * lost may come again. */
static enum ldap_outcome search(struct ldap_lookup *l, const struct ldap_link_search *s,
                                struct found *found, struct writer *why)
{
    enum ldap_outcome outcome = LDAP_OUTCOME_AWAY;
    bool again = true;

    while (again && outcome == LDAP_OUTCOME_AWAY) {
        struct ldap_link *link = take_link(l, LDAP_LINKS_SEARCH);

        if (!link)
            return LDAP_OUTCOME_AWAY;
        why->len = 0;
        found->count = 0;
        outcome = ldap_link_search(link, s, read_entry, found, why);
        again = outcome != LDAP_OUTCOME_AWAY ||
                ldap_links_lost(l->links, l->thread, LDAP_LINKS_SEARCH, why);
    }
    return outcome;
}

static enum ldap_outcome search_by(struct ldap_lookup *l, const char *filter, uint32_t most,
                                   struct span name, struct found *found, struct writer *why)
{
    const struct config_ldap *c = l->map->config;
    const struct ldap_link_search s = {.base = (const char *)l->base,
                                       .filter = (const char *)l->filter,
                                       .subtree = true,
                                       .attributes = (const char *const *)c->attributes,
                                       .entries_max = most};

    if (!expand(l->base, c->base, name) || !expand(l->filter, filter, name))
        return LDAP_OUTCOME_ABSENT;
    return search(l, &s, found, why);
}

static enum ldap_outcome search_entry(struct ldap_lookup *l, const char *name, struct found *found,
                                      struct writer *why)
{
    const struct ldap_link_search s = {.base = name,
                                       .filter = any,
                                       .attributes =
                                           (const char *const *)l->map->config->attributes,
                                       .entries_max = 1};

    return search(l, &s, found, why);
}

/* ---- what an address leads to ---- */

static void add_step(struct ldap_lookup *l, struct span name, bool address, struct span spelled)
{
    size_t start = l->text.len;

    for (uint32_t i = 0; i < l->step_count; i++)
        if (l->steps[i].address == address && span_equal_nocase(l->steps[i].name, name))
            return;
    writer_span_put(&l->text, name);
    writer_byte(&l->text, 0);
    writer_span_put(&l->text, spelled);
    if (l->text.full || l->step_count == LDAP_LOOKUP_STEPS) {
        l->crowded = true;
        return;
    }
    l->steps[l->step_count++] =
        (struct lookup_step){.name = span_of(l->text.data + start, name.len),
                             .spelled = span_of(l->text.data + start + name.len + 1, spelled.len),
                             .address = address};
}

static void add_member(struct ldap_lookup *l, struct span member)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer key = writer_of(bytes, sizeof(bytes));
    bool address = ldap_person_key(l->map, member, &key, NULL);

    add_step(l, address ? writer_span(&key) : member, address, address ? member : span_of(NULL, 0));
}

static void follow(struct ldap_lookup *l)
{
    struct ldap_person *p = &l->person;

    if (p->disabled)
        return;
    l->crowded |= p->crowded;
    for (uint32_t i = 0; i < p->member_count; i++)
        add_member(l, p->members[i]);
    if (!p->group)
        l->taker->person(l->taker->context, p);
}

static enum ldap_outcome step(struct ldap_lookup *l, const struct lookup_step *s,
                              struct writer *why)
{
    struct found found = {.lookup = l, .each = follow};

    if (s->address)
        return search_by(l, l->map->config->address_filter, LDAP_LOOKUP_ENTRIES, s->name, &found,
                         why);
    return search_entry(l, (const char *)s->name.data, &found, why);
}

enum ldap_outcome ldap_lookup_address(struct ldap_lookup *l, struct span key,
                                      const struct ldap_lookup_taker *taker, struct writer *why)
{
    enum ldap_outcome outcome = LDAP_OUTCOME_OK, first = LDAP_OUTCOME_OK;

    l->taker = taker;
    l->step_count = 0;
    l->crowded = false;
    l->text = writer_of(l->text_bytes, sizeof(l->text_bytes));
    add_step(l, key, true, span_of(NULL, 0));
    for (uint32_t i = 0; i < l->step_count; i++) {
        outcome = step(l, &l->steps[i], why);
        if (i == 0)
            first = outcome;
        if (outcome == LDAP_OUTCOME_ABSENT && i > 0 && l->steps[i].address)
            taker->stranger(taker->context, l->steps[i].name, l->steps[i].spelled);
        if (outcome != LDAP_OUTCOME_OK && outcome != LDAP_OUTCOME_ABSENT)
            return outcome;
    }
    if (l->crowded) {
        writer_printf(why, "an address leads to more than %d entries", LDAP_LOOKUP_STEPS);
        return LDAP_OUTCOME_REFUSED;
    }
    return first;
}

/* ---- who logs in ---- */

/* The base is kept for name_of(). */
static enum ldap_outcome search_named(struct ldap_lookup *l, struct span name, struct found *found,
                                      struct writer *why)
{
    expand(l->base, l->map->config->base, name);
    if (!expand(l->filter, l->map->config->login_dn, name))
        return LDAP_OUTCOME_ABSENT;
    return search_entry(l, (const char *)l->filter, found, why);
}

enum ldap_outcome ldap_lookup_login(struct ldap_lookup *l, struct span name, struct writer *why)
{
    const struct config_ldap *c = l->map->config;
    struct found found = {.lookup = l};
    enum ldap_outcome outcome;

    if (!c->login_dn[0])
        outcome = search_by(l, c->login_filter, 2, name, &found, why);
    else
        outcome = search_named(l, name, &found, why);
    if (outcome == LDAP_OUTCOME_OK && found.count > 1) {
        writer_text(why, "two entries have the same name to log in by");
        return LDAP_OUTCOME_REFUSED;
    }
    if (outcome == LDAP_OUTCOME_OK &&
        (l->person.disabled || l->person.key.len == 0 || l->person.name.len == 0))
        return LDAP_OUTCOME_ABSENT;
    return outcome;
}

static enum ldap_outcome prove_once(struct ldap_lookup *l, struct ldap_link *link, const char *name,
                                    struct span password, struct writer *why)
{
    const struct config_ldap *c = l->map->config;
    enum ldap_outcome outcome;

    if (c->authentication == CONFIG_LDAP_BIND)
        return ldap_link_bind(link, name, password, why);
    outcome = ldap_link_compare(link, name, c->compare, password, why);
    return outcome == LDAP_OUTCOME_ABSENT ? LDAP_OUTCOME_WRONG : outcome;
}

/* The name of the entry, or one that nobody has, where entries are looked for. */
static void name_of(const struct ldap_lookup *l, bool found, struct writer *w)
{
    if (found) {
        writer_span_put(w, l->person.name);
    } else {
        writer_text(w, "cn=nobody has this name,");
        writer_text(w, (const char *)l->base);
        w->len -= w->data[w->len - 1] == ',';
    }
    writer_byte(w, 0);
}

enum ldap_outcome ldap_lookup_prove(struct ldap_lookup *l, bool found, struct span password,
                                    struct writer *why)
{
    const struct config_ldap *c = l->map->config;
    enum ldap_links_use use =
        c->authentication == CONFIG_LDAP_BIND ? LDAP_LINKS_PROVE : LDAP_LINKS_SEARCH;
    enum ldap_outcome outcome = LDAP_OUTCOME_AWAY;
    char bytes[LDAP_TEMPLATE_MAX + LDAP_PERSON_NAME_MAX];
    struct writer name = writer_of(bytes, sizeof(bytes));
    bool again = true;

    if (password.len == 0 || password.len > LDAP_LOOKUP_PASSWORD || span_find(password, 0) >= 0)
        return LDAP_OUTCOME_WRONG;
    name_of(l, found, &name);
    /* Whoever a mistyped password may be of: it is nobody's here. */
    if (!found)
        password = span_text("a password that nobody has");
    while (again && outcome == LDAP_OUTCOME_AWAY) {
        struct ldap_link *link = take_link(l, use);

        if (!link)
            return LDAP_OUTCOME_AWAY;
        why->len = 0;
        outcome = prove_once(l, link, bytes, password, why);
        again = outcome != LDAP_OUTCOME_AWAY || ldap_links_lost(l->links, l->thread, use, why);
    }
    return outcome == LDAP_OUTCOME_OK && !found ? LDAP_OUTCOME_WRONG : outcome;
}
