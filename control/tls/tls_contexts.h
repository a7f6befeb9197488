/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TLS_TLS_CONTEXTS_H
#define CONTROL_TLS_TLS_CONTEXTS_H

#include <openssl/ssl.h>

#include "control/config/config.h"

/*
 * What handshakes are done with, by one configuration: for each listener with TLS a context with
 * its certificates. Used by the crypto threads alone once they have them.
 */
struct tls_contexts;
struct tls_tickets;

/* The certificates are read now. NULL, with lines in `why`: something is wrong with them. Tickets
 * are sealed with `tickets`, borrowed; NULL: none are given. */
struct tls_contexts *tls_contexts_new(const struct config *config, struct tls_tickets *tickets,
                                      struct writer *why);
/* One more user of them; each ends with tls_contexts_free(). Any thread. */
struct tls_contexts *tls_contexts_share(struct tls_contexts *contexts);
/* Frees them with their last user. NULL is nothing to free. */
void tls_contexts_free(struct tls_contexts *contexts);
/* Of the listener on this port; NULL: it has no TLS. */
SSL_CTX *tls_contexts_find(const struct tls_contexts *contexts, uint16_t port);
/* When the first certificate expires, in seconds since 1970; INT64_MAX: there is none. */
int64_t tls_contexts_expiry(const struct tls_contexts *contexts);

/* Says in the log which certificates end within tls.expiry_warning of `now`, in seconds since 1970.
 */
void tls_contexts_warn(const struct tls_contexts *contexts, int64_t now);

/* What is wrong with a configuration's TLS, as lines in `why`. */
bool tls_contexts_check(const struct config *config, struct writer *why);

#endif
