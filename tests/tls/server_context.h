/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_TLS_SERVER_CONTEXT_H
#define TESTS_TLS_SERVER_CONTEXT_H

#include <openssl/ssl.h>

/* What handshakes are done with by a server that has this key, which is taken, and a certificate of
 * its own for it. NULL: libcrypto failed. */
SSL_CTX *server_context(EVP_PKEY *key);

#endif
