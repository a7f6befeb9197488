/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TLS_TLS_TICKETS_H
#define CONTROL_TLS_TLS_TICKETS_H

#include <openssl/ssl.h>

#include "control/config/config.h"

/*
 * The keys that session tickets are sealed with (RFC 5077 section 4, RFC 8446 section 4.6.1): one
 * that seals, older ones that still open. A new one comes by time, or all come from a file, so that
 * several machines take each other's tickets.
 */
struct tls_tickets;

enum {
    TLS_TICKET_KEY = 80, /* octets of a key in a file: name 16, HMAC-SHA-256 32, AES-256 32 */
    TLS_TICKET_KEYS = 3,
};

/* Keys of its own. NULL: no memory, or no randomness. */
struct tls_tickets *tls_tickets_new(void);
void tls_tickets_free(struct tls_tickets *tickets);
/* By the configuration: the file is read anew. False: a line in `why`, and nothing has changed. Any
 * thread. */
bool tls_tickets_set(struct tls_tickets *tickets, const struct config_tls *config,
                     struct writer *why);
/* Whether tls_tickets_set() would take it. */
bool tls_tickets_check(const struct config_tls *config, struct writer *why);
/* Handshakes of this context give `count` tickets; NULL: none. */
void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *context, uint32_t count);

#endif
