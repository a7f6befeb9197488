/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_DEFLATE_H
#define PROTO_IMAP_IMAP_DEFLATE_H

#include <zlib.h>

#include "proto/base/writer.h"

/*
 * COMPRESS=DEFLATE (RFC 4978): both directions of a connection as raw deflate streams (RFC 1951).
 * zlib works in memory of the caller's; nothing is allocated.
 *
 * Between two bursts neither side needs its state. What we send ends in an empty stored block, so
 * that a compressor that begins anew goes on with the same stream, and refers to nothing before. A
 * client may refer back to the last 32 KiB that it has sent, whatever we like: of an inflater that
 * rests that much is kept, or as much as has come, and nothing else.
 */
enum {
    IMAP_INFLATE_MEMORY = 44 * 1024, /* a window of 32 KiB, and zlib's own */
    IMAP_DEFLATE_MEMORY = 60 * 1024, /* a window of 8 KiB; found to be enough by imap_deflate_init() */
    IMAP_INFLATE_HISTORY = 32 * 1024,
};

struct imap_zmemory {
    uint8_t *at;
    size_t left;
};

/* ---- what a client sends ---- */

struct imap_inflate {
    z_stream z;
    struct imap_zmemory memory;
};

enum imap_inflate_status {
    IMAP_INFLATE_MORE, /* the input is used up, and nothing more comes out of it */
    IMAP_INFLATE_ROOM, /* `out` is full; there may be more */
    IMAP_INFLATE_BAD,  /* no deflate stream, or one that ends */
};

/* Begins, behind `history`: what came out before, its last IMAP_INFLATE_HISTORY octets at least
 * where there was so much. `memory` has IMAP_INFLATE_MEMORY octets, aligned to 16, and is borrowed.
 * False: zlib wants more. */
bool imap_inflate_init(struct imap_inflate *i, void *memory, struct span history);
/* From *in, which advances, to the end of `out`. Bound: its room. */
enum imap_inflate_status imap_inflate_feed(struct imap_inflate *i, struct span *in,
                                           struct writer *out);
/* True when it may be dropped: it stands between two blocks, at a whole octet. Then writes what
 * imap_inflate_init() wants to `history`, which has room for IMAP_INFLATE_HISTORY octets. */
bool imap_inflate_rests(struct imap_inflate *i, struct writer *history);

/* ---- what we send ---- */

struct imap_deflate {
    z_stream z;
    struct imap_zmemory memory;
};

/* `memory` has IMAP_DEFLATE_MEMORY octets, likewise. */
bool imap_deflate_init(struct imap_deflate *d, void *memory);
/*
 * From *in, which advances, to the end of `out`. True when all of it is taken, and, with `flush`,
 * written up to the last octet; otherwise `out` is full: call again with more room.
 */
bool imap_deflate_feed(struct imap_deflate *d, struct span *in, bool flush, struct writer *out);

#endif
