/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_stage.h"

#include <stdlib.h>

/* In one piece with all that it points to. */
struct mail_staged {
    struct mail_staged *next;
    size_t octets;
    struct message *message; /* without deliveries, and without room for them */
    struct store_append_row row;
};

enum { MESSAGE = offsetof(struct message, delivery), ALIGN = 16 };

static size_t round_up(size_t n)
{
    return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static size_t size_of(const struct message *m, const struct store_append_row *row)
{
    const struct message_envelope *e = &m->envelope;
    size_t size = round_up(sizeof(struct mail_staged)) + round_up(MESSAGE) + e->sender.len +
                  e->helo.len + e->authenticated.len + e->envid.len + m->tree.len + m->verdict.len +
                  row->keywords.len + ALIGN;

    for (const struct chunk *c = m->rest; c; c = c->next)
        size += round_up(sizeof(*c) + c->len);
    return size;
}

static void copy(uint8_t **at, struct span *bytes)
{
    if (bytes->len)
        memcpy(*at, bytes->data, bytes->len);
    bytes->data = *at;
    *at += bytes->len;
}

static const struct chunk *copy_chunks(uint8_t **at, const struct chunk *from)
{
    struct chunk *first = NULL, **place = &first;

    for (; from; from = from->next) {
        struct chunk *c = (struct chunk *)*at;

        memcpy(c, from, sizeof(*c));
        memcpy(c->data + c->start, from->data + from->start, from->len - from->start);
        c->next = NULL;
        *place = c;
        place = &c->next;
        *at += round_up(sizeof(*c) + c->len);
    }
    return first;
}

static void fill(struct mail_staged *s, const struct message *from,
                 const struct store_append_row *row)
{
    uint8_t *at = (uint8_t *)s + round_up(sizeof(*s));
    struct message *m = (struct message *)at;

    memcpy(m, from, MESSAGE);
    m->deliveries = 0;
    at += round_up(MESSAGE);
    m->rest = copy_chunks(&at, from->rest);
    copy(&at, &m->envelope.sender);
    copy(&at, &m->envelope.helo);
    copy(&at, &m->envelope.authenticated);
    copy(&at, &m->envelope.envid);
    copy(&at, &m->tree);
    copy(&at, &m->verdict);
    s->row = *row;
    copy(&at, &s->row.keywords);
    s->row.message = s->message = m;
}

static bool reserve(_Atomic size_t *all, size_t octets)
{
    if (atomic_fetch_add(all, octets) + octets <= MAIL_STAGE_ALL)
        return true;
    atomic_fetch_sub(all, octets);
    return false;
}

bool mail_stage_put(struct mail_stage *stage, const struct message *message,
                    const struct store_append_row *row)
{
    size_t octets = size_of(message, row);
    struct mail_staged *s;

    if (stage->count + 1 >= STORE_APPENDS || stage->octets + octets > MAIL_STAGE_OCTETS ||
        !reserve(stage->all, octets))
        return false;
    s = malloc(octets);
    if (!s) {
        atomic_fetch_sub(stage->all, octets);
        return false;
    }
    *s = (struct mail_staged){.octets = octets};
    fill(s, message, row);
    *(stage->last ? &stage->last->next : &stage->first) = s;
    stage->last = s;
    stage->count++;
    stage->octets += octets;
    return true;
}

void mail_stage_rows(const struct mail_stage *stage, struct store_append_row *rows)
{
    for (const struct mail_staged *s = stage->first; s; s = s->next)
        *rows++ = s->row;
}

static void discard(struct store *store, const struct mail_staged *s)
{
    struct store_change change = {.kind = STORE_DISCARD, .discarded = s->message->id};

    if (s->message->rows_written)
        store_apply(store, &change, 1);
}

void mail_stage_free(struct mail_stage *stage, struct store *store, bool stored)
{
    while (stage->first) {
        struct mail_staged *s = stage->first;

        stage->first = s->next;
        if (!stored)
            discard(store, s);
        free(s);
    }
    if (stage->all)
        atomic_fetch_sub(stage->all, stage->octets);
    *stage = (struct mail_stage){.all = stage->all};
}
