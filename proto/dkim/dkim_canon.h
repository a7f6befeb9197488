/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_CANON_H
#define PROTO_DKIM_DKIM_CANON_H

#include "proto/base/span.h"

/*
 * The two canonicalizations (RFC 6376 section 3.4), of a body and of a header field, while the
 * bytes pass: what comes out does not depend on how they were cut. Nothing is copied or kept but
 * whether blanks or line ends are held back; runs that need no edit go out whole. Lines end in
 * CRLF; a CR or an LF alone is a byte like others.
 */

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED, DKIM_CANONS };

/* Takes what comes out, in order. The bytes are borrowed for the call. */
typedef void dkim_sink(void *context, struct span bytes);

struct dkim_canon_body {
    uint64_t ends; /* CRLF pairs held: none goes out before something else does */
    uint8_t canon; /* enum dkim_canon */
    bool cr;       /* a CR is held behind them */
    bool blank;    /* blanks are held before it; only when relaxed */
    bool content;  /* something went out */
};

void dkim_canon_body_init(struct dkim_canon_body *b, enum dkim_canon canon);
/* Bound: one pass; at most as many calls of the sink as there are edits. */
void dkim_canon_body_feed(struct dkim_canon_body *b, struct span in, dkim_sink *sink,
                          void *context);
/* The body has ended: at most one CRLF comes (sections 3.4.3 and 3.4.4), and a CR that was held. */
void dkim_canon_body_finish(struct dkim_canon_body *b, dkim_sink *sink, void *context);

/* A header field with its name and its folds, without its last CRLF. */
struct dkim_canon_field {
    uint8_t canon;
    uint8_t state;
    bool cr;    /* a CR is held */
    bool blank; /* blanks are held */
};

void dkim_canon_field_init(struct dkim_canon_field *f, enum dkim_canon canon);
void dkim_canon_field_feed(struct dkim_canon_field *f, struct span in, dkim_sink *sink,
                           void *context);
/* The field has ended; no line end comes out, as it would not for the signature's own field. */
void dkim_canon_field_finish(struct dkim_canon_field *f, dkim_sink *sink, void *context);

/*
 * How many bytes of a relaxed body, from its begin, need no edit: up to the first HTAB, and the
 * first blank with a blank or a CR behind it, or that is the last byte. By the instruction set
 * that the processor has; `baseline` without it, for tests.
 */
size_t dkim_canon_scan(struct span s, bool baseline);

#endif
