/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_STATUS_H
#define PROTO_IMAP_IMAP_STATUS_H

#include "proto/imap/imap_cursor.h"

/* What STATUS asks for (RFC 9051 section 6.3.11; the RFCs of extensions: imap_status_item.def). */
enum imap_status_item {
#define STATUS_ITEM(NAME, text) IMAP_STATUS_##NAME,
#include "proto/imap/imap_status_item.def"
#undef STATUS_ITEM
    IMAP_STATUS_ITEMS
};

/* "(" status-att *(SP status-att) ")": a bit each; an item that is said twice counts once. 0: bad,
 * and so is the cursor. */
uint32_t imap_status_read(struct imap_cursor *c);
/* The item's name on the wire. */
const char *imap_status_name(enum imap_status_item item);

#endif
