/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_CURSOR_H
#define PROTO_IMAP_IMAP_CURSOR_H

#include "proto/base/writer.h"

/*
 * Reads the arguments of a whole command (RFC 9051 section 9, RFC 3501 section 9), literals in
 * place. The error is sticky: after the first `bad`, every call returns false and changes nothing;
 * so a parser may read on and ask once. Results are spans into the arguments, or, where a quoted
 * string has backslashes, into the scratch: scratch of as many bytes as the arguments is always
 * enough. Bound: one pass, at most IMAP_DEPTH_MAX lists deep.
 */
enum { IMAP_DEPTH_MAX = 32 };

struct imap_cursor {
    const uint8_t *at;
    const uint8_t *end;
    struct writer scratch;
    bool utf8;     /* quoted strings may have UTF-8 (RFC 6855, RFC 9051): enabled by the client */
    bool bad;      /* not of the grammar: answer BAD */
    uint8_t depth; /* lists open */
};

struct imap_cursor imap_cursor_of(struct span args, bool utf8, void *scratch, size_t size);

/* Without an error: */
bool imap_cursor_end(const struct imap_cursor *c); /* nothing is left, and nothing was bad */
bool imap_cursor_peek(const struct imap_cursor *c, uint8_t byte); /* the next byte is this */
/* Takes it when it is there. */
bool imap_cursor_take_byte(struct imap_cursor *c, uint8_t byte);
/* Takes the word, in any case, when it is there and no atom character follows. */
bool imap_cursor_take_word(struct imap_cursor *c, const char *word);

/* Wanted here, else bad: */
bool imap_cursor_space(struct imap_cursor *c); /* one SP */
bool imap_cursor_byte(struct imap_cursor *c, uint8_t byte);
bool imap_cursor_done(struct imap_cursor *c); /* the end */
bool imap_cursor_fail(struct imap_cursor *c); /* always bad; returns false */

/*
 * Lists: "(" item *(SP item) ")".
 *
 *   imap_cursor_open(c);
 *   while (imap_cursor_item(c, &first)) ...one item...
 *
 * item() takes the ")" and returns false at the end of the list, takes the SP between two items;
 * `first` is true before the first call. An empty list is taken.
 */
bool imap_cursor_open(struct imap_cursor *c);
bool imap_cursor_item(struct imap_cursor *c, bool *first);

/* atom = 1*ATOM-CHAR */
bool imap_cursor_atom(struct imap_cursor *c, struct span *out);
/* astring = 1*ASTRING-CHAR / string; string = quoted / literal (literal8 only by _binary) */
bool imap_cursor_astring(struct imap_cursor *c, struct span *out);
bool imap_cursor_string(struct imap_cursor *c, struct span *out);
/* nstring = string / "NIL"; NIL is {NULL, 0}, an empty string has data that is not NULL. */
bool imap_cursor_nstring(struct imap_cursor *c, struct span *out);
/* list-mailbox = 1*list-char / string */
bool imap_cursor_list_mailbox(struct imap_cursor *c, struct span *out);
/* A literal8 or a string (RFC 3516). */
bool imap_cursor_binary(struct imap_cursor *c, struct span *out);
/* The announcement of the message's literal at the end of what IMAP_READER_APPEND gives. */
bool imap_cursor_announced(struct imap_cursor *c, uint64_t *size_out, bool *literal8_out);

/* number = 1*DIGIT, below 2^32; number64 below 2^63; nz- not 0. */
bool imap_cursor_number(struct imap_cursor *c, uint32_t *out);
bool imap_cursor_nz_number(struct imap_cursor *c, uint32_t *out);
bool imap_cursor_number64(struct imap_cursor *c, uint64_t *out);
bool imap_cursor_nz_number64(struct imap_cursor *c, uint64_t *out);

/* partial = "<" number64 "." nz-number64 ">" */
bool imap_cursor_partial(struct imap_cursor *c, uint64_t *offset_out, uint64_t *len_out);

/* date = date-text / DQUOTE date-text DQUOTE ("1-Feb-1994"): days since 1970-01-01. */
bool imap_cursor_date(struct imap_cursor *c, int32_t *days_out);
/* date-time = DQUOTE date-day-fixed "-" month "-" year SP time SP zone DQUOTE: seconds since
 * 1970-01-01 UTC, and minutes east of it. A leap second counts as the second before. */
bool imap_cursor_date_time(struct imap_cursor *c, int64_t *seconds_out, int16_t *zone_out);

/* flag = "\" atom / atom. The span has the backslash. Which flags there are: imap_flag.h */
bool imap_cursor_flag(struct imap_cursor *c, struct span *out);

bool imap_is_atom_char(uint8_t c); /* any CHAR but atom-specials */

#endif
