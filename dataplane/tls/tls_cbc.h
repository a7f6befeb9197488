/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TLS_TLS_CBC_H
#define DATAPLANE_TLS_TLS_CBC_H

#include "dataplane/tls/tls_record.h"

/*
 * Records of the suites with CBC and HMAC, of TLS 1.0 to 1.2: GenericBlockCipher of RFC 5246 section
 * 6.2.3.2, RFC 4346 and RFC 2246 the same section; with RFC 7366 the MAC is over what was encrypted.
 * Private to this folder; tls_record has what is called.
 *
 * Whether padding or MAC is wrong cannot be told by the time that it takes: without RFC 7366 both
 * are checked by libcrypto's functions for TLS, in constant time, for which it takes some memory and
 * gives it back.
 */

/* seq_num + type + version + length, over which the MAC of a record begins, and which an AEAD of TLS
 * 1.2 authenticates (RFC 5246 sections 6.2.3.1, 6.2.3.3). */
enum { TLS_PSEUDO_HEADER = 13 };
void tls_record_pseudo_header(const struct tls_lane *lane, const uint8_t header[TLS_HEADER],
                              size_t len, uint8_t out[TLS_PSEUDO_HEADER]);
/* Big-endian. */
void tls_record_number(uint8_t *to, uint64_t n, int bytes);

/* As tls_record_open(), of a record whose length is as its header says. */
enum tls_opened tls_cbc_open(struct tls_record *r, struct tls_crypto *crypto, struct span record,
                             uint8_t *room, struct span *plain_out);
/* As tls_record_taken(). */
void tls_cbc_taken(struct tls_record *r);
/* As tls_record_seal(); room[0] to room[2] are there, plain.len is no more than allowed. */
size_t tls_cbc_seal(struct tls_record *r, struct tls_crypto *crypto, struct span plain,
                    uint8_t *room);

#endif
