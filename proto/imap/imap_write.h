/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_WRITE_H
#define PROTO_IMAP_IMAP_WRITE_H

#include "proto/base/writer.h"
#include "proto/imap/imap_flag.h"

/*
 * What a server says, written (RFC 9051 section 9). What cannot be quoted becomes a literal: a
 * server's literals are never waited for. `utf8`: the client enabled UTF-8 in quoted strings
 * (IMAP4rev2, UTF8=ACCEPT); otherwise 8-bit text is a literal, too.
 */

/* string = quoted / literal. NUL, which no string has, becomes "?". */
void imap_write_string(struct writer *w, struct span text, bool utf8);
/* nstring: NIL when text.data is NULL. */
void imap_write_nstring(struct writer *w, struct span text, bool utf8);
/* astring: an atom where it can be one ("NIL" is quoted). */
void imap_write_astring(struct writer *w, struct span text, bool utf8);
/* quoted: what cannot stand in it, 8-bit too, becomes "?". */
void imap_write_quoted(struct writer *w, struct span text);
/* "{n}" CRLF, "~{n}" CRLF: n octets follow, from wherever they are. */
void imap_write_literal(struct writer *w, uint64_t octets);
void imap_write_literal8(struct writer *w, uint64_t octets);
/*
 * The inside of a flag-list: system flags (and \Recent) or-ed, or one by name; a blank before each
 * but the first, which `*first` says and learns.
 */
void imap_write_flags(struct writer *w, unsigned flags, bool *first);
void imap_write_flag(struct writer *w, struct span name, bool *first);
/* date-time: "17-Jul-1996 02:44:25 -0700" in quotes, as a clock at `zone` (minutes east) shows. */
void imap_write_date_time(struct writer *w, int64_t seconds, int16_t zone);

#endif
