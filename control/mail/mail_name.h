/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_NAME_H
#define CONTROL_MAIL_MAIL_NAME_H

#include "control/mail/mail_session.h"
#include "proto/imap/imap_name.h"

/* A mailbox's name as a command says it. */
struct mail_name {
    struct span text; /* canonical, in `bytes` */
    struct span given; /* as the command has it, without a "/" at its end; valid as long as the run */
    uint8_t bytes[IMAP_NAME_MAX];
};

/* Reads it off the arguments. False: the run is answered already (BAD, or NO with the reason):
 * return MAIL_STEP_OVER. */
bool mail_name_read(struct imap_session *s, struct mail_run *r, struct mail_name *name_out);
/* The mailbox of that name in the session's account. False: likewise. `code` is the response code
 * where there is none: "[NONEXISTENT]" or "[TRYCREATE]". */
bool mail_name_find(struct imap_session *s, struct mail_run *r, const struct mail_name *name,
                    const char *code, uint64_t *mailbox_out);

/* What a rule has put aside is not for whoever reads mail: no mailbox is found by that name
 * (docs/quarantine.md), and none is made. */
bool mail_name_quarantine(const struct mail_name *name);

/* UIDVALIDITY of a mailbox; 0: it is gone. */
uint32_t mail_uid_validity(struct store *store, uint64_t mailbox);

#endif
