/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_TLS_OUTCOME_H
#define DATAPLANE_HANDOFF_TLS_OUTCOME_H

#include "dataplane/handoff/tls_keys.h"

enum { TLS_NAME_MAX = 96 };

/* What came of the certificate that the client was asked for. */
enum tls_client {
    TLS_CLIENT_NONE,     /* it has shown none */
    TLS_CLIENT_UNPROVEN, /* it has shown one that is not to be trusted */
    TLS_CLIENT_VERIFIED,
};

/* What a handshake ended in. */
struct tls_outcome {
    struct tls_keys keys;
    bool resumed;
    uint8_t client;   /* enum tls_client */
    uint8_t name_len; /* of the name that the client asked for; cut to TLS_NAME_MAX */
    uint8_t name[TLS_NAME_MAX];
};

#endif
