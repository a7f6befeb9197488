/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_ASCII_H
#define PROTO_BASE_ASCII_H

#include "proto/base/span.h"

/* WSP = SP / HTAB (RFC 5234 appendix B.1) */
static inline bool ascii_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* WSP, CR and LF: what folded text (RFC 5322 section 2.2.3) may have between its words. */
static inline bool ascii_folding(uint8_t c)
{
    return ascii_blank(c) || c == '\r' || c == '\n';
}

/* The value of a hexadecimal digit in either case, or -1. */
static inline int ascii_hex(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10)
        return c - '0';
    c = ascii_lower(c);
    return (uint8_t)(c - 'a') < 6 ? c - 'a' + 10 : -1;
}

/* Without folding white space at both ends. */
static inline struct span ascii_trim(struct span s)
{
    while (s.len && ascii_folding(s.data[0]))
        s = span_skip(s, 1);
    while (s.len && ascii_folding(s.data[s.len - 1]))
        s.len--;
    return s;
}

#endif
