/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DKIM_DKIM_SIGN_H
#define PROTO_DKIM_DKIM_SIGN_H

#include "proto/dkim/dkim_header.h"
#include "proto/dkim/dkim_signer.h"

/* Making signatures (RFC 6376 section 5). */

enum {
    DKIM_SIGN_FIELD_MAX = 16384, /* bytes of a signature's field */
    DKIM_SIGN_NAMES_MAX = 500,   /* names in h= */
};

/* What is signed unless somebody says otherwise (section 5.4.1): all fields of these names, and of
 * the second list one more than there are, so that none can be added. */
#define DKIM_SIGN_HEADERS                                                                          \
    "from:sender:reply-to:subject:date:message-id:to:cc:in-reply-to:references:mime-version:"      \
    "content-type:content-transfer-encoding:content-disposition:content-language:resent-from:"     \
    "resent-sender:resent-to:resent-cc:resent-date:resent-message-id:list-id:list-help:"           \
    "list-unsubscribe:list-unsubscribe-post:list-subscribe:list-post:list-owner:list-archive"
#define DKIM_SIGN_OVERSIGNED                                                                       \
    "from:sender:reply-to:subject:date:message-id:to:cc:mime-version:content-type"

/* Borrowed for the call. Domains are A-labels, or UTF-8 in a message that may have it (RFC 8616).
 */
struct dkim_sign_order {
    uint8_t kind; /* enum dkim_kind; not a seal */
    uint8_t header_canon, body_canon;
    uint64_t instance; /* of ARC */
    struct span domain, selector;
    struct span identity;   /* i=; empty: none */
    struct span headers;    /* names between colons; each signs all fields of that name */
    struct span oversigned; /* the same, and one more of each */
    uint64_t time, expires; /* seconds since 1970; 0: none */
};

/* Wants the hash of the body that the order signs; as dkim_body_want(). */
int dkim_sign_want(const struct dkim_sign_order *order, struct dkim_body *body);
/*
 * Writes the field with its folds and its last CRLF, to be put before the header. False: From is
 * not among the names, the names or the field are too long, or there is no memory.
 */
bool dkim_sign(struct writer *w, const struct dkim_sign_order *order,
               const struct dkim_signer *signer, const struct dkim_header *header,
               const struct dkim_body *body, int want);

/*
 * What the signatures of DKIM and ARC are put together of. The field's name and its first tags are
 * there; "b=" is written with the signature of the digest, then CRLF.
 */
struct field_writer;
void dkim_sign_tag(struct field_writer *f, const char *name, struct span value);
void dkim_sign_number(struct field_writer *f, const char *name, uint64_t value);
bool dkim_sign_end(struct field_writer *f, const struct dkim_signer *signer, struct span digest);

#endif
