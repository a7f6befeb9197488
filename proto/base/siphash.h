/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_SIPHASH_H
#define PROTO_BASE_SIPHASH_H

#include "proto/base/span.h"

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash that a peer who does not know the key
 * can neither predict nor collide. It keys the initial sequence numbers (RFC 6528) and the
 * timestamp offsets, and names what windowed counters count.
 */
uint64_t siphash(const uint8_t key[16], struct span bytes);
/* siphash() over the eight bytes of `first`, little-endian, and behind them `bytes`. */
uint64_t siphash_behind(const uint8_t key[16], uint64_t first, struct span bytes);
/* SipHash-1-3: half the rounds, for the place in a table, where nobody is shown the result. */
uint64_t siphash_table(const uint8_t key[16], struct span bytes);

/* siphash() over bytes that arrive in pieces: the result does not depend on how they were cut. */
struct siphash_stream {
    uint64_t state[4];
    uint64_t tail;   /* bytes of a word that is not whole yet */
    uint64_t length; /* bytes so far */
};

void siphash_init(struct siphash_stream *s, const uint8_t key[16]);
void siphash_feed(struct siphash_stream *s, struct span bytes);
/* The hash of all that was fed; the stream may go on. */
uint64_t siphash_result(const struct siphash_stream *s);

#endif
