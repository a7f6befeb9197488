/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_pack.h"

#include "dataplane/session/session_tls.h"
#include "proto/imap/imap_deflate.h"

enum { WRITTEN = 8192 }; /* what is compressed goes on in pieces of so much */

/* Lies in a small chunk. */
struct session_pack {
    struct chunk *home;
    struct chunk *inflater; /* the memory of `in`; NULL: it rests */
    struct chunk *deflater; /* of `out`; NULL: it rests */
    struct chunk *history;  /* of an inflater that rests, oldest first */
    struct chunk *plain;    /* what was inflated and not consumed yet */
    struct imap_inflate in;
    struct imap_deflate out;
    uint64_t inflated; /* for the command under way */
    uint64_t turn_at;  /* a turn's time, */
    uint32_t turn;     /* and octets inflated in it */
    bool more;         /* there is more to come out of what was taken */
    bool held;
    bool broken;
};

_Static_assert(sizeof(struct session_pack) <= 512 - CHUNK_HEADER, "it lies in a small chunk");
_Static_assert((int)IMAP_INFLATE_MEMORY + 16 <= (int)CHUNK_LARGE_DATA &&
                   (int)IMAP_DEFLATE_MEMORY + 16 <= (int)CHUNK_LARGE_DATA,
               "a state lies in a large chunk");

static struct session_pack *pack_of(const struct sessions *ss, const struct session *s)
{
    return ss->packs[session_index(ss, s)];
}

bool session_pack_new(struct sessions *ss, struct session *s)
{
    struct chunk *home = chunk_take(ss->options.pool, CHUNK_SMALL);
    struct session_pack *p;

    if (!home) {
        ss->counters->chunks_short++;
        return false;
    }
    p = (struct session_pack *)home->data;
    memset(p, 0, sizeof(*p));
    p->home = home;
    ss->packs[session_index(ss, s)] = p;
    return true;
}

void session_pack_begin(struct sessions *ss, struct session *s)
{
    s->packed = session_flush(ss, s);
}

void session_pack_give(struct sessions *ss, struct session *s)
{
    struct session_pack *p = pack_of(ss, s);

    if (!p)
        return;
    ss->packs[session_index(ss, s)] = NULL;
    s->packed = false;
    chunk_give(ss->options.pool, p->inflater);
    chunk_give(ss->options.pool, p->deflater);
    chunk_give(ss->options.pool, p->history);
    chunk_give(ss->options.pool, p->plain);
    chunk_give(ss->options.pool, p->home);
}

/* zlib's memory in a chunk: its data is aligned to 8. */
static void *memory_of(struct chunk *c)
{
    return (void *)(((uintptr_t)c->data + 15) & ~(uintptr_t)15);
}

/* ---- reading ---- */

static struct span peek_below(struct sessions *ss, struct session *s)
{
    return s->tls ? session_tls_peek(ss, s) : tcp_peek(s->conn);
}

static void consume_below(struct sessions *ss, struct session *s, uint32_t n)
{
    if (s->tls) {
        session_tls_consume(ss, s, n);
        return;
    }
    tcp_consume(ss->options.tcp, s->conn, n);
    s->bytes_in += n;
}

static bool unread_below(const struct sessions *ss, const struct session *s)
{
    return s->tls ? session_tls_unread(ss, s) : tcp_unread(s->conn) != 0;
}

/* Goes on where the inflater before rested. */
static bool wake(struct sessions *ss, struct session_pack *p)
{
    uint8_t history[IMAP_INFLATE_HISTORY];
    struct writer w = writer_of(history, sizeof(history));
    struct chunk *memory = chunk_take(ss->options.pool, CHUNK_LARGE);

    if (!memory)
        return false;
    for (const struct chunk *c = p->history; c; c = c->next)
        writer_span_put(&w, chunk_unread(c));
    if (!imap_inflate_init(&p->in, memory_of(memory), writer_span(&w))) {
        chunk_give(ss->options.pool, memory);
        return false;
    }
    chunk_give(ss->options.pool, p->history);
    p->history = NULL;
    p->inflater = memory;
    return true;
}

bool session_pack_ready(struct sessions *ss, struct session *s)
{
    struct session_pack *p = pack_of(ss, s);
    struct chunk_pool *pool = ss->options.pool;

    if (p->broken || (p->plain && p->plain->len > p->plain->start) ||
        (!p->more && !unread_below(ss, s)))
        return true;
    if (p->turn >= SESSION_PACK_TURN) {
        session_stall(ss, s);
        return false;
    }
    if (!p->plain)
        p->plain = chunk_take(pool, CHUNK_MEDIUM);
    if (p->plain && (p->inflater || wake(ss, p)))
        return true;
    ss->counters->chunks_short++;
    session_stall(ss, s);
    return false;
}

/* One run of what has come. False: there is none. */
static bool inflate_run(struct sessions *ss, struct session *s, struct session_pack *p)
{
    struct span all = peek_below(ss, s), in = all;
    struct writer out = writer_of(p->plain->data, p->plain->cap);
    enum imap_inflate_status status;

    if (!s->conn || (all.len == 0 && !p->more))
        return false;
    status = imap_inflate_feed(&p->in, &in, &out);
    p->plain->start = 0;
    p->plain->len = (uint32_t)out.len;
    p->turn += (uint32_t)out.len;
    p->inflated += out.len;
    p->more = status == IMAP_INFLATE_ROOM;
    p->broken = status == IMAP_INFLATE_BAD;
    if (all.len > in.len)
        consume_below(ss, s, (uint32_t)(all.len - in.len));
    return !p->broken;
}

struct span session_pack_peek(struct sessions *ss, struct session *s)
{
    struct session_pack *p = pack_of(ss, s);

    if (!p->plain || !p->inflater)
        return p->plain ? chunk_unread(p->plain) : span_of(NULL, 0);
    while (p->plain->start == p->plain->len && !p->broken && inflate_run(ss, s, p)) {
    }
    return p->broken ? span_of(NULL, 0) : chunk_unread(p->plain);
}

void session_pack_consume(struct sessions *ss, struct session *s, uint32_t n)
{
    struct session_pack *p = pack_of(ss, s);

    p->plain->start += n;
}

bool session_pack_unread(const struct sessions *ss, const struct session *s)
{
    const struct session_pack *p = pack_of(ss, s);

    return !p->broken && (p->more || (p->plain && p->plain->len > p->plain->start) ||
                          unread_below(ss, s));
}

/* ---- writing ---- */

static bool write_below(struct sessions *ss, struct session *s, struct span bytes)
{
    if (bytes.len == 0)
        return true;
    return s->tls ? session_tls_write(ss, s, bytes)
                  : sendq_copy(tcp_sendq(s->conn), ss->options.pool, bytes);
}

static bool begin_writing(struct sessions *ss, struct session_pack *p)
{
    if (p->deflater)
        return true;
    p->deflater = chunk_take_reserved(ss->options.pool, CHUNK_LARGE);
    return p->deflater && imap_deflate_init(&p->out, memory_of(p->deflater));
}

bool session_pack_write(struct sessions *ss, struct session *s, struct span text, bool flush)
{
    struct session_pack *p = pack_of(ss, s);
    uint8_t written[WRITTEN];
    bool all = false;

    if (!begin_writing(ss, p))
        return false;
    while (!all) {
        struct writer out = writer_of(written, sizeof(written));

        all = imap_deflate_feed(&p->out, &text, flush, &out);
        if (!write_below(ss, s, writer_span(&out)))
            return false;
    }
    p->held = !flush;
    return true;
}

bool session_pack_held(const struct sessions *ss, const struct session *s)
{
    return pack_of(ss, s)->held;
}

/* ---- turns ---- */

void session_pack_turn(struct sessions *ss, struct session *s)
{
    struct session_pack *p = pack_of(ss, s);

    /* A session may run several times in a turn. */
    if (p->turn_at != ss->time.now)
        p->turn = 0;
    p->turn_at = ss->time.now;
}

enum session_pack_fault session_pack_fault(const struct sessions *ss, const struct session *s,
                                           uint64_t max)
{
    const struct session_pack *p = pack_of(ss, s);

    return p->broken                                 ? SESSION_PACK_BROKEN
           : p->inflated > max + SESSION_PACK_SLACK ? SESSION_PACK_BOMB
                                                     : SESSION_PACK_SOUND;
}

void session_pack_counted(struct sessions *ss, struct session *s)
{
    pack_of(ss, s)->inflated = 0;
}

/* What the client may refer back to, in as little memory as it takes. */
static bool keep(struct sessions *ss, struct session_pack *p, struct span history)
{
    struct chunk **place = &p->history;

    while (history.len) {
        struct chunk *c = chunk_take(ss->options.pool, CHUNK_SMALL);

        if (c && history.len > c->cap) {
            chunk_give(ss->options.pool, c);
            c = chunk_take(ss->options.pool, CHUNK_MEDIUM);
        }
        if (!c) {
            chunk_give(ss->options.pool, p->history);
            p->history = NULL;
            return false;
        }
        c->len = (uint32_t)(history.len < c->cap ? history.len : c->cap);
        memcpy(c->data, history.data, c->len);
        history = span_skip(history, c->len);
        *place = c;
        place = &c->next;
    }
    return true;
}

static void rest_reading(struct sessions *ss, struct session_pack *p)
{
    uint8_t bytes[IMAP_INFLATE_HISTORY];
    struct writer history = writer_of(bytes, sizeof(bytes));

    if (!p->inflater || !imap_inflate_rests(&p->in, &history) ||
        !keep(ss, p, writer_span(&history)))
        return;
    chunk_give(ss->options.pool, p->inflater);
    p->inflater = NULL;
}

void session_pack_rest(struct sessions *ss, struct session *s)
{
    struct session_pack *p = pack_of(ss, s);

    if (p->held || p->broken || session_pack_unread(ss, s))
        return;
    chunk_give(ss->options.pool, p->deflater);
    chunk_give(ss->options.pool, p->plain);
    p->deflater = p->plain = NULL;
    rest_reading(ss, p);
}
