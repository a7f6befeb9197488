/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_observer.h"

/* Untagged data: FETCH with what it has of messages, and what moves their numbers. */

enum item { ITEM_NAME, ITEM_UID, ITEM_SIZE, ITEM_OCTETS, ITEM_VALUE };

static uint64_t number_of(struct span text)
{
    uint64_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.data[i] - '0');

        if (digit > 9 || n > IMAP_LITERAL_SIZE_LIMIT / 10 - 1)
            break;
        n = 10 * n + digit;
    }
    return n;
}

static enum imap_piece piece_of(struct span section)
{
    static const struct {
        const char *name;
        enum imap_piece piece;
    } names[] = {{"BODY[]", IMAP_PIECE_WHOLE},         {"RFC822", IMAP_PIECE_WHOLE},
                 {"BINARY[]", IMAP_PIECE_WHOLE},       {"BODY[HEADER]", IMAP_PIECE_HEADER},
                 {"RFC822.HEADER", IMAP_PIECE_HEADER}, {"BODY[TEXT]", IMAP_PIECE_TEXT},
                 {"RFC822.TEXT", IMAP_PIECE_TEXT}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_equal_nocase(section, span_text(names[i].name)))
            return names[i].piece;
    return IMAP_PIECE_OTHER;
}

/* An item's name: which value comes next. */
static void on_name(struct imap_fetching *f, struct span name)
{
    ptrdiff_t bracket = span_find(name, '['), end;

    f->item = ITEM_VALUE;
    if (span_equal_nocase(name, span_text("UID")))
        f->item = ITEM_UID;
    else if (span_equal_nocase(name, span_text("RFC822.SIZE")))
        f->item = ITEM_SIZE;
    if (bracket < 0 && !span_equal_nocase(span_head(name, 6), span_text("RFC822")))
        return;
    if (f->item != ITEM_VALUE)
        return;
    f->item = ITEM_OCTETS;
    /* section ["<" number ">"] */
    end = name.len && name.data[name.len - 1] == '>' ? span_find(name, '<') : -1;
    f->partial = end >= 0;
    f->origin = f->partial ? number_of(span_skip(name, (size_t)end + 1)) : 0;
    f->piece = piece_of(f->partial ? span_head(name, (size_t)end) : name);
}

static void on_atom(struct imap_fetching *f, struct span atom)
{
    if (f->item == ITEM_NAME) {
        on_name(f, atom);
        return;
    }
    if (f->item == ITEM_UID)
        f->uid = (uint32_t)number_of(atom);
    else if (f->item == ITEM_SIZE)
        f->size = number_of(atom);
    f->item = ITEM_NAME;
}

/* Responses are those of the oldest FETCH. */
static uint32_t wanted_of(const struct imap_observer *o)
{
    for (uint8_t i = 0; i < o->asked_count; i++)
        if (o->asked[i].what == IMAP_ASKED_FETCH)
            return o->asked[i].wanted;
    return 0;
}

static bool begin_octets(struct imap_observer *o, const struct imap_response_event *r,
                         struct imap_observed *e)
{
    struct imap_fetching *f = &o->fetch;

    if (f->item != ITEM_OCTETS)
        return false;
    f->octets = f->told = true;
    e->kind = IMAP_OBSERVED_BEGIN;
    e->number = f->number;
    e->uid = f->uid;
    e->piece = f->piece;
    e->partial = f->partial;
    e->origin = f->origin;
    e->wanted = f->partial ? wanted_of(o) : 0;
    e->size = r->size;
    return true;
}

static bool end_octets(struct imap_fetching *f, struct imap_observed *e)
{
    f->item = ITEM_NAME;
    if (!f->octets)
        return false;
    f->octets = false;
    e->kind = IMAP_OBSERVED_END;
    return true;
}

static bool end_fetch(struct imap_fetching *f, struct imap_observed *e)
{
    f->open = false;
    e->number = f->number;
    e->uid = f->uid;
    e->size = f->size;
    if (f->told || (f->uid && f->size))
        e->kind = IMAP_OBSERVED_FETCHED;
    return e->kind != IMAP_OBSERVED_MORE;
}

static bool begin_data(struct imap_observer *o, const struct imap_response_event *r,
                       struct imap_observed *e)
{
    o->fetch = (struct imap_fetching){0};
    if (r->numbered && span_equal_nocase(r->name, span_text("FETCH"))) {
        o->fetch.open = true;
        o->fetch.number = (uint32_t)r->number;
        return false;
    }
    imap_response_pass(&o->server);
    if (span_equal_nocase(r->name, span_text("EXPUNGE")) ||
        span_equal_nocase(r->name, span_text("VANISHED")))
        e->kind = IMAP_OBSERVED_RENUMBERED;
    return e->kind != IMAP_OBSERVED_MORE;
}

bool imap_observer_data(struct imap_observer *o, const struct imap_response_event *r,
                        struct imap_observed *e)
{
    struct imap_fetching *f = &o->fetch;

    switch (r->kind) {
    case IMAP_RESPONSE_DATA:
        return begin_data(o, r, e);
    case IMAP_RESPONSE_ATOM:
        if (f->open && r->depth == 1)
            on_atom(f, r->text);
        return false;
    case IMAP_RESPONSE_STRING:
        return f->open && r->depth == 1 && begin_octets(o, r, e);
    case IMAP_RESPONSE_BYTES:
        if (f->octets) {
            e->kind = IMAP_OBSERVED_TEXT;
            e->text = r->text;
        }
        return f->octets;
    case IMAP_RESPONSE_STRING_END:
        return f->open && o->server.depth == 1 && end_octets(f, e);
    case IMAP_RESPONSE_CLOSE:
        if (r->depth == 1)
            f->item = ITEM_NAME;
        return false;
    case IMAP_RESPONSE_END:
        return f->open && end_fetch(f, e);
    default:
        return false;
    }
}
