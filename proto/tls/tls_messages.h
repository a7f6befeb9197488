/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_TLS_TLS_MESSAGES_H
#define PROTO_TLS_TLS_MESSAGES_H

#include "proto/base/span.h"

/*
 * Puts the handshake messages of one direction together (RFC 8446 section 4, RFC 5246 section 7.4),
 * which may be cut over records anywhere, in a buffer of the caller's. One that does not fit is
 * passed over, and told without its body.
 */
enum { TLS_MESSAGE_HEADER = 4 };

enum tls_message_type {
    TLS_HELLO_REQUEST = 0,
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_ENCRYPTED_EXTENSIONS = 8,
    TLS_CERTIFICATE = 11,
    TLS_FINISHED = 20,
    TLS_KEY_UPDATE = 24,
};

struct tls_messages {
    uint8_t *buffer; /* borrowed */
    uint32_t size;
    uint32_t kept; /* bytes of messages that stay, from its beginning */
    uint32_t len;  /* bytes of the message under way behind them, with its header */
    uint32_t need; /* bytes of its body that have not come; known with its header */
    bool over;     /* it does not fit */
    bool told;     /* it is whole, and was handed out */
};

struct tls_message {
    uint8_t type;
    bool cut;         /* it did not fit: there is no body */
    struct span body; /* in the buffer; until the next call, or as long as the buffer where kept */
};

/* `size`: at least TLS_MESSAGE_HEADER. */
void tls_messages_init(struct tls_messages *m, uint8_t *buffer, uint32_t size);
/* The next whole message; *in moves behind it. False: all input taken. Bound: one pass. */
bool tls_messages_next(struct tls_messages *m, struct span *in, struct tls_message *out);
/* The message that came last stays where it is. */
void tls_messages_keep(struct tls_messages *m);
/* No message is under way. */
bool tls_messages_idle(const struct tls_messages *m);

#endif
