/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_ADDRESS_ADDRESS_LIST_H
#define PROTO_ADDRESS_ADDRESS_LIST_H

#include "proto/base/span.h"

/* The addresses in the value of From, Sender and the like (RFC 5322 section 3.4), folds in it. */
enum address_list_status {
    ADDRESS_LIST_NEXT, /* *mailbox_out is an addr-spec, without what stands around it; whether it is
                          a good one is for address_mailbox() to say */
    ADDRESS_LIST_END,
    ADDRESS_LIST_BAD, /* what is left cannot be taken apart in one way only */
};

/* Takes the next address from *text. Names of groups and mailboxes, and comments, are passed over.
 * Bound: one pass. */
enum address_list_status address_list_next(struct span *text, struct span *mailbox_out);

#endif
