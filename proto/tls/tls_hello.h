/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_TLS_TLS_HELLO_H
#define PROTO_TLS_TLS_HELLO_H

#include "proto/base/span.h"

/*
 * What a TLS handshake says in the clear (RFC 8446, RFC 5246): the hello of one direction, and
 * before TLS 1.3 the server's certificate. Records are put together in a buffer of the caller's;
 * what does not fit is not read.
 */
enum tls_hello_status {
    TLS_HELLO_MORE,
    TLS_HELLO_DONE, /* all there is to know of this direction is known */
    TLS_HELLO_BAD,  /* no TLS, or more than fits; what is known stands */
};

struct tls_hello {
    uint8_t *buffer; /* borrowed */
    uint32_t size, len;
    uint32_t at;     /* messages before this are read */
    uint8_t head[5]; /* of the record under way */
    uint8_t head_len;
    uint16_t left;                 /* of its body */
    bool hello;                    /* one was read; the rest is then known */
    uint16_t version;              /* the client's highest, or what the server chose */
    struct span server_name, alpn; /* in the buffer; empty: not said */
    struct span certificate;       /* the server's own, DER, in the buffer */
};

void tls_hello_init(struct tls_hello *t, uint8_t *buffer, uint32_t size);
/* Reads on. Bound: one pass. */
enum tls_hello_status tls_hello_feed(struct tls_hello *t, struct span bytes);
/* "TLS 1.2", "SSL 3.0", "unknown" */
const char *tls_hello_version_name(uint16_t version);

#endif
