/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_STRIP_H
#define PROTO_MIME_MIME_STRIP_H

#include "proto/base/span.h"

/*
 * Leaves fields out of a message's header while it streams by: whole fields, with the lines they
 * are folded to. What is left does not depend on how the bytes were cut. The body is passed as it
 * is.
 */
enum { MIME_STRIP_HELD = 32 }; /* octets of a name that are held back until it is known */

struct mime_strip {
    const char *const *names; /* in small letters, each shorter than MIME_STRIP_HELD; NULL ends */
    uint8_t state;
    uint8_t held_len;
    bool dropping; /* the field under way */
    uint8_t held[MIME_STRIP_HELD];
};

/* Borrows the names. */
void mime_strip_init(struct mime_strip *s, const char *const *names);
/* Takes bytes from *in and moves it behind them; the bytes to go on with, maybe none: in the input,
 * or in *s until the next call. */
struct span mime_strip_take(struct mime_strip *s, struct span *in);
/* The message has ended: what is still held back. */
struct span mime_strip_finish(struct mime_strip *s);

#endif
