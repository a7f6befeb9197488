/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_ADDRESS_H
#define PROTO_IMAP_IMAP_ADDRESS_H

#include "proto/base/writer.h"

/*
 * The addresses of From, To and their like as ENVELOPE and SORT need them (RFC 5322 section 3.4 and
 * its obsolete forms, and whatever else stands there: every text yields something). Quotes,
 * comments and folds are undone, encoded words stay.
 */
enum imap_address_kind {
    IMAP_ADDRESS_MAILBOX,
    IMAP_ADDRESS_GROUP,     /* a group begins: its name is `mailbox` */
    IMAP_ADDRESS_GROUP_END, /* it ends */
};

struct imap_address {
    enum imap_address_kind kind;
    struct span name;    /* data is NULL when there is none; else the comment behind it, too */
    struct span route;   /* "@a,@b" (RFC 5322 section 4.4); data is NULL when there is none */
    struct span mailbox; /* the local part */
    struct span host;    /* the domain */
};

struct imap_address_list {
    struct span text; /* what is left */
    struct writer scratch;
    bool group; /* one is open */
};

/*
 * `scratch` keeps one address at a time: as many bytes as the text are enough; what does not fit is
 * cut. Neither is copied.
 */
struct imap_address_list imap_address_list_of(struct span text, void *scratch, size_t size);
/* The next one; false: no more. Valid until the next call. One pass in all. */
bool imap_address_next(struct imap_address_list *list, struct imap_address *address_out);

#endif
