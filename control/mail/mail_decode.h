/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_DECODE_H
#define CONTROL_MAIL_MAIL_DECODE_H

#include "control/mail/mail_source.h"
#include "proto/mime/mime_base64.h"
#include "proto/mime/mime_qp.h"

/*
 * A part of a stored message behind its transfer encoding (RFC 3516), piece by piece: of a part of
 * any size MAIL_DECODE_ROOM octets are in memory, and what the store has mapped or cached.
 */
enum { MAIL_DECODE_ROOM = 64 * 1024 };

enum mail_decode_kind {
    MAIL_DECODE_NONE, /* as it is */
    MAIL_DECODE_BASE64,
    MAIL_DECODE_QP,
    MAIL_DECODE_NO_NUL, /* as it is, but 0x80 for NUL, which no literal has */
};

/* Spans and what the source is of are borrowed. */
struct mail_decode {
    struct mail_source source;
    uint64_t begin, at, end; /* in the message */
    uint64_t given;          /* octets decoded so far */
    struct span left;        /* of them, in `room` */
    uint8_t kind;            /* enum mail_decode_kind */
    bool over;               /* nothing more comes from the store */
    bool failed;             /* the store has */
    union {
        struct mime_base64 base64;
        struct mime_qp qp;
    };
    uint8_t room[MAIL_DECODE_ROOM];
};

/* The decoder of an enum mime_encoding, in *kind_out; false: it is not known here. */
bool mail_decode_knows(unsigned encoding, enum mail_decode_kind *kind_out);
/* [at, end) of the message. Calling it again begins anew. */
void mail_decode_init(struct mail_decode *d, const struct mail_source *source, uint64_t at,
                      uint64_t end, enum mail_decode_kind kind);
/* The next octets, MAIL_DECODE_ROOM at most, valid until the next call; none at the end, or when
 * `failed` is set. */
struct span mail_decode_next(struct mail_decode *d);
/* The same, no more than `most`: the rest comes with the next call. */
struct span mail_decode_take(struct mail_decode *d, size_t most);

#endif
