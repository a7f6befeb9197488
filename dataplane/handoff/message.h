/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_MESSAGE_H
#define DATAPLANE_HANDOFF_MESSAGE_H

#include "dataplane/handoff/chunk.h"
#include "proto/base/id128.h"
#include "proto/base/ip_address.h"

/*
 * A message on its way into the store: one shared body, and a delivery for each recipient. All of
 * it lies in memory of the worker's that stays as it is until the commit is answered; the store
 * copies what it keeps.
 */
enum { MESSAGE_DELIVERIES = 100 }; /* most recipients of one message (RFC 5321 section 4.5.3.1.8) */

enum message_place {
    MESSAGE_INBOX,
    MESSAGE_QUARANTINE, /* the account's quarantine: not counted in its quota, not seen by POP3 */
};

enum message_body {
    MESSAGE_BODY_7BIT,
    MESSAGE_BODY_8BITMIME,
    MESSAGE_BODY_BINARYMIME,
};

/* What the transaction said, kept whole so that queueing, DSN and relaying need no other format
 * (RFC 3461, 8689, 6531, 6710, 2852, 4865). */
struct message_envelope {
    struct span sender; /* reverse-path as spelled, without the angle brackets; empty for <> */
    struct span helo;
    struct span authenticated; /* identity of a submission; empty at an MX */
    struct span envid;         /* DSN ENVID */
    struct ip_address client;
    uint16_t client_port;
    uint8_t body; /* enum message_body */
    uint8_t ret;  /* DSN RET: 0 none, 1 FULL, 2 HDRS */
    bool require_tls;
    bool tls_optional; /* "TLS-Required: No" in its header, and not the other */
    bool smtputf8;
    int8_t priority;        /* MT-PRIORITY, 0 by default */
    uint64_t deliver_by_ms; /* absolute, 0 for none */
    uint64_t hold_until_ms; /* absolute, 0 for none */
};

struct message_delivery {
    struct span
        recipient;       /* as spelled at RCPT, detail and all; the first of those that led here */
    struct span mailbox; /* address of the account that it ends in, for the session alone */
    struct span orcpt;   /* DSN ORCPT */
    uint8_t notify;   /* DSN NOTIFY bits: 1 never, 2 success, 4 failure, 8 delay; 0 for default */
    uint8_t place;    /* enum message_place */
    bool junk;        /* for the inbox: the account's mailbox for junk instead, whatever its name */
    bool make;        /* `folder`, or the one for junk under that name, is made where there is none */
    uint64_t account; /* immutable id of the account */
    struct span folder; /* for the inbox: the account's mailbox of that name instead, in any case of
                           ASCII letters; UTF-8 as a peer sent it. Empty: the inbox */
    struct span
        prefix; /* header fields in front of the body: Return-Path, Delivered-To, Received ... */
    uint64_t mailbox_out; /* the account's mailbox that `folder` and `junk` lead to, set before the
                             commit; 0, and where that one is gone then: the inbox */
    uint32_t uid_out;     /* set by the store once committed */
};

struct message {
    struct id128 id;
    uint64_t received_ms; /* internal date: wall clock at the final dot */
    struct message_envelope envelope;
    uint64_t size;            /* of the whole body */
    uint32_t rows_written;    /* chunks already stored by JOB_STORE_WRITE, rows 0 .. rows_written-1,
                                 each full */
    const struct chunk *rest; /* the chunks that follow, oldest first; may be NULL */
    struct span tree;         /* encoded part tree and envelope fields (proto/mime/mime_tree.h) */
    struct span verdict;      /* quarantine: id of the deciding rule, for its row */
    uint32_t deliveries;
    struct message_delivery delivery[MESSAGE_DELIVERIES];
};

#endif
