/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SASL_SCRAM_KEYS_H
#define PROTO_SASL_SCRAM_KEYS_H

#include "proto/sasl/sasl_mechanism.h"
#include "proto/sasl/scram_text.h"

/*
 * What a server keeps of a password for SCRAM (RFC 5802 section 3): enough to check who knows it,
 * not enough to log in elsewhere. As text in the form of RFC 5803, which others write too:
 *
 *     SCRAM-SHA-256$4096:<base64 salt>$<base64 StoredKey>:<base64 ServerKey>
 *
 * The functions that compute fail only without memory.
 */
struct scram_keys {
    uint8_t hash; /* enum scram_hash */
    uint8_t salt_len;
    uint32_t iterations;
    uint8_t salt[SCRAM_SALT_MAX];
    uint8_t stored[SCRAM_KEY_MAX]; /* scram_hash_size() octets, as the next */
    uint8_t server[SCRAM_KEY_MAX];
};

enum {
    SCRAM_ITERATIONS = 4096,        /* the least that RFC 7677 section 4 has */
    SCRAM_ITERATIONS_MAX = 1000000, /* a bound on the time of one derivation */
    SCRAM_KEYS_TEXT = 256,          /* octets that the text of any keys fits in */
};

/* Octets of what the hash gives. */
size_t scram_hash_size(enum scram_hash hash);

/* Derives keys from a password, which was prepared (RFC 4013), with hash, salt and iterations of
 * *keys. Time: two hashes for each iteration. */
bool scram_keys_derive(struct scram_keys *keys, struct span password);

/* False: no such text, or its salt or count is out of bounds. */
bool scram_keys_read(struct span text, struct scram_keys *keys_out);
void scram_keys_put(struct writer *w, const struct scram_keys *keys);

/*
 * Checks a client's proof over the AuthMessage: true if it knows the password. `proof` has
 * scram_hash_size() octets. *signature_out: the ServerSignature, which proves the same of us; set
 * when true. The time does not depend on where a wrong proof differs.
 */
bool scram_keys_check(const struct scram_keys *keys, struct span auth_message, const uint8_t *proof,
                      uint8_t signature_out[SCRAM_KEY_MAX]);

/*
 * Keys for a name that nobody has, always the same for the same secret and name, whose salt looks
 * like any other: so that nobody learns from the challenge who exists.
 */
bool scram_keys_fake(struct scram_keys *keys_out, enum scram_hash hash, uint32_t iterations,
                     struct span secret, struct span name);

#endif
