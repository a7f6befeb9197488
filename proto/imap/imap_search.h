/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_SEARCH_H
#define PROTO_IMAP_IMAP_SEARCH_H

#include "proto/imap/imap_set.h"

/*
 * A search program (RFC 9051 section 6.4.4) as nodes in prefix order: a node, then its operands.
 * The whole program is node 0, an AND. All memory is the caller's.
 */
enum imap_search_kind {
    IMAP_SEARCH_AND, /* operands up to `end` */
    IMAP_SEARCH_OR,  /* two operands */
    IMAP_SEARCH_NOT, /* one */
    IMAP_SEARCH_ALL,
    IMAP_SEARCH_SEQUENCE, /* set */
    IMAP_SEARCH_UID,      /* set */
    IMAP_SEARCH_FLAG,     /* flag */
    IMAP_SEARCH_NEW,      /* \Recent and not \Seen */
    IMAP_SEARCH_KEYWORD,  /* text */
    IMAP_SEARCH_BEFORE,   /* days, of INTERNALDATE */
    IMAP_SEARCH_ON,
    IMAP_SEARCH_SINCE,
    IMAP_SEARCH_SENTBEFORE, /* ... of the Date field */
    IMAP_SEARCH_SENTON,
    IMAP_SEARCH_SENTSINCE,
    IMAP_SEARCH_SAVEDBEFORE, /* ... of SAVEDATE */
    IMAP_SEARCH_SAVEDON,
    IMAP_SEARCH_SAVEDSINCE,
    IMAP_SEARCH_LARGER, /* number: octets */
    IMAP_SEARCH_SMALLER,
    IMAP_SEARCH_OLDER, /* number: seconds */
    IMAP_SEARCH_YOUNGER,
    IMAP_SEARCH_MODSEQ,   /* number: at least */
    IMAP_SEARCH_HEADER,   /* name, text: empty asks whether the field is there */
    IMAP_SEARCH_BODY,     /* text */
    IMAP_SEARCH_TEXT,     /* text: in header or body */
    IMAP_SEARCH_EMAILID,  /* text */
    IMAP_SEARCH_THREADID, /* text */
    IMAP_SEARCH_KINDS
};

struct imap_search_node {
    uint8_t kind; /* enum imap_search_kind */
    uint8_t flag; /* enum imap_flag */
    uint32_t end; /* index of the node behind this one and its operands */
    union {
        struct imap_set set;
        int32_t days; /* since 1970-01-01 */
        uint64_t number;
        struct {
            struct span name; /* of a header field */
            struct span text; /* in the charset that the program names */
        };
    };
};

enum imap_search_return {
    IMAP_RETURN_MIN = 1,
    IMAP_RETURN_MAX = 2,
    IMAP_RETURN_ALL = 4,
    IMAP_RETURN_COUNT = 8,
    IMAP_RETURN_SAVE = 16, /* RFC 5182 */
};

enum { IMAP_SEARCH_DEPTH = 64 }; /* operands of operands */

struct imap_search {
    struct imap_search_node *nodes;
    uint32_t count, cap;
    struct imap_range *ranges; /* those of all sets */
    uint32_t range_count, range_cap;
    struct span charset; /* data is NULL when none is named: then UTF-8 or US-ASCII */
    bool extended;       /* RETURN was there: answer with ESEARCH (RFC 4731) */
    uint8_t wanted;      /* enum imap_search_return, or-ed; with RETURN () IMAP_RETURN_ALL */
    uint32_t kinds;      /* bits 1 << enum imap_search_kind of all nodes: what data is needed */
};

struct imap_search imap_search_of(struct imap_search_node *nodes, uint32_t cap,
                                  struct imap_range *ranges, uint32_t range_cap);
/*
 * search = ["RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" SP]
 *          ["CHARSET" SP charset SP] search-key *(SP search-key)
 *
 * To the end. Bad in the cursor when it is none, too deep, or needs more nodes or ranges than there
 * are.
 */
bool imap_search_parse(struct imap_cursor *c, struct imap_search *search);
/* Parts of it, for SORT and THREAD, whose charset stands without a word: the options with the blank
 * behind them, if any; the keys, to the end. */
bool imap_search_parse_return(struct imap_cursor *c, struct imap_search *search);
bool imap_search_parse_keys(struct imap_cursor *c, struct imap_search *search);
/* imap_set_resolve() of all sets, by the mailbox as it is now. "$" becomes `saved` (UIDs), which
 * stays borrowed. */
void imap_search_resolve(struct imap_search *search, uint32_t largest_sequence,
                         uint32_t largest_uid, const struct imap_set *saved);

enum imap_search_result { IMAP_SEARCH_NO, IMAP_SEARCH_YES, IMAP_SEARCH_UNKNOWN };

/*
 * The program's result for one message. `judge` is asked of the nodes without operands, as far as
 * the result needs them; it may say UNKNOWN of what is costly to know: then the whole may be
 * UNKNOWN, to be asked again with a judge that knows. Bound: every node once.
 */
enum imap_search_result imap_search_judge(
    const struct imap_search *search,
    enum imap_search_result (*judge)(void *context, const struct imap_search_node *node),
    void *context);

/* What an index knows of a message. */
struct imap_search_facts {
    uint32_t sequence, uid;
    uint8_t flags; /* enum imap_flag, or-ed */
    bool sent;     /* there is a Date field that is a date */
    bool saved;    /* there is a save date */
    int16_t zone;  /* of the internal date, minutes east */
    int64_t internal_date;
    int64_t save_date; /* seconds since 1970-01-01, its day is UTC's */
    int32_t sent_days; /* the day as the Date field has it (RFC 9051: without time and zone) */
    uint64_t size, modseq;
    int64_t now;
};

/* By facts alone: UNKNOWN for KEYWORD, HEADER, BODY, TEXT, EMAILID, THREADID. */
enum imap_search_result imap_search_by_facts(const struct imap_search_node *node,
                                             const struct imap_search_facts *facts);

#endif
