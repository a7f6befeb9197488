/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_DIRECTORY_H
#define DATAPLANE_SESSION_SESSION_DIRECTORY_H

#include "dataplane/session/session.h"
#include "proto/address/address.h"

/*
 * An address that the directory's table does not know is asked of control, and the command that
 * needs it waits: MAIL and the end of a message for what the account may send as, RCPT for whom it
 * leads to. The answer is in the table then. Without one in time it is a temporary failure
 * (SMTP_REPLY_DIRECTORY_AWAY), never "no such user".
 */
enum session_directory_for {
    SESSION_DIRECTORY_RCPT,
    SESSION_DIRECTORY_MAIL,
    SESSION_DIRECTORY_END
};

/* `account`: who wants to send as it; 0 for RCPT. True: the question is out, and the command waits;
 * the address was kept in the transaction's `asked`. False: it could not be put. */
bool session_directory_ask(struct sessions *ss, struct session *s, const struct address *address,
                           uint64_t account, enum session_directory_for what);
/* The same for the addresses of From and Sender of a submitted message that are not known, one
 * after the other. False: none is, and *row says what is against the message. */
bool session_directory_senders(struct sessions *ss, struct session *s, enum smtp_reply_id *row);
void session_directory_answer(struct sessions *ss, struct session *s, const struct job *job);
/* The deadline passed: true when it was that of a question, which is given up. */
bool session_directory_due(struct sessions *ss, struct session *s);

#endif
