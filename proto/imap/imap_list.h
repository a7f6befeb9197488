/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_LIST_H
#define PROTO_IMAP_IMAP_LIST_H

#include "proto/imap/imap_cursor.h"

/*
 * The arguments of LIST (RFC 9051 section 6.3.9; RFC 5258, RFC 5819, RFC 6154) and of LSUB (RFC
 * 3501 section 6.3.9).
 */
enum imap_list_select { /* selection options, a bit each */
                        IMAP_LIST_SELECT_SUBSCRIBED = 1,
                        IMAP_LIST_SELECT_REMOTE = 2,
                        IMAP_LIST_SELECT_RECURSIVE = 4,
                        IMAP_LIST_SELECT_SPECIAL_USE = 8,
};

enum imap_list_return { /* return options, likewise */
                        IMAP_LIST_RETURN_SUBSCRIBED = 1,
                        IMAP_LIST_RETURN_CHILDREN = 2,
                        IMAP_LIST_RETURN_SPECIAL_USE = 4,
                        IMAP_LIST_RETURN_STATUS = 8,
};

enum { IMAP_LIST_PATTERNS = 64 }; /* of one command */

struct imap_list {
    struct span reference; /* like the patterns as they came: not decoded */
    struct span patterns[IMAP_LIST_PATTERNS];
    uint32_t count;  /* of patterns; what is more than fits is counted, but not there */
    uint32_t status; /* what RETURN (STATUS ...) asks for, a bit by enum imap_status_item */
    uint8_t select;  /* enum imap_list_select */
    uint8_t returns; /* enum imap_list_return */
    bool extended;   /* some of it is none of RFC 3501's */
};

/* To the end of the arguments. False: they are bad. */
bool imap_list_read(struct imap_cursor *c, struct imap_list *list_out);
/* mailbox SP list-mailbox, alone. */
bool imap_list_read_lsub(struct imap_cursor *c, struct imap_list *list_out);

#endif
