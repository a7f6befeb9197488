/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_TRACE_H
#define PROTO_SMTP_SMTP_TRACE_H

#include "proto/base/ip_address.h"

/* What a trace header says. All spans are borrowed for the call; those from the peer need not be
 * clean. */
struct smtp_trace {
    struct span sender;    /* reverse-path as spelled, without brackets; empty for the null one */
    struct span recipient; /* forward-path as spelled, without brackets */
    struct span mailbox;   /* address of the mailbox that it is delivered to; empty: it goes on to
                              another server, and only Received is written */
    bool forwarded;      /* it goes on from that mailbox: Return-Path is left to the last server */
    bool hidden;         /* who submits is not to be told of: no "from" clause */
    bool only_recipient; /* the transaction has no other: "for" may stand in Received */
    struct span helo;    /* the client's name for itself */
    struct ip_address client;
    struct span client_name; /* by reverse look-up; empty where it is not known */
    struct span hostname;    /* ours */
    bool esmtp;              /* it said EHLO: protocol name of RFC 3848 */
    bool smtputf8;           /* protocol names of RFC 6531 section 4.3, and UTF-8 in addresses */
    bool authenticated;
    struct span tls_version; /* as "TLS1.3"; empty: there was no TLS */
    struct span tls_suite;   /* IANA's name of its cipher suite */
    struct span results;     /* whole fields about who sent it, which go above Received (RFC 7208
                                section 9.1, RFC 8601 section 2.3) */
    struct span id;          /* the message's id as text */
    uint64_t wall_seconds;   /* since 1970, UTC */
};

enum { SMTP_TRACE_MAX = 2560 }; /* octets that any trace fits in, but for `results` */

/*
 * Writes the header prefix of one delivery (RFC 5321 section 4.4): Return-Path, Delivered-To (RFC
 * 9228), the results, Received. Folded under 78 columns where a field has a place to fold. All or nothing: a
 * writer without SMTP_TRACE_MAX bytes of room, and those of `results`, may become full.
 */
void smtp_trace_put(struct writer *w, const struct smtp_trace *t);

/* Writes a date-time of RFC 5322 section 3.3 in UTC: "Sun, 22 Nov 2026 03:47:25 +0000". */
void smtp_trace_date(struct writer *w, uint64_t wall_seconds);

#endif
