/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_SIGNATURE_H
#define PROTO_DKIM_DKIM_SIGNATURE_H

#include "proto/base/writer.h"
#include "proto/dkim/dkim_body.h"

/* The tags of a signature: the field DKIM-Signature (RFC 6376 section 3.5), and its two sisters of
 * ARC (RFC 8617 section 4.1). */

enum dkim_result {
#define ROW(name, word) DKIM_RESULT_##name,
#include "proto/dkim/dkim_result.def"
#undef ROW
    DKIM_RESULTS
};

enum dkim_reason {
#define ROW(name, result, word, what) DKIM_##name,
#include "proto/dkim/dkim_reason.def"
#undef ROW
    DKIM_REASONS
};

enum dkim_note {
#define ROW(name, word, what) DKIM_NOTE_##name,
#include "proto/dkim/dkim_note.def"
#undef ROW
    DKIM_NOTES
};

enum dkim_key_type { DKIM_RSA, DKIM_ED25519, DKIM_KEY_TYPES };

/* The field that a signature stands in. */
enum dkim_kind {
    DKIM_KIND_SIGNATURE,   /* DKIM-Signature */
    DKIM_KIND_ARC_MESSAGE, /* ARC-Message-Signature: no v=, and i= is the set's number */
    DKIM_KIND_ARC_SEAL,    /* ARC-Seal: no h=, no bh=, no c= either */
};

enum {
    DKIM_BASE64_MAX = 4096,    /* characters of a value in base64, folds not counted */
    DKIM_SIGNATURE_MAX = 2048, /* bytes of a signature: a key of 16384 bits */
    DKIM_NAMES_MAX = 1000,     /* names in h= */
    DKIM_DOMAIN_MAX = 255,     /* bytes of d=, s=, and of the domain of i= */
    DKIM_IDENTITY_MAX = 512,   /* bytes of i=, once it is decoded */
};

/* Spans point into the field. */
struct dkim_signature {
    struct span field; /* all of it, without its last CRLF */
    struct span domain, selector;
    struct span identity;    /* i= as it stands; empty: there is none (ARC: always) */
    struct span headers;     /* h=: names between colons */
    struct span signed_with; /* b=, in base64 with its folds */
    size_t b_at, b_end;      /* what counts as empty while it is signed (section 3.7), in `field` */
    uint64_t length;         /* l=, or DKIM_LENGTH_ALL */
    uint64_t time, expires;  /* seconds since 1970; 0: not told */
    uint64_t instance;       /* i= of ARC */
    struct span chain;       /* cv= of ARC */
    uint8_t kind;
    uint8_t key_type; /* enum dkim_key_type */
    uint8_t hash;     /* enum dkim_hash */
    uint8_t header_canon, body_canon;
    bool draft; /* of an edition before RFC 4871, taken because legacy is allowed */
    uint8_t body_digest[DKIM_DIGEST_MAX];      /* bh= */
    uint16_t identity_len;                     /* of the next */
    uint8_t identity_bytes[DKIM_IDENTITY_MAX]; /* i= decoded */
};

/*
 * Reads a field, whole and without its last CRLF. DKIM_GOOD: it is well-formed and can be checked;
 * otherwise what is told of domain, selector and so on is what could be read. `legacy`: versions of
 * the drafts count too. Borrows the field.
 */
enum dkim_reason dkim_signature_read(struct span field, enum dkim_kind kind, bool legacy,
                                     struct dkim_signature *signature_out);
/* What stands before the last "@" of i=; empty without one. */
struct span dkim_signature_identity_local(const struct dkim_signature *s);
/* The domain of i=, or d=. */
struct span dkim_signature_identity_domain(const struct dkim_signature *s);
/* base64 with folds in it (section 3.2: FWS). False: it is none, or does not fit. */
bool dkim_base64_read(struct span text, struct writer *w);
/* "rsa-sha256" */
const char *dkim_algorithm_word(enum dkim_key_type type, enum dkim_hash hash);

const char *dkim_result_word(enum dkim_result result);
enum dkim_result dkim_reason_result(enum dkim_reason reason);
const char *dkim_reason_word(enum dkim_reason reason);
const char *dkim_reason_what(enum dkim_reason reason);
const char *dkim_note_word(enum dkim_note note);
const char *dkim_note_what(enum dkim_note note);

#endif
