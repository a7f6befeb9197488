/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_MAILBOX_H
#define PROTO_POP3_POP3_MAILBOX_H

#include "proto/base/span.h"

/* What is particular about a message's bytes as they are stored; bits. */
enum pop3_form {
    POP3_FORM_UTF8 = 1,    /* bytes above 127 stand in a header (RFC 6532) */
    POP3_FORM_BINARY = 2,  /* came with BODY=BINARYMIME (RFC 3030): lines may not end in CRLF */
    POP3_FORM_REFUSED = 4, /* not for this client: RETR and TOP are answered -ERR [UTF8] */
};

enum { POP3_MESSAGES_MAX = 4000000 }; /* of one mailbox; a larger one is not opened */

/* A message as it is when the mailbox is opened. The message-number is the index plus 1. */
struct pop3_entry {
    uint64_t size;    /* octets that RETR sends, before byte-stuffing */
    struct span uidl; /* 1 to 70 characters %x21-7E (RFC 1939 section 7), or empty: made of
                         UIDVALIDITY and UID */
    uint32_t uid;
    uint8_t form; /* enum pop3_form, or-ed */
};

/* An opened mailbox; immutable but for the marks, and owned by who opened it until CLOSE. */
struct pop3_mailbox {
    const struct pop3_entry *entries;
    uint8_t *marks; /* (count + 7) / 8 bytes, zeroed: lent for deletion marks to whom it is opened
                       for */
    uint32_t count;
    uint32_t uid_validity;
    uint64_t octets; /* the sum of the sizes */
};

#endif
