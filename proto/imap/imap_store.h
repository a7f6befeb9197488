/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_STORE_H
#define PROTO_IMAP_IMAP_STORE_H

#include "proto/imap/imap_flag.h"

/* What a STORE says behind its sequence set and blank (RFC 9051 section 6.4.6, RFC 7162). */
enum imap_store_action { IMAP_STORE_REPLACE, IMAP_STORE_ADD, IMAP_STORE_REMOVE };

struct imap_store {
    uint8_t action; /* enum imap_store_action */
    bool silent;
    bool unchanged; /* UNCHANGEDSINCE */
    uint64_t unchanged_since;
    struct imap_flags flags;
};

/*
 * store-modifiers = "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")" SP
 * store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
 */
bool imap_store_parse(struct imap_cursor *c, struct imap_store *store_out);

/* What an APPEND says of one message (RFC 9051 section 6.3.12, RFC 3502, RFC 6855). */
struct imap_append {
    struct imap_flags flags;
    bool dated;
    int64_t date; /* seconds since 1970-01-01 UTC */
    int16_t zone; /* minutes east */
    bool utf8;    /* UTF8 (~{n}...): a ")" must follow the message */
    bool literal8;
    uint64_t size;
};

/*
 * append-message = [SP flag-list] [SP date-time] SP (literal / literal8 / "UTF8" SP "(" literal8)
 *
 * To the end of the announcement, as IMAP_READER_APPEND gives it, from its first blank on; for a
 * command's first message the mailbox (an astring) stands before that. What follows the message is
 * nothing, ")" after UTF8, or the next one: take ")" before this.
 */
bool imap_append_parse(struct imap_cursor *c, struct imap_append *append_out);

#endif
