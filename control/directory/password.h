/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DIRECTORY_PASSWORD_H
#define CONTROL_DIRECTORY_PASSWORD_H

#include "proto/base/span.h"

/*
 * Passwords against hashes of crypt(3). ASCII is hashed as it is; UTF-8 by the OpaqueString profile
 * (RFC 8265 section 4.2), so that it does not matter how the client's keyboard composes a letter.
 */
enum { PASSWORD_MAX = 512 };

/* True: the hash is of that password. Hashes once, in any case; longer ones than PASSWORD_MAX, or
 * with a NUL, are wrong. */
bool password_check(struct span password, const char *hash);
/* A name as SASLprep has it (RFC 4013), which clients of SASL may send or not. From malloc; NULL:
 * it is ASCII, or nothing that it allows. */
char *password_prepare_name(struct span name);

#endif
