/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_UTF8_H
#define PROTO_BASE_UTF8_H

#include "proto/base/span.h"

/*
 * The length of the well-formed UTF-8 sequence of 2 to 4 bytes at the start of `s` (not empty), or
 * 0. Overlong forms, surrogates and what lies beyond U+10FFFF are not well formed (RFC 3629 section
 * 4), nor are C1 controls wanted here.
 */
size_t utf8_length(struct span s);
/* True when `s` is ASCII and such sequences alone. One pass. */
bool utf8_valid(struct span s);
/* True when a byte above 127 stands in `s`. One pass. */
bool utf8_needed(struct span s);

#endif
