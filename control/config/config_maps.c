/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_maps.h"

#include <stdlib.h>

#include "control/config/config_option.h"
#include "control/config/config_settings.h"
#include "proto/base/ascii.h"

/* ---- the check ---- */

struct checking {
    struct config *config;
    const char *path;
    struct config_errors *errors;
    bool no_memory;
};

static struct span keep(struct checking *c, struct span text)
{
    uint8_t *copy = config_memory_take(c->config->memory, text.len + 1);

    c->no_memory |= !copy;
    if (!copy)
        return span_of(NULL, 0);
    memcpy(copy, text.data, text.len);
    return span_of(copy, text.len);
}

/* address / "@" domain */
static bool read_target(struct span text, bool of_domain, struct writer *w)
{
    if (!text.len || text.data[0] != '@')
        return config_forward_address(w, text);
    writer_byte(w, '@');
    return of_domain && config_domain_key(w, span_skip(text, 1));
}

static void check_row(struct checking *c, struct config_canonical *row)
{
    uint8_t key_text[DIRECTORY_SENDER_KEY], to_text[DIRECTORY_SENDER_KEY];
    struct writer key = writer_of(key_text, sizeof(key_text));
    struct writer to = writer_of(to_text, sizeof(to_text));

    if (!config_sender_key(&key, span_text(row->address)))
        config_error(c->errors, c->path, row->line,
                     "submission.canonical[].address: expected an address, or \"@\" and a domain");
    else if (!read_target(span_text(row->to), row->address[0] == '@', &to) || to.full)
        config_error(
            c->errors, c->path, row->line,
            "submission.canonical[].to: expected an address with a local part in ASCII, or "
            "for a domain \"@\" and another");
    row->key = keep(c, writer_span(&key));
    row->target = keep(c, writer_span(&to));
}

static bool applies(const struct config_canonical *row, bool recipient)
{
    return row->applies_to == CONFIG_CANONICAL_BOTH ||
           (row->applies_to == CONFIG_CANONICAL_RECIPIENT) == recipient;
}

/* Each key once for senders and once for recipients. */
static void check_twice(struct checking *c, const struct config_submission *s, bool recipient)
{
    struct address_map_row *rows =
        config_memory_take(c->config->memory, (s->canonical_count + 1) * sizeof(*rows));
    uint32_t n = 0;

    c->no_memory |= !rows;
    for (uint32_t i = 0; rows && i < s->canonical_count; i++)
        if (applies(&s->canonical[i], recipient))
            rows[n++].key = s->canonical[i].key;
    if (rows)
        qsort(rows, n, sizeof(*rows), address_map_compare);
    for (uint32_t i = 1; rows && i < n; i++)
        if (rows[i].key.len && span_equal(rows[i].key, rows[i - 1].key))
            config_error(c->errors, c->path, s->canonical[0].line,
                         "submission.canonical[].address: expected each once for senders and once "
                         "for recipients; %.*s stands there twice",
                         (int)rows[i].key.len, (const char *)rows[i].key.data);
}

static void check_masquerade(struct checking *c, struct config_masquerade *m)
{
    m->keys = config_memory_take(c->config->memory, (m->domains_count + 1) * sizeof(*m->keys));
    c->no_memory |= !m->keys;
    for (uint32_t i = 0; !c->no_memory && i < m->domains_count; i++) {
        uint8_t text[1 + ADDRESS_KEY_MAX];
        struct writer w = writer_of(text, sizeof(text));
        const char *domain = m->domains[i];

        if (domain[0] == '!')
            writer_byte(&w, '!');
        if (!config_domain_key(&w, span_text(domain + (domain[0] == '!'))))
            config_error(c->errors, c->path, 0,
                         "submission.masquerade.domains: expected domains, with or without \"!\" "
                         "in front; %s is none",
                         domain);
        m->keys[i] = keep(c, writer_span(&w));
    }
    for (uint32_t i = 0; i < m->except_count; i++)
        for (char *at = m->except[i]; *at; at++)
            *at = (char)ascii_lower((uint8_t)*at);
}

/* Bits of the classes that are named; all words are read once, here. */
static uint8_t read_classes(struct checking *c, const char *option, char *const *words,
                            uint32_t count)
{
    static const char *const names[] = {"envelope_sender", "envelope_recipient", "header_sender",
                                        "header_recipient"};
    uint8_t bits = 0;

    for (uint32_t i = 0; i < count; i++) {
        unsigned k = 0;

        while (k < 4 && strcmp(words[i], names[k]) != 0)
            k++;
        if (k == 4)
            config_error(c->errors, c->path, 0,
                         "%s: expected envelope_sender, envelope_recipient, header_sender or "
                         "header_recipient; found \"%s\"",
                         option, words[i]);
        bits |= (uint8_t)(k < 4 ? 1u << k : 0);
    }
    return bits;
}

bool config_check_maps(struct config *config, const char *path, struct config_errors *errors)
{
    struct checking c = {.config = config, .path = path, .errors = errors};
    struct config_submission *s = &config->submission;

    s->canonical_bits = ADDRESS_MAP_ENVELOPE_SENDER | ADDRESS_MAP_ENVELOPE_RECIPIENT |
                        ADDRESS_MAP_HEADER_SENDER | ADDRESS_MAP_HEADER_RECIPIENT;
    if (s->canonical_classes_count)
        s->canonical_bits = read_classes(&c, "submission.canonical_classes", s->canonical_classes,
                                         s->canonical_classes_count);
    s->masquerade.bits =
        ADDRESS_MAP_ENVELOPE_SENDER | ADDRESS_MAP_HEADER_SENDER | ADDRESS_MAP_HEADER_RECIPIENT;
    if (s->masquerade.classes_count)
        s->masquerade.bits = read_classes(&c, "submission.masquerade.classes",
                                          s->masquerade.classes, s->masquerade.classes_count);
    for (uint32_t i = 0; i < s->canonical_count && !c.no_memory; i++)
        check_row(&c, &s->canonical[i]);
    if (!c.no_memory)
        check_masquerade(&c, &s->masquerade);
    for (int recipient = 0; recipient < 2 && !c.no_memory; recipient++)
        check_twice(&c, s, recipient);
    return !c.no_memory;
}

/* ---- what workers read ---- */

size_t config_maps_size(const struct config *config)
{
    const struct config_submission *s = &config->submission;
    const struct config_masquerade *m = &s->masquerade;
    size_t size = sizeof(struct address_maps) +
                  2 * s->canonical_count * sizeof(struct address_map_row) +
                  (m->domains_count + m->except_count) * sizeof(struct span);

    if (!s->canonical_count && !m->domains_count)
        return 0;
    for (uint32_t i = 0; i < s->canonical_count; i++)
        size += s->canonical[i].key.len + s->canonical[i].target.len;
    for (uint32_t i = 0; i < m->domains_count; i++)
        size += m->keys[i].len;
    for (uint32_t i = 0; i < m->except_count; i++)
        size += strlen(m->except[i]);
    return (size + 7) & ~(size_t)7;
}

/* Where the next rows, and the next octets, go. */
struct placing {
    uint8_t *at;
};

static void *place(struct placing *p, size_t size)
{
    void *at = p->at;

    p->at += size;
    return at;
}

static struct span place_text(struct placing *p, struct span text)
{
    uint8_t *at = place(p, text.len);

    if (text.len)
        memcpy(at, text.data, text.len);
    return span_of(at, text.len);
}

/* Each row goes to senders, to recipients, or to both, which then share its texts. */
static void put_row(struct placing *p, const struct config_canonical *from,
                    struct address_map_row *const rows[2], uint32_t count[2])
{
    struct address_map_row row = {.key = place_text(p, from->key),
                                  .to = place_text(p, from->target)};

    for (int recipient = 0; recipient < 2; recipient++)
        if (applies(from, recipient))
            rows[recipient][count[recipient]++] = row;
}

const struct address_maps *config_maps_put(const struct config *config, void *memory)
{
    const struct config_submission *s = &config->submission;
    const struct config_masquerade *m = &s->masquerade;
    struct placing p = {.at = memory};
    struct address_maps *maps = place(&p, sizeof(*maps));
    struct address_map_row *rows[2];
    struct span *domains, *except;

    *maps = (struct address_maps){.classes = s->canonical_bits,
                                  .masqueraded = m->bits,
                                  .domain_count = m->domains_count,
                                  .except_count = m->except_count};
    for (int i = 0; i < 2; i++)
        maps->rows[i] = rows[i] = place(&p, s->canonical_count * sizeof(*rows[i]));
    maps->domains = domains = place(&p, m->domains_count * sizeof(*domains));
    maps->except = except = place(&p, m->except_count * sizeof(*except));
    for (uint32_t i = 0; i < m->domains_count; i++)
        domains[i] = place_text(&p, m->keys[i]);
    for (uint32_t i = 0; i < m->except_count; i++)
        except[i] = place_text(&p, span_text(m->except[i]));
    for (uint32_t i = 0; i < s->canonical_count; i++)
        put_row(&p, &s->canonical[i], rows, maps->count);
    for (int i = 0; i < 2; i++)
        qsort(rows[i], maps->count[i], sizeof(*rows[i]), address_map_compare);
    return maps;
}
