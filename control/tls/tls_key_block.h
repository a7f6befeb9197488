/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TLS_TLS_KEY_BLOCK_H
#define CONTROL_TLS_TLS_KEY_BLOCK_H

#include <openssl/ssl.h>

#include "dataplane/handoff/tls_keys.h"

/*
 * The keys of TLS 1.2 and before, of a handshake that is over: what the client writes with, and the
 * server (RFC 5246 section 6.3, RFC 2246 the same). Their sequence numbers, too; not the IV that TLS
 * 1.0 takes from the record before. False: libcrypto failed.
 */
bool tls_key_block_take(SSL *ssl, const struct tls_suite *suite, struct tls_way *client,
                        struct tls_way *server);

#endif
