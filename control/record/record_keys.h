/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_KEYS_H
#define CONTROL_RECORD_RECORD_KEYS_H

#include "proto/base/span.h"

/*
 * The keys that texts in records are hashed with. One makes hashes for a time, then another one;
 * replaced keys are kept for a while, so that a hash can still be compared with a text, and then
 * forgotten.
 *
 * The file has a line a key, oldest first: id (8 hexadecimal digits), key (64), wall clock in
 * milliseconds at which it began. It is replaced as a whole and readable by its owner only.
 */
enum { RECORD_KEY_BYTES = 32, RECORD_KEYS_MAX = 256 };

struct record_key {
    uint32_t id;
    uint64_t began_ms;
    uint8_t bytes[RECORD_KEY_BYTES];
};

struct record_keys {
    const char *path; /* borrowed; empty: in memory alone */
    uint32_t count;
    struct record_key keys[RECORD_KEYS_MAX]; /* the last one makes hashes */
};

/*
 * Reads the file, if there is one. False with errno: it cannot be read or is no such file; there
 * are then no keys. What could not be a key's line makes the file unreadable (EINVAL).
 */
bool record_keys_load(struct record_keys *keys, const char *path);
/*
 * Replaces the key when it is older than `rotation_ms` (or begins later than `now_ms`, after the
 * clock was set back), and forgets those that were replaced more than `kept_ms` ago; then writes
 * the file. Returns false with errno when the file cannot be written: the keys in memory are right.
 * Call it before each batch: it does nothing when nothing is due.
 */
bool record_keys_turn(struct record_keys *keys, uint64_t now_ms, uint64_t rotation_ms,
                      uint64_t kept_ms);
/* The key that makes hashes, NULL before the first turn. */
const struct record_key *record_keys_now(const struct record_keys *keys);

/* "hash:" id ":" 24 hexadecimal digits: the first 96 bits of HMAC-SHA-256. */
enum { RECORD_HASH_TEXT = 5 + 8 + 1 + 24 };
void record_key_hash(const struct record_key *key, struct span bytes,
                     char text_out[RECORD_HASH_TEXT]);

#endif
