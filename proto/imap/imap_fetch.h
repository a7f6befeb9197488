/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_FETCH_H
#define PROTO_IMAP_IMAP_FETCH_H

#include "proto/imap/imap_section.h"

/* What a FETCH asks for (RFC 9051 section 6.4.5, RFC 3501 section 6.4.5). */

/* ITEM(NAME, "NAME"): without a section. Of the last ones: RFC 7162, RFC 8474, RFC 8514. */
#define IMAP_FETCH_PLAIN(ITEM)                                                                     \
    ITEM(FLAGS, "FLAGS")                                                                           \
    ITEM(UID, "UID")                                                                               \
    ITEM(INTERNALDATE, "INTERNALDATE")                                                             \
    ITEM(SIZE, "RFC822.SIZE")                                                                      \
    ITEM(ENVELOPE, "ENVELOPE")                                                                     \
    ITEM(BODYSTRUCTURE, "BODYSTRUCTURE")                                                           \
    ITEM(STRUCTURE, "BODY")                                                                        \
    ITEM(RFC822, "RFC822")                                                                         \
    ITEM(RFC822_HEADER, "RFC822.HEADER")                                                           \
    ITEM(RFC822_TEXT, "RFC822.TEXT")                                                               \
    ITEM(MODSEQ, "MODSEQ")                                                                         \
    ITEM(EMAILID, "EMAILID")                                                                       \
    ITEM(THREADID, "THREADID")                                                                     \
    ITEM(SAVEDATE, "SAVEDATE")

enum imap_fetch_kind {
#define ITEM(NAME, name) IMAP_FETCH_##NAME,
    IMAP_FETCH_PLAIN(ITEM)
#undef ITEM
        IMAP_FETCH_PREVIEW, /* RFC 8970 */
    IMAP_FETCH_BODY,        /* BODY[section], BODY.PEEK[section] */
    IMAP_FETCH_BINARY,      /* BINARY[part], BINARY.PEEK[part] (RFC 3516) */
    IMAP_FETCH_BINARY_SIZE, /* BINARY.SIZE[part] */
};

struct imap_fetch_item {
    uint8_t kind; /* enum imap_fetch_kind */
    bool seen;    /* sets \Seen */
    bool partial;
    bool lazy;       /* PREVIEW (LAZY) */
    uint64_t offset; /* with `partial` */
    uint64_t len;
    struct imap_section
        section; /* of the last three; of RFC822 and its like the same in new words */
};

enum { IMAP_FETCH_ITEMS_MAX = 64 };

/* About 9 KiB. */
struct imap_fetch {
    uint8_t count;
    bool seen;      /* some item sets \Seen */
    bool changed;   /* CHANGEDSINCE (RFC 7162 section 3.1.4.1) */
    bool vanished;  /* VANISHED (section 3.2.6) */
    uint32_t plain; /* those asked for, as bits 1 << enum imap_fetch_kind */
    uint64_t changed_since;
    struct imap_fetch_item items[IMAP_FETCH_ITEMS_MAX]; /* as asked, each without a section once */
};

/*
 * Reads what stands behind the sequence set and its blank, to the end:
 *
 *   ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")") [fetch-modifiers]
 *   fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"
 *
 * False and bad when it is none, asks for more than IMAP_FETCH_ITEMS_MAX things, or VANISHED stands
 * without UID or CHANGEDSINCE. Spans in the sections point into the arguments.
 */
bool imap_fetch_parse(struct imap_cursor *c, bool uid, struct imap_fetch *fetch_out);

/* Writes the item's name as an answer has it: "BODY[1.HEADER.FIELDS (FROM)]<0>". */
void imap_fetch_put_name(struct writer *w, const struct imap_fetch_item *item);

#endif
