/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_CHARSET_CHARSET_PAIRS_H
#define PROTO_CHARSET_CHARSET_PAIRS_H

#include "proto/base/writer.h"
#include "proto/charset/charset_tables.h"

/* Charsets of one, two and four bytes a character; for charset.c alone. */
void charset_pairs(enum charset_kind kind, struct span text, struct writer *out);
/* Charsets that switch between sets: ISO-2022-JP, ISO-2022-KR, HZ. */
void charset_switched(enum charset_kind kind, struct span text, struct writer *out);

/* Writes one character as UTF-8; a surrogate or what is beyond U+10FFFF as U+FFFD. */
void charset_put(struct writer *out, uint32_t c);

#endif
