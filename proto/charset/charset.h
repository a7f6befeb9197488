/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_CHARSET_CHARSET_H
#define PROTO_CHARSET_CHARSET_H

#include "proto/mime/mime_charset.h"

/*
 * The charsets of mail beyond those built into proto/mime: ISO 8859, Windows and DOS code pages,
 * KOI8, GB18030 (and GBK, GB2312, HZ), Big5, Shift_JIS, EUC-JP, ISO-2022-JP, EUC-KR (and UHC),
 * ISO-2022-KR, UTF-7, UTF-16. Tables of about 250 KiB are made at build time; nothing is allocated.
 *
 * The callback of struct mime_charset: a charset's name is matched without case and punctuation.
 * What cannot be read becomes U+FFFD, one for each byte, or for each 16 bits of UTF-7 and UTF-16.
 */
extern const struct mime_charset charset_all;

/* A name of each, as it is registered where it is: atoms with a blank between them, UTF-8 and
 * US-ASCII among the first. */
extern const char charset_known[];

#endif
