/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TLS_TLS_RECORD_H
#define DATAPLANE_TLS_TLS_RECORD_H

#include "dataplane/handoff/tls_keys.h"
#include "proto/base/span.h"

/*
 * The record layer of TLS 1.3 (RFC 8446 section 5), of TLS 1.2 with AEADs (RFC 5246 section
 * 6.2.3.3, RFC 5288, 7905), and of TLS 1.0 to 1.2 with CBC (tls_cbc.h): seals and opens records with
 * keys that a handshake has left. Nothing of a record is shown before its tag was verified.
 *
 * The contexts of libcrypto belong to the worker, not to the connection: a few of them, in which
 * the keys that were used last lie expanded. A connection has its keys alone.
 */
enum {
    TLS_HEADER = 5,
    TLS_TAG = 16,
    TLS_PLAIN_MAX = 16384, /* RFC 8446 section 5.1 */
    /* What a sealed record has behind its header at most: RFC 8446 section 5.2 allows 256 octets
     * more; AEADs of TLS 1.2 need 24; CBC an IV, a MAC and up to 256 octets of padding, all of which
     * RFC 5246 section 6.2.3 would let be 2,048. */
    TLS13_SEALED_MAX = TLS_PLAIN_MAX + 256,
    TLS_SEALED_MAX = TLS_PLAIN_MAX + TLS_BLOCK + TLS_SECRET_MAX + 256,
    TLS_RECORD_MAX = TLS_HEADER + TLS_SEALED_MAX,
    /* What sealing adds at most: an IV, a MAC, a block of padding. */
    TLS_SEAL_ROOM = TLS_HEADER + TLS_BLOCK + TLS_SECRET_MAX + TLS_BLOCK,
};

enum tls_content {
    TLS_CHANGE_CIPHER_SPEC = 20,
    TLS_ALERT = 21,
    TLS_HANDSHAKE = 22,
    TLS_APPLICATION_DATA = 23,
};

/* Records that one key may protect (RFC 8446 section 5.5: 2^24.5 for AES-GCM); then it has to be
 * another one. */
#define TLS_RECORDS_A_KEY (UINT64_C(1) << 24)

struct tls_crypto;

/* What one worker works with; at its start. NULL: no memory, or libcrypto lacks an algorithm. */
struct tls_crypto *tls_crypto_new(void);
void tls_crypto_free(struct tls_crypto *crypto);

/* One direction of a connection. */
struct tls_lane {
    struct tls_way way;
    uint64_t serial; /* names its key among all of the worker's */
};

struct tls_record {
    const struct tls_suite *suite;
    uint16_t version;
    bool etm; /* as in struct tls_keys */
    struct tls_lane read, write;
};

/* Takes over the keys. False: it is no suite of tls_suite.def, or not of that version. */
bool tls_record_init(struct tls_record *r, struct tls_crypto *crypto, const struct tls_keys *keys);
/* Forgets the keys. */
void tls_record_wipe(struct tls_record *r);

/*
 * How long a record is in all, by its first TLS_HEADER bytes; 0: none begins so, by its type or its
 * length. Of a sealed record, or of one of a handshake.
 */
size_t tls_record_length(const uint8_t header[TLS_HEADER]);

enum tls_opened {
    TLS_OPENED,
    TLS_FORGED,    /* the tag is wrong, or the MAC, or the padding: nobody is told which */
    TLS_TOO_LONG,  /* more than TLS_PLAIN_MAX octets */
    TLS_MISFORMED, /* it cannot be one */
};

/*
 * Opens a whole record, header included. What was in it is *plain_out, in `room`, which has
 * TLS_SEALED_MAX bytes; nothing stands there unless TLS_OPENED. The same record may be opened
 * again: only tls_record_taken() moves on to the next.
 */
enum tls_opened tls_record_open(struct tls_record *r, struct tls_crypto *crypto, struct span record,
                                uint8_t *room, uint8_t *type_out, struct span *plain_out);
void tls_record_taken(struct tls_record *r);

/*
 * Seals up to TLS_PLAIN_MAX octets as the next record, into `room` of plain.len + TLS_SEAL_ROOM
 * bytes; its length, or 0: the key is used up, or libcrypto failed. Who cannot send it puts
 * r->write back to what it was.
 */
size_t tls_record_seal(struct tls_record *r, struct tls_crypto *crypto, enum tls_content type,
                       struct span plain, uint8_t *room);

/* The next generation of a traffic secret (RFC 8446 section 7.2), of TLS 1.3 alone. */
void tls_record_update(struct tls_record *r, struct tls_crypto *crypto, struct tls_lane *lane);

#endif
