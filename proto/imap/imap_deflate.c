/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_deflate.h"

enum {
    WINDOW_BITS = -15, /* raw, and all that a client may refer back to */
    OWN_BITS = -13,    /* a window of ours of 8 KiB */
    OWN_MEMORY = 5,    /* with this all of it lies in a large chunk */
    LEVEL = 3,
    ALIGN = 16,
    BETWEEN = 128, /* z_stream.data_type: between two blocks, and no bit of an octet is left */
};

static void *give(void *opaque, unsigned items, unsigned size)
{
    struct imap_zmemory *m = opaque;
    size_t n = ((size_t)items * size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    void *memory = m->at;

    if (n > m->left)
        return Z_NULL;
    m->at += n;
    m->left -= n;
    return memory;
}

/* All of it at once, by whoever lent it. */
static void take_back(void *opaque, void *memory)
{
    (void)opaque;
    (void)memory;
}

static void set_up(z_stream *z, struct imap_zmemory *m, void *memory, size_t size)
{
    *m = (struct imap_zmemory){.at = memory, .left = size};
    memset(z, 0, sizeof(*z));
    z->zalloc = give;
    z->zfree = take_back;
    z->opaque = m;
}

static void set_buffers(z_stream *z, const struct span *in, struct writer *out)
{
    size_t room = writer_room(out);

    z->next_in = (uint8_t *)(uintptr_t)in->data;
    z->avail_in = in->len < UINT32_MAX ? (uint32_t)in->len : UINT32_MAX;
    z->next_out = out->data + out->len;
    z->avail_out = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
}

static void take_buffers(const z_stream *z, struct span *in, struct writer *out)
{
    *in = span_skip(*in, (size_t)(z->next_in - in->data));
    out->len = (size_t)(z->next_out - out->data);
}

bool imap_inflate_init(struct imap_inflate *i, void *memory, struct span history)
{
    static const uint8_t nothing[1];

    set_up(&i->z, &i->memory, memory, IMAP_INFLATE_MEMORY);
    if (inflateInit2(&i->z, WINDOW_BITS) != Z_OK)
        return false;
    /* Its window is taken now, so that it cannot be missing later. */
    return inflateSetDictionary(&i->z, history.len ? history.data : nothing,
                                (unsigned)history.len) == Z_OK;
}

enum imap_inflate_status imap_inflate_feed(struct imap_inflate *i, struct span *in,
                                           struct writer *out)
{
    int status;

    if (writer_room(out) == 0)
        return IMAP_INFLATE_ROOM;
    if (in->len == 0)
        in->data = (const uint8_t *)"";
    set_buffers(&i->z, in, out);
    status = inflate(&i->z, Z_SYNC_FLUSH);
    take_buffers(&i->z, in, out);
    if (status != Z_OK && status != Z_BUF_ERROR)
        return IMAP_INFLATE_BAD;
    return i->z.avail_out == 0 ? IMAP_INFLATE_ROOM : IMAP_INFLATE_MORE;
}

bool imap_inflate_rests(struct imap_inflate *i, struct writer *history)
{
    unsigned len = 0;

    if (i->z.data_type != BETWEEN || writer_room(history) < IMAP_INFLATE_HISTORY ||
        inflateGetDictionary(&i->z, history->data + history->len, &len) != Z_OK)
        return false;
    history->len += len;
    return true;
}

bool imap_deflate_init(struct imap_deflate *d, void *memory)
{
    set_up(&d->z, &d->memory, memory, IMAP_DEFLATE_MEMORY);
    return deflateInit2(&d->z, LEVEL, Z_DEFLATED, OWN_BITS, OWN_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
}

bool imap_deflate_feed(struct imap_deflate *d, struct span *in, bool flush, struct writer *out)
{
    if (in->len == 0)
        in->data = (const uint8_t *)"";
    set_buffers(&d->z, in, out);
    (void)deflate(&d->z, flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    take_buffers(&d->z, in, out);
    return in->len == 0 && d->z.avail_out > 0;
}
