/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_XCLIENT_H
#define PROTO_SMTP_SMTP_XCLIENT_H

#include "proto/base/ip_address.h"

/*
 * The XCLIENT command: a trusted proxy or filter in front says whom it speaks for. Attributes and
 * values as Postfix defines them in its XCLIENT_README.
 */
enum smtp_xclient_attribute {
    SMTP_XCLIENT_NAME,     /* the client's name by reverse look-up */
    SMTP_XCLIENT_ADDR,     /* "192.0.2.1", "IPV6:2001:db8::1" */
    SMTP_XCLIENT_PORT,     /* of the client */
    SMTP_XCLIENT_PROTO,    /* "SMTP" or "ESMTP" */
    SMTP_XCLIENT_HELO,     /* what the client called itself */
    SMTP_XCLIENT_LOGIN,    /* who authenticated there */
    SMTP_XCLIENT_DESTADDR, /* where the client connected to */
    SMTP_XCLIENT_DESTPORT,
    SMTP_XCLIENT_ATTRIBUTES,
};

/* What EHLO says of it, without a line end. */
#define SMTP_XCLIENT_OFFER "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"

struct smtp_xclient {
    uint8_t given;       /* bit of each attribute that was named */
    uint8_t unavailable; /* of these, the ones said to be unknown, for ever or for now */
    bool temporary;      /* NAME could not be looked up for now */
    bool esmtp;          /* PROTO */
    uint16_t port, dest_port;
    struct ip_address addr, dest;
    struct span name, helo, login; /* as xtext; smtp_xtext_put() decodes */
};

/* True when the attribute was given with a value. */
static inline bool smtp_xclient_has(const struct smtp_xclient *x, enum smtp_xclient_attribute which)
{
    return (x->given & ~x->unavailable) >> which & 1;
}

/* Reads what stands behind the verb. False when an attribute is unknown, given twice or has a value
 * that it cannot have. One pass. */
bool smtp_xclient_parse(struct span text, struct smtp_xclient *xclient_out);

/* Writes the octets that xtext (RFC 3461 section 4) which smtp_xclient_parse() has let pass stands
 * for. */
void smtp_xtext_put(struct writer *w, struct span xtext);

#endif
