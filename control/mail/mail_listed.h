/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_LISTED_H
#define CONTROL_MAIL_MAIL_LISTED_H

#include "control/mail/mail_name.h"
#include "control/mail/mail_nodes.h"

/* LIST responses, in the answer of LIST and where IMAP4rev2 has them without it. */

/* The attributes of a node, each behind a blank: what `told` asks for. */
enum mail_listed {
    MAIL_LISTED_SUBSCRIBED = 1, /* \Subscribed, where it is */
    MAIL_LISTED_NONEXISTENT = 2 /* \NonExistent, where clients know that; else \Noselect */
};
void mail_listed_attributes(struct writer *w, const struct mail_node *node, unsigned told);

/*
 * To a session with IMAP4rev2: a LIST response with the name of a mailbox that a command has named,
 * all its attributes as they are now, and OLDNAME where the name was given in another spelling (RFC
 * 9051 sections 6.3.2, 6.3.9.7). `from`: the name that was given, where that is another's. Bound:
 * the names of the account are gone over once.
 */
void mail_listed_put(struct imap_session *s, struct mail_run *r, const struct mail_name *name,
                     const struct mail_name *from);
/* The same, and only where the name, or that of `from`, was given in another spelling. */
void mail_listed_spelling(struct imap_session *s, struct mail_run *r, const struct mail_name *name,
                          const struct mail_name *from);

#endif
