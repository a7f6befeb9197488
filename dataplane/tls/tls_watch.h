/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TLS_TLS_WATCH_H
#define DATAPLANE_TLS_TLS_WATCH_H

#include "dataplane/tls/tls_record.h"

/* The records of both directions of others' connection, opened with the secrets of a key log. */
struct tls_watch {
    const struct tls_suite *suite; /* NULL: nothing can be opened */
    uint16_t version;
    struct tls_lane lane[2]; /* the client's, the server's */
};

/* False: it is no AEAD of tls_suite.def, or not of that version. */
bool tls_watch_init(struct tls_watch *w, uint16_t version, uint16_t suite);
/* TLS 1.3: a direction goes on under this traffic secret, of the suite's hash. */
void tls_watch_secret(struct tls_watch *w, struct tls_crypto *crypto, int direction,
                      const uint8_t *secret);
/* TLS 1.2: the keys of both directions, of the master secret (RFC 5246 section 6.3). */
void tls_watch_master(struct tls_watch *w, struct tls_crypto *crypto,
                      const uint8_t master[TLS_SECRET_MAX], const uint8_t client_random[32],
                      const uint8_t server_random[32]);
struct tls_watched {
    uint8_t *room; /* given: TLS_SEALED_MAX bytes */
    uint8_t type;  /* enum tls_content */
    struct span plain;
};
/* As tls_record_open(). */
enum tls_opened tls_watch_open(const struct tls_watch *w, struct tls_crypto *crypto, int direction,
                               struct span record, struct tls_watched *out);
/* How many octets at most were in a sealed body of this length. */
size_t tls_watch_plain(const struct tls_watch *w, size_t sealed);
/* A record has gone by, opened or not. */
void tls_watch_taken(struct tls_watch *w, int direction);
/* RFC 8446 section 7.2: behind a KeyUpdate. */
void tls_watch_update(struct tls_watch *w, struct tls_crypto *crypto, int direction);

#endif
