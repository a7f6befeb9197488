/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_AUTH_SPF_IDENTITY_H
#define CONTROL_AUTH_SPF_IDENTITY_H

#include "proto/address/address.h"
#include "proto/spf/spf_check.h"

/*
 * Sets whose record `query` is about: that of a reverse path (RFC 7208 section 2.4), split at its
 * last "@"; without one it is a domain. Empty: that of query->helo. Domains with UTF-8 become
 * A-labels, in `room` (section 4.3). What is set borrows from both. True: it is HELO's.
 */
bool spf_identity_set(struct spf_query *query, struct span mail_from, uint8_t room[ADDRESS_KEY_MAX]);

#endif
