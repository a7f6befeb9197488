/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_TLS_TLS_KEY_LOG_H
#define PROTO_TLS_TLS_KEY_LOG_H

#include "proto/tls/tls_hello.h"

/*
 * Reads the file that SSLKEYLOGFILE names (RFC 9850, the format of NSS), in whatever pieces it
 * comes. Bounded state, no memory.
 *
 *   line = label SP client-random SP secret LF       ; 64 digits; secret: 64 or 96, in hexadecimal
 *
 * Blank lines, those that begin with "#" and those of other labels are passed over; LF and CR LF
 * end a line.
 */
enum tls_key_log_label {
#define TLS_KEY_LOG_LABEL(name) TLS_KEY_LOG_##name,
#include "proto/tls/tls_key_log_label.def"
#undef TLS_KEY_LOG_LABEL
    TLS_KEY_LOG_LABELS,
};

enum { TLS_KEY_LOG_SECRET = 48, TLS_KEY_LOG_LINE = 256 };

struct tls_key_log {
    uint8_t line[TLS_KEY_LOG_LINE];
    uint16_t len;
    bool over; /* the line is too long for one of these */
};

enum tls_key_log_status {
    TLS_KEY_LOG_MORE,  /* all input taken */
    TLS_KEY_LOG_ENTRY, /* a line with a secret */
    TLS_KEY_LOG_BAD,   /* a line of a label that is read, and misformed */
};

struct tls_key_log_entry {
    enum tls_key_log_label label;
    uint8_t random[TLS_RANDOM];
    uint8_t secret[TLS_KEY_LOG_SECRET];
    uint8_t len; /* of the secret: 32 or 48 */
};

/* The next line that matters; *in moves behind it. Call again until MORE. Bound: one pass. */
enum tls_key_log_status tls_key_log_next(struct tls_key_log *k, struct span *in,
                                         struct tls_key_log_entry *out);

#endif
