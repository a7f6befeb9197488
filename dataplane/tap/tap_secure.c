/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap/tap_secure.h"

#include "dataplane/tap/tap_flow.h"
#include "dataplane/tap/tap_pieces.h"

/* Both sides' messages share a large chunk; the server's with its certificates has more of it. */
enum { CLIENT_ROOM = 16 * 1024, PIECE_MAX = 16 * 1024 };

static const size_t class_room[CHUNK_CLASSES] = {512 - CHUNK_HEADER, 4096 - CHUNK_HEADER,
                                                 65536 - CHUNK_HEADER};

_Static_assert(sizeof(struct tap_secure) <= 512 - CHUNK_HEADER, "a small chunk");

const char *tap_unread_name(enum tap_unread reason)
{
    static const char *const names[TAP_UNREADS] = {
#define TAP_UNREAD(name, text, what) text,
#include "dataplane/tap/tap_unread.def"
#undef TAP_UNREAD
    };

    return names[reason];
}

static const char *unread_what(enum tap_unread reason)
{
    static const char *const whats[TAP_UNREADS] = {
#define TAP_UNREAD(name, text, what) what,
#include "dataplane/tap/tap_unread.def"
#undef TAP_UNREAD
    };

    return whats[reason];
}

/* ---- memory ---- */

static struct chunk *chunk_of(const struct tap_secure *s)
{
    return (struct chunk *)(void *)((uint8_t *)(uintptr_t)s - offsetof(struct chunk, data));
}

struct tap_hello *tap_secure_hello(const struct tap_flow *f)
{
    return f->tls->hello ? (struct tap_hello *)(void *)f->tls->hello->data : NULL;
}

void tap_secure_begin(struct tap *t, struct tap_flow *f, uint8_t inside)
{
    const size_t head = (sizeof(struct tap_hello) + 7) & ~(size_t)7;
    struct chunk *c, *hello;

    /* TLS within TLS is not read. */
    if (f->tls) {
        f->stage = TAP_BLIND;
        return;
    }
    c = chunk_take(t->pool, CHUNK_SMALL);
    hello = c ? chunk_take(t->pool, CHUNK_LARGE) : NULL;
    if (!hello) {
        chunk_give(t->pool, c);
        t->tls_unread[TAP_UNREAD_MEMORY]++;
        f->stage = TAP_BLIND;
        return;
    }
    f->tls = (struct tap_secure *)(void *)c->data;
    *f->tls = (struct tap_secure){.hello = hello, .inside = inside};
    *tap_secure_hello(f) = (struct tap_hello){.client_seen = false};
    tls_messages_init(&f->tls->messages[TCP_TO_SERVER], hello->data + head, CLIENT_ROOM);
    tls_messages_init(&f->tls->messages[TCP_TO_CLIENT], hello->data + head + CLIENT_ROOM,
                      (uint32_t)(hello->cap - head - CLIENT_ROOM));
}

static void give(struct tap *t, struct chunk **c)
{
    chunk_give(t->pool, *c);
    *c = NULL;
}

static void wipe(struct tap *t, struct tap_flow *f)
{
    struct tap_secure *s = f->tls;

    f->tls = NULL;
    give(t, &s->hello);
    give(t, &s->part[0]);
    give(t, &s->part[1]);
    give(t, &s->waiting);
    explicit_bzero(s, sizeof(*s));
    chunk_give(t->pool, chunk_of(s));
}

void tap_secure_unread(struct tap *t, struct tap_flow *f, enum tap_unread reason)
{
    bool told = f->tls->told;

    t->tls_unread[reason]++;
    tap_handshake_tell(t, f, reason);
    if (told) {
        char name[32];
        struct writer w = writer_of(name, sizeof(name) - 1);

        writer_printf(&w, "tls_%s", tap_unread_name(reason));
        name[w.len] = 0;
        tap_flow_anomaly(t, f, name, unread_what(reason), NULL);
    }
    wipe(t, f);
    tap_flow_become(t, f, TAP_BLIND);
}

/* Told, and both messages' memory is needed no more: what comes behind has a few bytes. */
static void give_hello(struct tap *t, struct tap_flow *f)
{
    struct tap_secure *s = f->tls;

    if (!s->hello || s->epoch[0] != TAP_TRAFFIC || s->epoch[1] != TAP_TRAFFIC || s->wants)
        return;
    tap_handshake_tell(t, f, TAP_UNREADS);
    if (!tls_messages_idle(&s->messages[0]) || !tls_messages_idle(&s->messages[1]))
        return;
    for (int d = 0; d < TCP_DIRECTIONS; d++)
        tls_messages_init(&s->messages[d], s->few[d], sizeof(s->few[d]));
    give(t, &s->hello);
}

/* ---- what was in a record ---- */

static void on_alert(struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    struct tap_hello *h = tap_secure_hello(f);

    if (!h)
        return;
    for (size_t i = 0; i < bytes.len && h->alert_len[d] < 2; i++)
        h->alert[d][h->alert_len[d]++] = bytes.data[i];
    /* close_notify ends every connection. */
    h->alerted[d] = h->alert_len[d] == 2 && h->alert[d][1] != 0;
}

static void on_data(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span plain)
{
    uint64_t offset = f->tls->plain[d];

    f->tls->plain[d] += plain.len;
    if (plain.len)
        tap_flow_plain(t, f, d, plain, offset);
    /* Nobody wants to know what else is in it. */
    if (f->stage == TAP_BLIND) {
        tap_handshake_tell(t, f, TAP_UNREADS);
        wipe(t, f);
    }
}

static void on_opened(struct tap *t, struct tap_flow *f, enum tcp_direction d,
                      const struct tls_watched *w)
{
    struct tap_secure *s = f->tls;

    tls_watch_taken(&s->watch, d);
    t->tls_records++;
    if (w->type == TLS_HANDSHAKE) {
        tap_handshake_bytes(t, f, d, w->plain);
    } else if (w->type == TLS_ALERT) {
        on_alert(f, d, w->plain);
    } else if (w->type == TLS_CHANGE_CIPHER_SPEC && s->watch.version == TLS_VERSION_1_2) {
        tap_secure_unread(t, f, TAP_UNREAD_RENEGOTIATED);
    } else if (w->type == TLS_APPLICATION_DATA && s->epoch[d] == TAP_TRAFFIC) {
        s->tries[d] = 0;
        on_data(t, f, d, w->plain);
    } else {
        tap_secure_unread(t, f, TAP_UNREAD_MISFORMED);
    }
}

static void open_record(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span record)
{
    struct tap_secure *s = f->tls;
    struct tls_watched w = {.room = t->tls_room};

    switch (tls_watch_open(&s->watch, t->crypto, d, record, &w)) {
    case TLS_OPENED:
        on_opened(t, f, d, &w);
        break;
    case TLS_FORGED:
        if (s->tries[d])
            s->tries[d]--;
        else
            tap_secure_unread(t, f, TAP_UNREAD_FORGED);
        break;
    case TLS_TOO_LONG:
    case TLS_MISFORMED:
        tap_secure_unread(t, f, TAP_UNREAD_MISFORMED);
        break;
    }
}

/* ---- records ---- */

static enum chunk_class class_for(size_t len)
{
    int which = CHUNK_SMALL;

    while (class_room[which] < len)
        which++;
    return (enum chunk_class)which;
}

/* Behind a hole in it: its number is counted, and what was in it is missing. */
static void lose_record(struct tap *t, struct tap_flow *f, enum tcp_direction d, size_t len)
{
    struct tap_secure *s = f->tls;
    size_t plain = tls_watch_plain(&s->watch, len);

    s->damaged &= (uint8_t) ~(1u << d);
    if (s->epoch[d] != TAP_TRAFFIC) {
        tap_secure_unread(t, f, TAP_UNREAD_GAP);
        return;
    }
    tls_watch_taken(&s->watch, d);
    s->plain[d] += plain;
    tap_flow_hole(t, f, d, plain);
}

/* False: there is no memory for it. */
static bool collect(struct tap *t, struct tap_secure *s, enum tcp_direction d,
                    const struct tls_part *p)
{
    struct chunk *c = s->part[d];

    if (p->first) {
        c = s->part[d] = chunk_take(t->pool, class_for((size_t)TLS_FRAME_HEADER + p->len));
        if (!c)
            return false;
        memcpy(c->data, p->header, TLS_FRAME_HEADER);
        c->len = TLS_FRAME_HEADER;
    }
    if (p->bytes.len)
        memcpy(c->data + c->len, p->bytes.data, p->bytes.len);
    c->len += (uint32_t)p->bytes.len;
    return true;
}

static void on_sealed(struct tap *t, struct tap_flow *f, enum tcp_direction d,
                      const struct tls_part *p)
{
    struct tap_secure *s = f->tls;

    if (s->damaged & 1u << d) {
        if (p->last)
            lose_record(t, f, d, p->len);
    } else if (p->record.len) {
        open_record(t, f, d, p->record);
    } else if (!collect(t, s, d, p)) {
        tap_secure_unread(t, f, TAP_UNREAD_MEMORY);
    } else if (p->last) {
        struct chunk *c = s->part[d];

        s->part[d] = NULL;
        open_record(t, f, d, span_of(c->data, c->len));
        chunk_give(t->pool, c);
    }
}

static void on_clear(struct tap *t, struct tap_flow *f, enum tcp_direction d,
                     const struct tls_part *p)
{
    const struct tap_hello *h = tap_secure_hello(f);

    switch (p->type) {
    case TLS_FRAME_HANDSHAKE:
        tap_handshake_bytes(t, f, d, p->bytes);
        break;
    case TLS_FRAME_CHANGE_CIPHER_SPEC:
        if (p->last)
            tap_handshake_change(t, f, d);
        break;
    case TLS_FRAME_ALERT:
        on_alert(f, d, p->bytes);
        break;
    default:
        /* Early data comes before the server's hello (RFC 8446 section 4.2.10): passed over. */
        if (!(d == TCP_TO_SERVER && h && h->client_seen && h->client.early_data))
            tap_secure_unread(t, f,
                              h && h->client_seen && h->server_seen ? TAP_UNREAD_MISFORMED
                                                                    : TAP_UNREAD_NO_HELLO);
    }
}

/* Is it sealed? TLS 1.3 seals as application data alone; a ChangeCipherSpec means nothing there
 * (RFC 8446 section 5). */
static void on_part(struct tap *t, struct tap_flow *f, enum tcp_direction d,
                    const struct tls_part *p)
{
    struct tap_secure *s = f->tls;

    if (s->epoch[d] == TAP_CLEAR)
        on_clear(t, f, d, p);
    else if (s->watch.version == TLS_VERSION_1_2 || p->type == TLS_FRAME_DATA)
        on_sealed(t, f, d, p);
    else if (p->type != TLS_FRAME_CHANGE_CIPHER_SPEC)
        tap_secure_unread(t, f, TAP_UNREAD_MISFORMED);
    if (f->tls && p->last)
        give_hello(t, f);
}

/* ---- bytes ---- */

/* Room for a piece, in one chunk more where the last is full. */
static struct chunk *waiting_room(struct tap *t, struct tap_secure *s, size_t len)
{
    struct chunk *c = s->waiting_last;

    if (c && chunk_room(c) >= len + TAP_PIECE_HEAD)
        return c;
    c = s->waiting_count < TAP_WAITING ? chunk_take(t->pool, CHUNK_LARGE) : NULL;
    if (!c)
        return NULL;
    if (s->waiting_last)
        s->waiting_last->next = c;
    else
        s->waiting = c;
    s->waiting_last = c;
    s->waiting_count++;
    return c;
}

/* Kept until the key log has what is wanted. False: there is no room for more. */
static bool wait_with(struct tap *t, struct tap_secure *s, enum tcp_direction d, struct span bytes)
{
    while (bytes.len) {
        struct span piece = span_head(bytes, PIECE_MAX);
        struct chunk *c = waiting_room(t, s, piece.len);

        if (!c || !tap_piece_put(c, (uint8_t)d, piece))
            return false;
        bytes = span_skip(bytes, piece.len);
    }
    return true;
}

static void read_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    struct tls_part p;

    while (f->tls) {
        if (f->tls->wants) {
            if (!wait_with(t, f->tls, d, bytes))
                tap_secure_unread(t, f, TAP_UNREAD_NO_SECRET);
            return;
        }
        switch (tls_frames_next(&f->tls->frames[d], &bytes, &p)) {
        case TLS_FRAMES_MORE:
            return;
        case TLS_FRAMES_PART:
            on_part(t, f, d, &p);
            break;
        case TLS_FRAMES_BAD:
            tap_secure_unread(t, f, TAP_UNREAD_MISFORMED);
            return;
        }
    }
}

/* What waited is read, as far as secrets allow; the rest waits on. */
static void read_waiting(struct tap *t, struct tap_flow *f)
{
    struct chunk *list = f->tls->waiting;

    tap_handshake_look(t, f);
    if (f->tls->wants || !list)
        return;
    f->tls->waiting = f->tls->waiting_last = NULL;
    f->tls->waiting_count = 0;
    for (struct chunk *c = list; c && f->tls; c = c->next) {
        struct span all = span_of(c->data, c->len), bytes;
        uint8_t d;

        while (f->tls && tap_piece_next(&all, &d, &bytes))
            read_bytes(t, f, (enum tcp_direction)d, bytes);
    }
    chunk_give(t->pool, list);
}

void tap_secure_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    if (f->tls->wants)
        read_waiting(t, f);
    read_bytes(t, f, d, bytes);
}

void tap_secure_gap(struct tap *t, struct tap_flow *f, enum tcp_direction d, uint64_t len)
{
    struct tap_secure *s = f->tls;
    const uint8_t *header = s->frames[d].header;
    size_t body = (size_t)header[3] << 8 | header[4];
    bool known = s->epoch[d] != TAP_CLEAR && !s->wants && tls_frames_gap(&s->frames[d], len);

    if (!known) {
        tap_secure_unread(t, f, TAP_UNREAD_GAP);
        return;
    }
    give(t, &s->part[d]);
    s->damaged |= (uint8_t)(1u << d);
    if (!s->frames[d].inside)
        lose_record(t, f, d, body);
}

void tap_secure_end(struct tap *t, struct tap_flow *f)
{
    if (f->tls && f->tls->wants)
        read_waiting(t, f);
    if (!f->tls)
        return;
    if (f->tls->wants)
        tap_secure_unread(t, f, TAP_UNREAD_NO_SECRET);
    else if (!f->tls->told && !f->tls->open)
        tap_secure_unread(t, f, TAP_UNREAD_ENDED);
    else {
        tap_handshake_tell(t, f, TAP_UNREADS);
        wipe(t, f);
    }
}
