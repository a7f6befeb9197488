/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_TLS_TLS_HELLO_H
#define PROTO_TLS_TLS_HELLO_H

#include "proto/base/cursor.h"

/*
 * What the hellos of a TLS handshake say (RFC 8446 section 4.1, RFC 5246 section 7.4.1), and which
 * certificates it shows. All spans lie in the message that was read.
 */
enum { TLS_RANDOM = 32 };

enum tls_extension {
    TLS_EXTENSION_SERVER_NAME = 0,    /* RFC 6066 section 3 */
    TLS_EXTENSION_GROUPS = 10,        /* RFC 8446 section 4.2.7 */
    TLS_EXTENSION_POINT_FORMATS = 11, /* RFC 8422 section 5.1.2 */
    TLS_EXTENSION_SIGNATURES = 13,    /* RFC 8446 section 4.2.3 */
    TLS_EXTENSION_ALPN = 16,          /* RFC 7301 section 3.1 */
    TLS_EXTENSION_ETM = 22,           /* RFC 7366 section 2: encrypt_then_mac */
    TLS_EXTENSION_TICKET = 35,        /* RFC 5077 section 3.2 */
    TLS_EXTENSION_PSK = 41,           /* RFC 8446 section 4.2.11 */
    TLS_EXTENSION_EARLY_DATA = 42,    /* RFC 8446 section 4.2.10 */
    TLS_EXTENSION_VERSIONS = 43,      /* RFC 8446 section 4.2.1 */
};

/* What either hello has. Lists are as on the wire, without the length in front of them; those of
 * extensions that are not there are empty. */
struct tls_hello {
    uint16_t legacy_version; /* the one in the message itself */
    uint16_t version;        /* a client's highest, of a server the one that it chose */
    struct span random;      /* TLS_RANDOM bytes */
    struct span session;     /* the id: 0 to 32 bytes */
    struct span suites;      /* two bytes each; of a server one */
    struct span extensions;
    struct span server_name; /* the first host_name */
    struct span alpn;        /* names with a byte of length in front */
    struct span groups;      /* two bytes each */
    struct span point_formats;
    struct span signatures; /* two bytes each */
    struct span versions;   /* a client's; two bytes each */
    bool named;             /* the extension of the name is there, be it empty */
    bool psk, early_data;
    bool etm;        /* encrypt_then_mac is offered, or of a server agreed on */
    bool compressed; /* a server's: another method than null */
    bool retry;      /* a server's HelloRetryRequest: the client says hello again */
};

/* Reads the body of a message. False: it cannot be one. Bound: one pass. */
bool tls_client_hello_read(struct span body, struct tls_hello *out);
bool tls_server_hello_read(struct span body, struct tls_hello *out);
/* The ALPN of EncryptedExtensions (RFC 8446 section 4.3.1), empty where none was agreed on. */
struct span tls_encrypted_alpn(struct span body);
/* The first name of a list of ALPN. */
struct span tls_alpn_first(struct span list);
/* The next extension of a hello. False: no more. */
bool tls_extension_next(struct cursor *all, uint16_t *type_out, struct span *body_out);

/* The next certificate (DER) of a Certificate message. */
struct tls_certificates {
    struct cursor list;
    bool tls13; /* each has extensions behind it (RFC 8446 section 4.4.2) */
};
void tls_certificates_init(struct tls_certificates *c, struct span body, bool tls13);
bool tls_certificates_next(struct tls_certificates *c, struct span *der_out);

/* A value that means nothing (RFC 8701 section 2). */
static inline bool tls_is_grease(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}
/* "TLS 1.2", "SSL 3.0", "unknown" */
const char *tls_version_name(uint16_t version);
/* IANA's name of a suite; NULL: none that this table has. */
const char *tls_suite_name(uint16_t suite);

#endif
