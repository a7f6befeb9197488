/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_map.h"

#include <stdlib.h>

#include "proto/base/ascii.h"

/* An address on its way: as it is spelled now. */
struct mapping {
    uint8_t text[2][ADDRESS_MAP_MAX];
    uint8_t turn;
    struct address address;
};

int address_map_compare(const void *a_, const void *b_)
{
    const struct span a = ((const struct address_map_row *)a_)->key;
    const struct span b = ((const struct address_map_row *)b_)->key;
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.data, b.data, n) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static const struct address_map_row *find(const struct address_maps *maps, bool recipient,
                                          struct span key)
{
    const struct address_map_row wanted = {.key = key};

    return maps->count[recipient] ? bsearch(&wanted, maps->rows[recipient], maps->count[recipient],
                                            sizeof(wanted), address_map_compare)
                                  : NULL;
}

/* Behind the last "@": a local part without its quotes may have one too. */
static struct span domain_of(struct span key)
{
    size_t at = key.len;

    while (at > 0 && key.data[at - 1] != '@')
        at--;
    return span_skip(key, at);
}

/* `local` "@" `domain`, or `domain` alone where it is a whole address, becomes what it is. False:
 * that is none. */
static bool become(struct mapping *m, struct span local, struct span domain)
{
    struct writer w = writer_of(m->text[m->turn], ADDRESS_MAP_MAX);
    struct address next;

    writer_span_put(&w, local);
    writer_span_put(&w, domain);
    if (w.full || address_mailbox(writer_span(&w), ADDRESS_ALLOW_UTF8, &next) != ADDRESS_OK)
        return false;
    m->address = next;
    m->turn ^= 1;
    return true;
}

static bool canonical(const struct address_maps *maps, bool recipient, struct mapping *m)
{
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer w = writer_of(text, sizeof(text));
    const struct address_map_row *row;
    struct span key, domain;

    if (!address_key(&w, &m->address, true))
        return false;
    key = writer_span(&w);
    domain = domain_of(key);
    row = find(maps, recipient, key);
    if (!row)
        row = find(maps, recipient, span_of(domain.data - 1, domain.len + 1));
    if (!row)
        return false;
    return become(m, row->to.data[0] == '@' ? m->address.local : span_of(NULL, 0), row->to);
}

static bool is_except(const struct address_maps *maps, struct span local)
{
    for (uint32_t i = 0; i < maps->except_count; i++)
        if (span_equal(maps->except[i], local))
            return true;
    return false;
}

/* `domain` is `whole` or lies in it. */
static bool lies_in(struct span domain, struct span whole)
{
    if (domain.len == whole.len)
        return span_equal(domain, whole);
    return domain.len > whole.len && domain.data[domain.len - whole.len - 1] == '.' &&
           span_equal(span_skip(domain, domain.len - whole.len), whole);
}

static bool masquerade(const struct address_maps *maps, struct mapping *m)
{
    uint8_t text[ADDRESS_KEY_MAX], at_domain[1 + ADDRESS_DOMAIN_MAX];
    struct writer w = writer_of(text, sizeof(text)), to = writer_of(at_domain, sizeof(at_domain));
    struct span domain;

    if (!address_key(&w, &m->address, true))
        return false;
    domain = domain_of(writer_span(&w));
    if (is_except(maps, span_head(writer_span(&w), w.len - domain.len - 1)))
        return false;
    for (uint32_t i = 0; i < maps->domain_count; i++) {
        struct span whole = maps->domains[i];
        bool stays = whole.data[0] == '!';

        if (!lies_in(domain, span_skip(whole, stays)))
            continue;
        if (stays || domain.len == whole.len)
            return false;
        writer_byte(&to, '@');
        writer_span_put(&to, whole);
        return become(m, m->address.local, writer_span(&to));
    }
    return false;
}

bool address_map(const struct address_maps *maps, enum address_map_class where,
                 const struct address *address, struct writer *out)
{
    bool recipient = where & (ADDRESS_MAP_ENVELOPE_RECIPIENT | ADDRESS_MAP_HEADER_RECIPIENT);
    struct mapping m = {.address = *address};
    bool changed = false;

    if (address->kind != ADDRESS_DOMAIN)
        return false;
    if (maps->classes & where)
        changed = canonical(maps, recipient, &m);
    if (maps->masqueraded & where)
        changed |= masquerade(maps, &m);
    if (!changed ||
        (span_equal(m.address.local, address->local) &&
         span_equal(m.address.domain, address->domain)) ||
        writer_room(out) < m.address.local.len + 1 + m.address.domain.len)
        return false;
    writer_span_put(out, m.address.local);
    writer_byte(out, '@');
    writer_span_put(out, m.address.domain);
    return true;
}
