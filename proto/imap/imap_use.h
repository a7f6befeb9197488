/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_USE_H
#define PROTO_IMAP_IMAP_USE_H

#include "proto/imap/imap_cursor.h"

/* Special uses of mailboxes (RFC 6154). */
enum imap_use {
#define IMAP_USE(NAME, attribute, bit, given) IMAP_USE_##NAME = bit,
#include "proto/imap/imap_use.def"
#undef IMAP_USE
};

/* What CREATE wants of a mailbox beside its name. */
struct imap_use_wanted {
    uint16_t uses; /* enum imap_use, or-ed: those that a mailbox may be given */
    bool refused;  /* another one was named, or one that nobody knows: NO [USEATTR] */
};

/* [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"] up to the end of the arguments (RFC 6154
 * section 3, RFC 4466 section 2.2). False: they are bad. */
bool imap_use_read_create(struct imap_cursor *c, struct imap_use_wanted *wanted_out);
/* " \Sent" and so on: each attribute behind a blank. */
void imap_use_put(struct writer *w, uint16_t uses);

#endif
