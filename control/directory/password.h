/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DIRECTORY_PASSWORD_H
#define CONTROL_DIRECTORY_PASSWORD_H

#include <crypt.h>

#include "proto/sasl/scram_keys.h"

/*
 * Passwords against hashes of crypt(3). ASCII is hashed as it is; UTF-8 by the OpaqueString profile
 * (RFC 8265 section 4.2), so that it does not matter how the client's keyboard composes a letter.
 */
enum { PASSWORD_MAX = 512 };

/* True: the hash is of that password. Hashes once, in any case; longer ones than PASSWORD_MAX, or
 * with a NUL, are wrong. */
bool password_check(struct span password, const char *hash);
/* What is kept of a password. */
struct password_kept {
    char hash[CRYPT_OUTPUT_SIZE];    /* for crypt(3) */
    char scram[SCRAM_KEYS_TEXT + 1]; /* keys of SCRAM-SHA-256, of the password by SASLprep (RFC
                                        4013); empty: it has none */
};

/* `method`: prefix of a method of crypt(3), as "$y$". False: the password is empty, too long or has
 * a NUL, or there is no randomness. Takes milliseconds. */
bool password_make(struct span password, const char *method, struct password_kept *kept_out);
/* A name as SASLprep has it (RFC 4013), which clients of SASL may send or not. From malloc; NULL:
 * it is ASCII, or nothing that it allows. */
char *password_prepare_name(struct span name);

#endif
