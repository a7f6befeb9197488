/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DIRECTORY_TOKEN_ROW_H
#define CONTROL_DIRECTORY_TOKEN_ROW_H

#include "control/store/store_directory.h"
#include "proto/base/writer.h"

/*
 * Tokens of the API: rows beside those of the directory (directory_row.h), under the key 't' and
 * the name. A token's text is NAME "." SECRET; of the secret, 256 random bits, only the SHA-256 is
 * kept, which needs no salt and no rounds since nobody can try 2^256 of them. Integers are
 * big-endian, a text is its length in 32 bits and its octets.
 */
enum token_role {
#define TOKEN_ROLE(SYMBOL, name, text) TOKEN_##SYMBOL,
#include "control/directory/token_role.def"
#undef TOKEN_ROLE
    TOKEN_ROLES
};

enum {
    TOKEN_KEY = 't', /* first octet of a row's key */
    TOKEN_NAME = 64,
    TOKEN_SECRET = 64, /* hexadecimal digits */
    TOKEN_HASH = 32,
    TOKEN_DOMAINS = 100,
    TOKEN_TEXT = TOKEN_NAME + 1 + TOKEN_SECRET,
    TOKEN_ROW = 64 + TOKEN_DOMAINS * (4 + 255),
};

struct token_row {
    uint8_t role;                    /* enum token_role */
    uint64_t created_ms, expires_ms; /* wall clock; the latter 0: never */
    uint8_t hash[TOKEN_HASH];
    uint32_t domain_count; /* keys of domains; none: all, but for DOMAIN */
    struct span domains[TOKEN_DOMAINS];
};

const char *token_role_name(uint8_t role);
const char *token_role_text(uint8_t role);
bool token_role_find(struct span name, uint8_t *role_out);
/* name = 1*64(ALPHA / DIGIT / "-" / "_") */
bool token_name_good(struct span name);

void token_row_put(struct writer *w, const struct token_row *row);
/* False when the value is not exactly one that the writer makes. Borrows from it. */
bool token_row_read(struct span value, struct token_row *row_out);

/* A new secret, with a NUL, and its hash. False: there is no randomness. */
bool token_make(char secret_out[TOKEN_SECRET + 1], uint8_t hash_out[TOKEN_HASH]);
/* Whether the text is that of a token of the store which has not expired at `now_ms`. Takes the
 * same time for a secret that is wrong by the first digit or by the last; a name is no secret. The
 * row borrows from `memory`, TOKEN_ROW octets. STORE_NONE: it is none. */
enum store_status token_check(struct store *store, struct span text, uint64_t now_ms,
                              uint8_t *memory, struct token_row *row_out);

#endif
