/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_SENDER_H
#define DATAPLANE_SESSION_SESSION_SENDER_H

#include "dataplane/session/session.h"
#include "proto/address/address.h"

/*
 * Whether an account may send as an address (RFC 6409 section 6.1): one whose mail leads to it, by
 * itself, an alias or a catch-all; or one that it is granted, alone or with all of a domain.
 * SMTP_REPLY_NONE; `refusal`; or SMTP_REPLY_DIRECTORY_AWAY: nobody knows yet, session_directory.h
 * asks.
 */
enum smtp_reply_id session_sender_check(const struct sessions *ss, uint64_t account,
                                        const struct address *sender, enum smtp_reply_id refusal);

#endif
