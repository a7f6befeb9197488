/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_TLS_TLS_FRAMES_H
#define PROTO_TLS_TLS_FRAMES_H

#include "proto/base/span.h"

/*
 * Where the records of one direction begin and end (RFC 8446 section 5.1, RFC 5246 section 6.2),
 * whatever pieces they come in. Nothing is kept but the header of the record under way.
 */
enum {
    TLS_FRAME_HEADER = 5,
    TLS_FRAME_MAX = 16384 + 2048, /* of a body: RFC 5246 section 6.2.3 */
};

enum tls_frame_type {
    TLS_FRAME_CHANGE_CIPHER_SPEC = 20,
    TLS_FRAME_ALERT = 21,
    TLS_FRAME_HANDSHAKE = 22,
    TLS_FRAME_DATA = 23,
};

struct tls_frames {
    uint8_t header[TLS_FRAME_HEADER];
    uint8_t header_len;
    bool inside;   /* the header is whole */
    uint16_t left; /* bytes of the body that have not come */
};

enum tls_frames_status {
    TLS_FRAMES_MORE, /* all input taken */
    TLS_FRAMES_PART, /* the next part of a record */
    TLS_FRAMES_BAD,  /* no record begins so: nothing behind it can be read */
};

struct tls_part {
    uint8_t type; /* enum tls_frame_type */
    uint8_t header[TLS_FRAME_HEADER];
    uint16_t len;       /* of the whole body */
    struct span bytes;  /* of the body; borrowed from the input */
    struct span record; /* all of it, with its header, where it lies in the input; else empty */
    bool first, last;   /* both of a record that is empty */
};

/*
 * The next part; *in moves behind it. Call again with what is left until MORE or BAD. The first
 * part may be empty, where the input ends behind the header. Bound: O(1).
 */
enum tls_frames_status tls_frames_next(struct tls_frames *f, struct span *in,
                                       struct tls_part *part_out);
/* `len` bytes of the direction were not seen. False: more than the rest of the record under way,
 * so that where the next one begins is not known. */
bool tls_frames_gap(struct tls_frames *f, uint64_t len);

#endif
