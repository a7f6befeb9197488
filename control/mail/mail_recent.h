/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_RECENT_H
#define CONTROL_MAIL_MAIL_RECENT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * \Recent (RFC 3501 section 2.3.2): up to which UID some session was told of a mailbox's messages,
 * for as long as the engine runs. Of what it does not know it says 0: all messages are recent then,
 * as the RFC wants.
 */
struct mail_recent;

struct mail_recent *mail_recent_new(void);
void mail_recent_free(struct mail_recent *r);
uint32_t mail_recent_get(const struct mail_recent *r, uint64_t mailbox);
/* Without memory it is forgotten. */
void mail_recent_set(struct mail_recent *r, uint64_t mailbox, uint32_t uid);

#endif
