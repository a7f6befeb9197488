/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_ID128_H
#define PROTO_BASE_ID128_H

#include "proto/base/writer.h"

/*
 * The identity of a message or a connection, alike in replies, Received, records, store and events.
 * Sorts by time as bytes and as text: 48 bits of milliseconds since 1970, 16 of node, 16 of worker,
 * 48 of counter.
 */
struct id128 {
    uint8_t bytes[16];
};

enum {
    ID128_TEXT = 26
}; /* characters of the text form: Crockford's base 32, most significant first */

/* One worker's source of ids. Never goes back when the wall clock does: it then keeps counting. */
struct id128_source {
    uint64_t last_ms;
    uint64_t counter;
    uint16_t node;
    uint16_t worker;
};

struct id128 id128_next(struct id128_source *source, uint64_t wall_ms);
/* The time in it: milliseconds since 1970. */
uint64_t id128_ms(const struct id128 *id);
void id128_put(struct writer *w, const struct id128 *id);
/* Reads the text form, letters in either case. False when it is none. */
bool id128_parse(struct span text, struct id128 *id_out);

#endif
