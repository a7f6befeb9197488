/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/sendq.h"

#include "dataplane/tcp/chunk_fit.h"

/*
 * Views lie packed in chunks, whose data[] is not aligned, so they are read and written with
 * memcpy.
 *
 * A pin must always find a place on the released list, whatever the pool has left. So each pin that
 * enters the queue reserves its slot there: in a chunk of the list `len` counts the bytes of pins
 * that wait to be taken, `start` the bytes reserved for pins that are still in the queue.
 */
enum { VIEW = sizeof(struct sendq_view), PIN = sizeof(void *) };

static struct sendq_view view_read(const struct chunk *c, uint32_t at)
{
    struct sendq_view v;

    memcpy(&v, c->data + at, VIEW);
    return v;
}

static void view_write(struct chunk *c, uint32_t at, const struct sendq_view *v)
{
    memcpy(c->data + at, v, VIEW);
}

void sendq_init(struct sendq *q)
{
    memset(q, 0, sizeof(*q));
}

static uint32_t view_slots(const struct chunk *c)
{
    return c ? chunk_room(c) / VIEW : 0;
}

/*
 * Makes sure that `n` views can be appended: *spare_out is a chunk for those that do not fit into
 * the last one, or NULL. False when a pool is used up.
 */
static bool view_reserve(struct sendq *q, struct chunk_pool *pool, uint32_t n,
                         struct chunk **spare_out)
{
    uint32_t slots = view_slots(q->views_last);

    *spare_out = NULL;
    if (n <= slots)
        return true;
    *spare_out =
        chunk_fit_reserved(pool, chunk_class_for(n * VIEW, q->views ? CHUNK_MEDIUM : CHUNK_SMALL));
    if (n <= slots + view_slots(*spare_out))
        return true;
    if (*spare_out)
        chunk_give(pool, *spare_out);
    return false;
}

static void view_append(struct sendq *q, struct chunk *spare, const struct sendq_view *v)
{
    if (!view_slots(q->views_last)) {
        if (q->views_last)
            q->views_last->next = spare;
        else
            q->views = spare;
        q->views_last = spare;
    }
    view_write(q->views_last, q->views_last->len, v);
    q->views_last->len += VIEW;
    q->bytes += v->len;
}

static struct chunk *pin_reserve(struct sendq *q, struct chunk_pool *pool)
{
    struct chunk *c = q->released;

    if (!c || c->cap - c->len - c->start < PIN) {
        c = chunk_fit_reserved(pool, CHUNK_SMALL);
        if (!c)
            return NULL;
        c->next = q->released;
        q->released = c;
    }
    c->start += PIN;
    return c;
}

/* Turns one reservation into a pin that waits. */
static void pin_release(struct sendq *q, void *pin)
{
    struct chunk *c = q->released;

    while (c->start == 0)
        c = c->next;
    c->start -= PIN;
    memcpy(c->data + c->len, &pin, PIN);
    c->len += PIN;
    q->pins_released++;
}

/* Frees the chunks of the released list that nothing needs. */
static void pin_trim(struct sendq *q, struct chunk_pool *pool)
{
    struct chunk **link = &q->released;

    while (*link) {
        struct chunk *c = *link;

        if (c->len || c->start) {
            link = &c->next;
            continue;
        }
        *link = c->next;
        c->next = NULL;
        chunk_give(pool, c);
    }
}

void *sendq_released(struct sendq *q, struct chunk_pool *pool)
{
    struct chunk *c = q->released;
    void *pin;

    if (!q->pins_released)
        return NULL;
    while (c->len == 0)
        c = c->next;
    c->len -= PIN;
    memcpy(&pin, c->data + c->len, PIN);
    q->pins_released--;
    pin_trim(q, pool);
    return pin;
}

/* The view's bytes are gone: what it owned goes back. */
static void view_end(struct sendq *q, struct chunk_pool *pool, const struct sendq_view *v)
{
    if (v->kind == SENDQ_PIN)
        pin_release(q, v->owner);
    if (v->kind != SENDQ_CHUNK)
        return;
    if (q->tail == v->owner)
        q->tail = NULL;
    chunk_give(pool, v->owner);
}

/* Takes chunks for `len` bytes of text as a list, or none at all; *count_out says how many. */
static struct chunk *text_room(struct sendq *q, struct chunk_pool *pool, size_t len,
                               uint32_t *count_out)
{
    struct chunk *first = NULL, **link = &first;

    *count_out = 0;
    while (len) {
        struct chunk *c =
            chunk_fit_reserved(pool, chunk_class_for(len, q->tail ? CHUNK_MEDIUM : CHUNK_SMALL));

        if (!c) {
            if (first)
                chunk_give(pool, first);
            return NULL;
        }
        *link = c;
        link = &c->next;
        len -= len < c->cap ? len : c->cap;
        ++*count_out;
    }
    return first;
}

/* Puts as much text as fits behind that of the last view. */
static struct span text_extend(struct sendq *q, struct span text)
{
    uint32_t at = q->views_last->len - VIEW;
    struct span head = span_head(text, chunk_room(q->tail));
    struct sendq_view v = view_read(q->views_last, at);

    memcpy(q->tail->data + q->tail->len, head.data, head.len);
    q->tail->len += (uint32_t)head.len;
    v.len += (uint32_t)head.len;
    view_write(q->views_last, at, &v);
    q->bytes += (uint32_t)head.len;
    return span_skip(text, head.len);
}

/* Everything that can fail is taken first, so that nothing has to be undone. */
bool sendq_copy(struct sendq *q, struct chunk_pool *pool, struct span text)
{
    size_t fits = q->tail ? chunk_room(q->tail) : 0;
    struct chunk *room = NULL, *spare = NULL;
    uint32_t count = 0;

    if (!text.len)
        return true;
    if (text.len > UINT32_MAX / 2 - q->bytes)
        return false;
    if (text.len > fits) {
        room = text_room(q, pool, text.len - fits, &count);
        if (!room)
            return false;
        if (!view_reserve(q, pool, count, &spare)) {
            chunk_give(pool, room);
            return false;
        }
    }
    if (q->tail)
        text = text_extend(q, text);
    while (room) {
        struct chunk *c = room;
        struct span part = span_head(text, c->cap);
        struct sendq_view v = {c->data, (uint32_t)part.len, SENDQ_CHUNK, c};

        room = c->next;
        c->next = NULL;
        memcpy(c->data, part.data, part.len);
        c->len = (uint32_t)part.len;
        view_append(q, spare, &v);
        q->tail = c;
        text = span_skip(text, part.len);
    }
    return true;
}

bool sendq_view(struct sendq *q, struct chunk_pool *pool, struct span bytes, enum sendq_kind kind,
                void *owner)
{
    struct sendq_view v = {bytes.data, (uint32_t)bytes.len, kind, owner};
    struct chunk *spare;

    if (bytes.len > UINT32_MAX / 2 - q->bytes || !view_reserve(q, pool, 1, &spare))
        return false;
    if (kind == SENDQ_PIN && !pin_reserve(q, pool)) {
        if (spare)
            chunk_give(pool, spare);
        return false;
    }
    view_append(q, spare, &v);
    q->tail = NULL;
    /* An empty view would never be acknowledged where nothing follows it. */
    if (!bytes.len)
        sendq_acknowledge(q, pool, 0);
    return true;
}

/* Drops the first view, and its chunk when it was the last one in there. */
static void view_pop(struct sendq *q, struct chunk_pool *pool)
{
    struct chunk *c = q->views;

    c->start += VIEW;
    if (c->start < c->len)
        return;
    q->views = c->next;
    if (!q->views)
        q->views_last = NULL;
    c->next = NULL;
    chunk_give(pool, c);
}

void sendq_acknowledge(struct sendq *q, struct chunk_pool *pool, uint32_t n)
{
    q->bytes -= n;
    while (q->views) {
        struct sendq_view v = view_read(q->views, q->views->start);

        if (n < v.len) {
            v.data += n;
            v.len -= n;
            view_write(q->views, q->views->start, &v);
            return;
        }
        n -= v.len;
        view_end(q, pool, &v);
        view_pop(q, pool);
    }
}

void sendq_fini(struct sendq *q, struct chunk_pool *pool)
{
    sendq_acknowledge(q, pool, q->bytes);
    pin_trim(q, pool);
}

struct span sendq_at(const struct sendq *q, uint32_t offset, uint32_t len)
{
    for (const struct chunk *c = q->views; c; c = c->next)
        for (uint32_t at = c->start; at < c->len; at += VIEW) {
            struct sendq_view v = view_read(c, at);

            if (offset < v.len)
                return span_head(span_of(v.data + offset, v.len - offset), len);
            offset -= v.len;
        }
    return span_of(NULL, 0);
}
