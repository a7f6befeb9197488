/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SASL_SCRAM_TEXT_H
#define PROTO_SASL_SCRAM_TEXT_H

#include "proto/sasl/gs2_header.h"

/* The messages of SCRAM (RFC 5802 section 7) as text, without any cryptography. */

enum {
    SCRAM_NONCE_MAX = 128, /* octets of a client's nonce; RFC 5802 has no bound */
    SCRAM_SALT_MAX = 32,
    SCRAM_KEY_MAX = 32, /* octets of what any hash of ours gives */
    SCRAM_SERVER_NONCE = 18,
};

struct scram_first {
    struct gs2_header header;
    struct span bare; /* client-first-message-bare */
    struct span user; /* as sent: gs2_name_read() decodes it */
    struct span nonce;
};

/* The client's first message. False: it is none, or asks for an extension that is mandatory: none
 * is known. */
bool scram_first_read(struct span message, struct scram_first *first_out);

struct scram_final {
    struct span without_proof; /* client-final-message-without-proof */
    struct span binding;       /* base64 */
    struct span nonce;
    struct span proof; /* base64 */
};

/* The client's final message. False: it is none. */
bool scram_final_read(struct span message, struct scram_final *final_out);

/* Writes the server's first message: the client's nonce, ours behind it, the salt. */
void scram_challenge_put(struct writer *w, struct span client_nonce, struct span server_nonce,
                         struct span salt, uint32_t iterations);

#endif
