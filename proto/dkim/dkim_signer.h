/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_SIGNER_H
#define PROTO_DKIM_DKIM_SIGNER_H

#include "proto/dkim/dkim_signature.h"

/* A private key to sign with: RSA or Ed25519, as PEM has it. */

enum dkim_signer_status {
    DKIM_SIGNER_GOOD,
    DKIM_SIGNER_BAD,       /* no private key, or the passphrase is wrong */
    DKIM_SIGNER_ENCRYPTED, /* it is, and there is no passphrase */
    DKIM_SIGNER_TYPE,      /* neither RSA nor Ed25519 */
    DKIM_SIGNER_SHORT,     /* an RSA key of less than DKIM_RSA_BITS_LEAST bits (RFC 8301 section
                              3.2), or one longer than DKIM_RSA_BITS_MOST */
};

struct dkim_signer {
    struct evp_pkey_st *key;
    uint8_t type; /* enum dkim_key_type */
    uint32_t bits;
};

enum { DKIM_SIGNER_RECORD_MAX = 3072 }; /* bytes of a record */

/* Reads a key. `passphrase` may be empty. */
enum dkim_signer_status dkim_signer_read(struct span pem, struct span passphrase,
                                         struct dkim_signer *signer_out);
void dkim_signer_fini(struct dkim_signer *s);
/* Writes the text of the record that publishes the key (RFC 6376 section 3.6.1, RFC 8463 section
 * 4). False: it does not fit. */
bool dkim_signer_record(const struct dkim_signer *s, struct writer *w);
/* Signs the digest of a header with SHA-256. False: no memory, or it does not fit. */
bool dkim_signer_sign(const struct dkim_signer *s, struct span digest, struct writer *w);

#endif
