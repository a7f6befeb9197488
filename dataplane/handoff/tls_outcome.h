/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_TLS_OUTCOME_H
#define DATAPLANE_HANDOFF_TLS_OUTCOME_H

#include "dataplane/handoff/tls_keys.h"
#include "proto/address/address.h"

enum { TLS_NAME_MAX = 88, TLS_EXPORTER = 32, TLS_END_POINT_MAX = 64 };

/* What came of the certificate that the client was asked for. */
enum tls_client {
    TLS_CLIENT_NONE,     /* it has shown none */
    TLS_CLIENT_UNPROVEN, /* it has shown one that is not to be trusted */
    TLS_CLIENT_VERIFIED,
};

/* What a login can be bound to the connection by; a length of 0: it has not that one. */
struct tls_binding {
    uint8_t exporter_len, end_point_len;
    uint8_t exporter[TLS_EXPORTER];       /* tls-exporter (RFC 9266) */
    uint8_t end_point[TLS_END_POINT_MAX]; /* tls-server-end-point (RFC 5929 section 4) */
};

/* What a handshake ended in. */
struct tls_outcome {
    struct tls_keys keys;
    bool resumed;
    uint8_t client;   /* enum tls_client */
    uint8_t name_len; /* of the name that the client asked for; cut to TLS_NAME_MAX */
    uint8_t name[TLS_NAME_MAX];
    struct tls_binding binding;
    /* Whom a certificate that was verified is for, as an address; empty: nobody that can log in by
     * it. */
    uint16_t identity_len;
    uint8_t identity[ADDRESS_KEY_MAX];
};

#endif
