/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_ADDRESS_ADDRESS_CHAR_H
#define PROTO_ADDRESS_ADDRESS_CHAR_H

#include "proto/base/span.h"

/* Characters of addresses, for the readers in this folder. -1 is no character. */

/* The character at `at`, or -1 at the end. */
static inline int address_char_at(const uint8_t *at, const uint8_t *end)
{
    return at < end ? *at : -1;
}

/* Let-dig = ALPHA / DIGIT (RFC 5321 section 4.1.2) */
static inline bool address_char_let_dig(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* atext (RFC 5322 section 3.2.3) */
static inline bool address_char_atext(int c)
{
    return address_char_let_dig(c) || (c > 0 && c < 0x80 && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

#endif
