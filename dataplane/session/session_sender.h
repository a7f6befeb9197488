/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_SENDER_H
#define DATAPLANE_SESSION_SESSION_SENDER_H

#include "dataplane/session/session.h"
#include "proto/address/address.h"

/*
 * Whether an account may send as an address (RFC 6409 section 6.1): one whose mail leads to it, by
 * itself, an alias or a catch-all; or one that its `send_as` names, alone or with all of a domain.
 */
bool session_sender_may(const struct sessions *ss, uint64_t account, const struct address *sender);

#endif
