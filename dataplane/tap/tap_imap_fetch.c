/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap/tap_flow.h"

/*
 * A fetched message out of its pieces: all at once, in partial answers of several commands, or as
 * header and text. What comes next is read at once; what comes early is held.
 */
struct tap_imap_piece {
    uint64_t offset;
};

/* ---- what is known of messages ---- */

static struct tap_imap_known *place_of(struct tap_imap *i, uint32_t uid, uint32_t number)
{
    return &i->known[(uid ? uid : number) % TAP_IMAP_KNOWN];
}

/* NULL: nothing. */
static struct tap_imap_known *find(struct tap_imap *i, uint32_t uid, uint32_t number)
{
    struct tap_imap_known *k = place_of(i, uid, number);

    return k->id == (uid ? uid : number) && k->numbered == !uid && k->id ? k : NULL;
}

/* In place of another that lay there. */
static struct tap_imap_known *know(struct tap_imap *i, uint32_t uid, uint32_t number)
{
    struct tap_imap_known *k = place_of(i, uid, number);

    if (!find(i, uid, number))
        *k = (struct tap_imap_known){.id = uid ? uid : number, .numbered = !uid};
    return k;
}

void tap_imap_forget(struct tap_imap *i, bool numbers_alone)
{
    for (int n = 0; n < TAP_IMAP_KNOWN; n++)
        if (!numbers_alone || i->known[n].numbered)
            i->known[n] = (struct tap_imap_known){0};
}

/* ---- pieces that are held ---- */

static void give_held(struct tap *t, struct tap_imap_fetched *m)
{
    chunk_give(t->pool, m->held);
    m->held = NULL;
    m->held_count = 0;
}

static uint64_t offset_of(const struct chunk *c)
{
    struct tap_imap_piece piece;

    memcpy(&piece, c->data, sizeof(piece));
    return piece.offset;
}

static struct chunk *hold_more(struct tap *t, struct tap_imap_fetched *m, uint64_t len)
{
    static const uint32_t sizes[] = {512, 4096};
    struct tap_imap_piece piece = {m->offset};
    enum chunk_class class = CHUNK_SMALL;
    struct chunk *c;

    while (class < CHUNK_LARGE && len + sizeof(piece) + CHUNK_HEADER > sizes[class])
        class ++;
    c = m->held_count < TAP_IMAP_HELD ? chunk_take(t->pool, class) : NULL;
    if (!c)
        return NULL;
    memcpy(c->data, &piece, sizeof(piece));
    c->len = sizeof(piece);
    c->next = m->held;
    m->held = c;
    m->held_count++;
    return c;
}

/* False: there is no room. */
static bool hold(struct tap *t, struct tap_imap_fetched *m, struct span bytes)
{
    struct chunk *c = m->held;

    while (bytes.len) {
        size_t n;

        if (!c || offset_of(c) + c->len - sizeof(struct tap_imap_piece) != m->offset ||
            !chunk_room(c))
            c = hold_more(t, m,
                          m->size > m->offset - m->begin ? m->size - (m->offset - m->begin)
                                                         : bytes.len);
        if (!c)
            return false;
        n = chunk_room(c) < bytes.len ? chunk_room(c) : bytes.len;
        memcpy(c->data + c->len, bytes.data, n);
        c->len += (uint32_t)n;
        m->offset += n;
        bytes = span_skip(bytes, n);
    }
    return true;
}

/* ---- reading ---- */

/* Octets from m->at on. */
static void read_octets(struct tap *t, struct tap_flow *f, struct span bytes)
{
    struct tap_imap_fetched *m = &f->imap->fetched;

    if (!m->message.begun)
        tap_message_begin(t, f, &m->message);
    if (bytes.len)
        tap_message_bytes(t, &m->message, bytes);
    m->at += bytes.len;
}

/* True when a held piece came next. */
static bool read_one_held(struct tap *t, struct tap_flow *f)
{
    struct tap_imap_fetched *m = &f->imap->fetched;

    for (struct chunk **at = &m->held, *c; (c = *at); at = &c->next) {
        uint64_t offset = offset_of(c);
        struct span bytes = span_skip(span_of(c->data, c->len), sizeof(struct tap_imap_piece));

        if (offset > m->at)
            continue;
        if (offset + bytes.len > m->at)
            read_octets(t, f, span_skip(bytes, (size_t)(m->at - offset)));
        *at = c->next;
        c->next = NULL;
        chunk_give(t->pool, c);
        m->held_count--;
        return true;
    }
    return false;
}

static void finish(struct tap *t, struct tap_flow *f)
{
    struct tap_imap *i = f->imap;
    struct tap_imap_fetched *m = &i->fetched;
    bool whole = m->message.whole;

    tap_imap_place(f, &m->message, false, span_of(i->mailbox, i->mailbox_len), i->uidvalidity,
                   m->uid, m->number);
    tap_message_end(t, &m->message);
    tap_message_verdict(t, f, &m->message, 0, span_of(NULL, 0));
    if (whole) {
        t->imap.fetched++;
        know(i, m->uid, m->number)->told = true;
    } else {
        t->imap.fetched_partly++;
    }
    give_held(t, m);
    *m = (struct tap_imap_fetched){0};
}

void tap_imap_fetched_close(struct tap *t, struct tap_flow *f)
{
    struct tap_imap *i = f->imap;
    struct tap_imap_fetched *m = &i->fetched;

    if (m->message.begun) {
        t->imap.fetched_partly++;
        tap_imap_place(f, &m->message, false, span_of(i->mailbox, i->mailbox_len), i->uidvalidity,
                       m->uid, m->number);
        m->message.whole = false;
        tap_message_drop(t, f, &m->message);
    } else if (m->header) {
        t->imap.headers++;
    } else if (m->held) {
        t->imap.headless++;
    }
    give_held(t, m);
    *m = (struct tap_imap_fetched){0};
}

/* ---- pieces ---- */

static bool is_same(const struct tap_imap_fetched *m, const struct imap_observed *e)
{
    if (!m->open)
        return false;
    return m->uid && e->uid ? m->uid == e->uid : m->number == e->number;
}

static void open_message(struct tap *t, struct tap_flow *f, const struct imap_observed *e)
{
    struct tap_imap_fetched *m = &f->imap->fetched;
    const struct tap_imap_known *k = find(f->imap, e->uid, e->number);

    tap_imap_fetched_close(t, f);
    m->open = true;
    m->number = e->number;
    m->uid = e->uid;
    m->end = k && k->size ? k->size : UINT64_MAX;
    m->again = k && k->told;
}

/* Where in the message the piece begins; false: that is not known. */
static bool set_offset(struct tap *t, struct tap_imap_fetched *m, const struct imap_observed *e)
{
    if (e->piece == IMAP_PIECE_TEXT && !m->header) {
        t->imap.headless++;
        return false;
    }
    m->begin = m->offset = e->origin + (e->piece == IMAP_PIECE_TEXT ? m->header : 0);
    return true;
}

static void set_mode(struct tap *t, struct tap_flow *f)
{
    struct tap_imap_fetched *m = &f->imap->fetched;

    /* A header alone is no message yet. */
    if (m->piece == IMAP_PIECE_HEADER) {
        m->mode = m->message.begun || m->header ? TAP_IMAP_PASS : TAP_IMAP_HOLD;
        return;
    }
    if (m->offset >= m->at)
        while (read_one_held(t, f))
            continue;
    m->mode = m->offset <= m->at ? TAP_IMAP_READ : TAP_IMAP_HOLD;
}

void tap_imap_piece_begin(struct tap *t, struct tap_flow *f, const struct imap_observed *e)
{
    struct tap_imap_fetched *m = &f->imap->fetched;

    m->mode = TAP_IMAP_PASS;
    if (e->piece == IMAP_PIECE_OTHER) {
        t->imap.sections++;
        return;
    }
    if (!is_same(m, e))
        open_message(t, f, e);
    else if (!m->uid)
        m->uid = e->uid;
    m->piece = e->piece;
    m->partial = e->partial;
    m->wanted = e->wanted;
    m->size = e->size;
    if (m->again && e->origin == 0 && e->piece != IMAP_PIECE_TEXT)
        t->imap.fetched_again++;
    if (!m->again && set_offset(t, m, e))
        set_mode(t, f);
}

void tap_imap_piece_text(struct tap *t, struct tap_flow *f, struct span bytes)
{
    struct tap_imap_fetched *m = &f->imap->fetched;
    uint64_t old = m->at > m->offset ? m->at - m->offset : 0;

    if (m->mode == TAP_IMAP_HOLD) {
        if (hold(t, m, bytes))
            return;
        t->imap.unordered++;
        m->mode = TAP_IMAP_PASS;
    } else if (m->mode == TAP_IMAP_READ) {
        m->offset += bytes.len;
        if (old < bytes.len)
            read_octets(t, f, span_skip(bytes, (size_t)old));
    }
}

void tap_imap_piece_gap(struct tap *t, struct tap_flow *f, uint64_t len)
{
    struct tap_imap_fetched *m = &f->imap->fetched;

    m->offset += len;
    if (m->mode == TAP_IMAP_HOLD)
        m->mode = TAP_IMAP_PASS;
    if (m->mode == TAP_IMAP_PASS)
        return;
    read_octets(t, f, span_of(NULL, 0));
    m->message.whole = false;
    if (m->offset > m->at)
        m->at = m->offset;
}

/* All of the message was told when an answer was shorter than what was asked for. */
static void set_end(struct tap_imap_fetched *m)
{
    uint64_t got = m->offset - m->begin;

    if (m->piece == IMAP_PIECE_HEADER && !m->partial)
        m->header = m->offset;
    else if (m->piece != IMAP_PIECE_HEADER && (!m->partial || (m->wanted && got < m->wanted)))
        m->end = m->offset;
}

void tap_imap_piece_end(struct tap *t, struct tap_flow *f)
{
    struct tap_imap_fetched *m = &f->imap->fetched;

    if (m->mode == TAP_IMAP_PASS)
        return;
    set_end(m);
    /* An empty message is one, too. */
    if (m->mode == TAP_IMAP_READ && !m->message.begun)
        read_octets(t, f, span_of(NULL, 0));
    if (m->mode == TAP_IMAP_READ)
        while (read_one_held(t, f))
            continue;
    m->mode = TAP_IMAP_PASS;
}

void tap_imap_fetched(struct tap *t, struct tap_flow *f, const struct imap_observed *e)
{
    struct tap_imap *i = f->imap;
    struct tap_imap_fetched *m = &i->fetched;
    bool of_it = is_same(m, e);

    if (e->size && e->size < 1u << 30)
        know(i, e->uid, e->number)->size = e->size & ((1u << 30) - 1);
    if (!of_it)
        return;
    if (!m->uid)
        m->uid = e->uid;
    if (e->size && m->end == UINT64_MAX)
        m->end = e->size;
    if (m->message.begun && m->at >= m->end) {
        const struct tap_imap_known *k = find(i, m->uid, m->number);

        if (!k || !k->told) {
            finish(t, f);
            return;
        }
        t->imap.fetched_again++;
        tap_message_forget(t, &m->message);
        give_held(t, m);
        *m = (struct tap_imap_fetched){0};
    }
}
