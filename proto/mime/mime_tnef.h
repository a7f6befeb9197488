/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_TNEF_H
#define PROTO_MIME_MIME_TNEF_H

#include "proto/base/writer.h"

/*
 * A resumable reader of TNEF streams (winmail.dat, [MS-OXTNEF]): names and bytes of the files in
 * it, and its plain text. Attributes that are none of these are passed over. Nothing is buffered
 * but a name. Ends at what is no attribute.
 *
 *   stream = signature(4) key(2) *attribute                                little-endian
 *   attribute = level(1) id(2) type(2) length(4) data checksum(2)
 */
enum { MIME_TNEF_NAME = 520 };
enum { MIME_TNEF_SIGNATURE = 0x223e9f78 };

struct mime_tnef {
    uint8_t state;
    bool known;   /* the signature was there */
    bool wide;    /* the name under way is UTF-16 */
    uint16_t id;  /* of the attribute under way */
    uint16_t len; /* of text[] */
    uint16_t want;
    uint64_t left; /* bytes of its data */
    uint32_t last; /* the last four bytes of a property list */
    uint8_t text[MIME_TNEF_NAME];
};

enum mime_tnef_status {
    MIME_TNEF_MORE,    /* the input is used up, or holds nothing further */
    MIME_TNEF_NAME_IS, /* *span_out is a file's name, as it is written, or UTF-16LE: t->wide */
    MIME_TNEF_BEGIN,   /* a file's bytes begin */
    MIME_TNEF_DATA,    /* *span_out, in the input, are some of them */
    MIME_TNEF_END,     /* they end */
    MIME_TNEF_TEXT,    /* *span_out, in the input, is of the plain text */
};

void mime_tnef_init(struct mime_tnef *t);
/* Reads from *in, which advances. */
enum mime_tnef_status mime_tnef_next(struct mime_tnef *t, struct span *in, struct span *span_out);
/* The input has ended: true when a file was open, and ends so. */
bool mime_tnef_finish(struct mime_tnef *t);

#endif
