/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_MAILBOX_H
#define PROTO_POP3_POP3_MAILBOX_H

#include "proto/base/span.h"

/* A message as it is when the mailbox is opened. The message-number is the index plus 1. */
struct pop3_entry {
    uint64_t size;    /* octets that RETR sends, before byte-stuffing */
    struct span uidl; /* 1 to 70 characters %x21-7E (RFC 1939 section 7), or empty: made of
                         UIDVALIDITY and UID */
    uint32_t uid;
};

/* An opened mailbox; immutable, and owned by who opened it until CLOSE. */
struct pop3_mailbox {
    const struct pop3_entry *entries;
    uint32_t count;
    uint32_t uid_validity;
    uint64_t octets; /* the sum of the sizes */
};

#endif
