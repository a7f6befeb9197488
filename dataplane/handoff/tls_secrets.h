/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_TLS_SECRETS_H
#define DATAPLANE_HANDOFF_TLS_SECRETS_H

#include "proto/tls/tls_key_log.h"

/*
 * The secrets of a key log, for workers that watch others' TLS: written by one thread of control,
 * read by any, without a lock. A table of fixed size, left out of core files; where it is full a
 * newer secret takes the place of an old one.
 */
enum { TLS_SECRETS_ENTRY = 96 }; /* bytes that one takes */

struct tls_secrets;

/* Room for at least so many. NULL: no memory. */
struct tls_secrets *tls_secrets_new(uint32_t entries);
void tls_secrets_free(struct tls_secrets *secrets);
/* By the one thread that writes. What is there already is replaced. */
void tls_secrets_put(struct tls_secrets *secrets, const struct tls_key_log_entry *entry);
/* How long the secret is that was copied, 32 or 48; 0: there is none. O(1). */
uint32_t tls_secrets_get(const struct tls_secrets *secrets, enum tls_key_log_label label,
                         const uint8_t random[TLS_RANDOM], uint8_t secret_out[TLS_KEY_LOG_SECRET]);

#endif
