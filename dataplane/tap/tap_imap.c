/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap/tap_flow.h"

/* An IMAP conversation: the observer's events become messages, and what is said of them. */

enum {
    INFLATED = 16384, /* octets at a time */
    /* What comes out may be so much more than what came in, and so many times as much. */
    BOMB_FREE = 16 << 20,
    BOMB_TIMES = 256,
};

static struct tap_imap *take(struct tap *t)
{
    struct chunk *c = chunk_take(t->pool, CHUNK_MEDIUM);

    _Static_assert(sizeof(struct tap_imap) <= 4096 - CHUNK_HEADER, "it fits a medium chunk");
    if (!c)
        return NULL;
    memset(c->data, 0, sizeof(struct tap_imap));
    return (struct tap_imap *)c->data;
}

static void give(struct tap *t, struct tap_imap *i)
{
    chunk_give(t->pool, (struct chunk *)((uint8_t *)i - offsetof(struct chunk, data)));
}

void tap_imap_begin(struct tap *t, struct tap_flow *f)
{
    f->imap = take(t);
    if (!f->imap) {
        t->imap.memory++;
        f->stage = TAP_BLIND;
        return;
    }
    imap_observer_init(&f->imap->observer, f->started_tls || !f->seen->side[TCP_TO_CLIENT].opened);
    f->s.protocol = LISTENER_IMAP;
}

void tap_imap_place(struct tap_flow *f, struct tap_message *m, bool appended, struct span mailbox,
                    uint32_t uidvalidity, uint32_t uid, uint32_t number)
{
    struct record *r = m->tx ? m->tx->record : NULL;

    if (!r)
        return;
    r->message.imap = (struct record_imap){
        .direction = appended ? RECORD_APPENDED : RECORD_FETCHED,
        .user = record_put(r, tap_flow_text(&f->name), IMAP_OBSERVER_NAME),
        .mailbox = record_put(r, mailbox, IMAP_OBSERVER_NAME),
        .uidvalidity = uidvalidity,
        .uid = uid,
        .number = number,
    };
}

/* ---- messages that are appended ---- */

static struct tap_message *last_of(struct tap_imap *i)
{
    return &i->appended[i->appended_count - 1];
}

/* The first `count` are told and go. */
static void drop_first(struct tap *t, struct tap_flow *f, uint8_t count)
{
    struct tap_imap *i = f->imap;

    for (uint8_t n = 0; n < count; n++)
        tap_message_drop(t, f, &i->appended[n]);
    i->appended_count -= count;
    memmove(i->appended, i->appended + count, i->appended_count * sizeof(i->appended[0]));
    memmove(i->command, i->command + count, i->appended_count * sizeof(i->command[0]));
    memset(i->appended + i->appended_count, 0, count * sizeof(i->appended[0]));
}

static void append_begin(struct tap *t, struct tap_flow *f, const struct imap_observed *e)
{
    struct tap_imap *i = f->imap;
    struct tap_message *m;

    if (i->appended_count == TAP_IMAP_APPENDS)
        drop_first(t, f, 1);
    i->command[i->appended_count++] = e->command;
    i->appending = true;
    m = last_of(i);
    *m = (struct tap_message){0};
    tap_message_begin(t, f, m);
    tap_imap_place(f, m, true, e->text, 0, 0, 0);
}

static void append_end(struct tap *t, struct tap_flow *f)
{
    struct tap_imap *i = f->imap;

    if (!i->appending)
        return;
    i->appending = false;
    t->imap.appended++;
    tap_message_end(t, last_of(i));
}

/* Bytes are missing behind which it cannot be gone on with. */
static void append_cut(struct tap *t, struct tap_flow *f)
{
    struct tap_imap *i = f->imap;

    if (!i->appending)
        return;
    i->appending = false;
    tap_message_drop(t, f, last_of(i));
    i->appended_count--;
}

static void answer_one(struct tap *t, struct tap_flow *f, struct tap_message *m,
                       const struct imap_observed *e, uint32_t uid)
{
    if (m->tx) {
        m->tx->record->message.imap.uidvalidity = e->uidvalidity;
        m->tx->record->message.imap.uid = uid;
    }
    tap_message_verdict(t, f, m, 0, e->text);
}

/* All messages of the command, whose UIDs are told in their order. */
static void append_answered(struct tap *t, struct tap_flow *f, const struct imap_observed *e)
{
    struct tap_imap *i = f->imap;
    uint8_t kept = 0;
    uint32_t of_it = 0, uids = e->uid ? e->number - e->uid + 1 : 0, n = 0;

    for (uint8_t k = 0; k < i->appended_count; k++)
        of_it += i->command[k] == e->command;
    for (uint8_t k = 0; k < i->appended_count; k++) {
        struct tap_message m = i->appended[k];

        if (i->command[k] == e->command && !(i->appending && k == i->appended_count - 1)) {
            answer_one(t, f, &m, e, uids == of_it ? e->uid + n++ : 0);
            continue;
        }
        i->command[kept] = i->command[k];
        i->appended[kept++] = m;
    }
    i->appended_count = kept;
}

/* ---- what is said ---- */

static void on_selected(struct tap *t, struct tap_flow *f, const struct imap_observed *e)
{
    struct tap_imap *i = f->imap;

    tap_imap_fetched_close(t, f);
    tap_imap_forget(i, false);
    i->uidvalidity = e->uidvalidity;
    i->mailbox_len = (uint8_t)e->text.len;
    if (e->text.len)
        memcpy(i->mailbox, e->text.data, e->text.len);
}

static void on_renumbered(struct tap *t, struct tap_flow *f)
{
    struct tap_imap *i = f->imap;

    tap_imap_forget(i, true);
    if (i->fetched.open && !i->fetched.uid)
        tap_imap_fetched_close(t, f);
}

static void on_fault(struct tap *t, struct tap_flow *f, enum imap_observed_fault fault)
{
    struct tap_imap *i = f->imap;

    t->imap.faults[fault]++;
    if (i->faults >> fault & 1)
        return;
    i->faults |= 1u << fault;
    tap_flow_anomaly(t, f, imap_observed_fault_name(fault), imap_observed_fault_what(fault), NULL);
}

static void on_octets(struct tap *t, struct tap_flow *f, const struct imap_observed *e)
{
    struct tap_imap *i = f->imap;

    if (e->kind == IMAP_OBSERVED_BEGIN && e->appended)
        append_begin(t, f, e);
    else if (e->kind == IMAP_OBSERVED_BEGIN)
        tap_imap_piece_begin(t, f, e);
    else if (e->kind == IMAP_OBSERVED_END && e->appended)
        append_end(t, f);
    else if (e->kind == IMAP_OBSERVED_END)
        tap_imap_piece_end(t, f);
    else if (!e->appended)
        tap_imap_piece_text(t, f, e->text);
    else if (i->appending)
        tap_message_bytes(t, last_of(i), e->text);
}

/* Inflaters for both directions. */
static void on_compress(struct tap *t, struct tap_flow *f)
{
    struct tap_imap *i = f->imap;

    /* Twice is an error (RFC 4978 section 3), whatever the server says. */
    if (i->compressed)
        return;
    t->imap.compressed++;
    i->compressed = true;
    for (int d = 0; d < TCP_DIRECTIONS; d++) {
        struct chunk *c = i->inflate[d] = chunk_take(t->pool, CHUNK_LARGE);
        struct imap_inflate *z;

        _Static_assert(sizeof(*z) + 32 + IMAP_INFLATE_MEMORY <= CHUNK_LARGE_DATA,
                       "it fits a chunk");
        z = c ? (struct imap_inflate *)(((uintptr_t)c->data + 15) & ~(uintptr_t)15) : NULL;
        if (!z || !imap_inflate_init(z, (uint8_t *)z + ((sizeof(*z) + 15) & ~(size_t)15),
                                     span_of(NULL, 0))) {
            t->imap.memory++;
            tap_flow_become(t, f, TAP_BLIND);
            return;
        }
    }
}

static void on_event(struct tap *t, struct tap_flow *f, const struct imap_observed *e)
{
    switch (e->kind) {
    case IMAP_OBSERVED_GREETING:
        tap_flow_note(&f->greeting, e->text);
        __attribute__((fallthrough));
    case IMAP_OBSERVED_ANSWER:
        tap_flow_line_said(t, f, TAP_EVENT_REPLY, e->name, e->text, (uint32_t)e->text.len);
        break;
    case IMAP_OBSERVED_COMMAND:
        tap_flow_line_said(t, f, TAP_EVENT_COMMAND, e->name, e->text, e->secret);
        break;
    case IMAP_OBSERVED_LOGIN:
        tap_flow_user(t, f, e->name, e->text, e->good);
        break;
    case IMAP_OBSERVED_SELECTED:
        on_selected(t, f, e);
        break;
    case IMAP_OBSERVED_RENUMBERED:
        on_renumbered(t, f);
        break;
    case IMAP_OBSERVED_BEGIN:
    case IMAP_OBSERVED_TEXT:
    case IMAP_OBSERVED_END:
        on_octets(t, f, e);
        break;
    case IMAP_OBSERVED_FETCHED:
        tap_imap_fetched(t, f, e);
        break;
    case IMAP_OBSERVED_APPENDED:
        append_answered(t, f, e);
        break;
    case IMAP_OBSERVED_STARTTLS:
        f->started_tls = true;
        tap_flow_become(t, f, TAP_TLS);
        break;
    case IMAP_OBSERVED_COMPRESS:
        on_compress(t, f);
        break;
    case IMAP_OBSERVED_FAULT:
        on_fault(t, f, (enum imap_observed_fault)e->fault);
        break;
    default:
        break;
    }
}

/* ---- bytes ---- */

/* Up to where the rest is compressed. False: it is not read on. */
static bool read_plain(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span *bytes)
{
    bool client = d == TCP_TO_SERVER, compressed = f->imap->compressed;
    struct imap_observed e;

    for (;;) {
        imap_observer_feed(&f->imap->observer, client, bytes, &e);
        if (e.kind == IMAP_OBSERVED_MORE)
            return true;
        if (e.kind == IMAP_OBSERVED_BUFFER) {
            uint8_t *buffer = tap_flow_line(t, f, d);

            if (!buffer) {
                t->imap.memory++;
                tap_flow_become(t, f, TAP_BLIND);
                return false;
            }
            imap_observer_attach(&f->imap->observer, client, buffer);
            continue;
        }
        on_event(t, f, &e);
        if (f->stage != TAP_IMAP)
            return false;
        if (f->imap->compressed != compressed)
            return true;
    }
}

static void give_up(struct tap *t, struct tap_flow *f, uint64_t *counter, const char *name,
                    const char *what, enum tcp_direction d)
{
    ++*counter;
    tap_flow_anomaly(t, f, name, what, d == TCP_TO_SERVER ? "client" : "server");
    tap_flow_become(t, f, TAP_BLIND);
}

static void read_packed(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    struct tap_imap *i = f->imap;
    struct imap_inflate *z =
        (struct imap_inflate *)(((uintptr_t)i->inflate[d]->data + 15) & ~(uintptr_t)15);
    enum imap_inflate_status status;
    uint8_t memory[INFLATED];

    i->packed[d] += bytes.len;
    do {
        struct writer w = writer_of(memory, sizeof(memory));
        struct span plain;

        status = imap_inflate_feed(z, &bytes, &w);
        i->unpacked[d] += w.len;
        if (i->unpacked[d] > BOMB_FREE + BOMB_TIMES * i->packed[d]) {
            give_up(t, f, &t->imap.compress_bomb, "compress_bomb",
                    "too much comes out of what was compressed", d);
            return;
        }
        plain = writer_span(&w);
        if (!read_plain(t, f, d, &plain))
            return;
    } while (status == IMAP_INFLATE_ROOM);
    if (status == IMAP_INFLATE_BAD)
        give_up(t, f, &t->imap.compress_bad, "compress_bad",
                "what should be compressed is no deflate stream", d);
}

void tap_imap_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    if (!f->imap->compressed && !read_plain(t, f, d, &bytes))
        return;
    if (f->imap->compressed && bytes.len)
        read_packed(t, f, d, bytes);
}

void tap_imap_gap(struct tap *t, struct tap_flow *f, enum tcp_direction d, uint64_t len)
{
    struct tap_imap *i = f->imap;
    bool client = d == TCP_TO_SERVER, goes_on;

    if (i->compressed) {
        give_up(t, f, &t->imap.compress_gap, "compress_gap",
                "bytes are missing of what is compressed", d);
        return;
    }
    goes_on = imap_observer_gap(&i->observer, client, len);
    if (!client && goes_on)
        tap_imap_piece_gap(t, f, len);
    else if (!client)
        tap_imap_fetched_close(t, f);
    else if (!goes_on)
        append_cut(t, f);
    else if (i->appending)
        last_of(i)->whole = false;
}

void tap_imap_end(struct tap *t, struct tap_flow *f)
{
    struct tap_imap *i = f->imap;

    tap_imap_fetched_close(t, f);
    drop_first(t, f, i->appended_count);
    for (int d = 0; d < TCP_DIRECTIONS; d++)
        chunk_give(t->pool, i->inflate[d]);
    give(t, i);
    f->imap = NULL;
}
