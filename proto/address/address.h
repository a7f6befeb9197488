/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_ADDRESS_ADDRESS_H
#define PROTO_ADDRESS_ADDRESS_H

#include "proto/base/writer.h"

/*
 * Mail addresses of an SMTP envelope: Path and Mailbox of RFC 5321 section 4.1.2, with the length
 * limits of section 4.5.3.1. Nothing is copied: a result is spans into the text that was read.
 */

/* Octets, as spelled unless said otherwise. */
enum {
    ADDRESS_LOCAL_MAX = 64,   /* local part (section 4.5.3.1.1) */
    ADDRESS_DOMAIN_MAX = 255, /* domain (section 4.5.3.1.2) */
    ADDRESS_PATH_MAX = 256,   /* path with "<", ">" and source route (section 4.5.3.1.3) */
    /* what address_key() writes */
    ADDRESS_KEY_MAX = ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX,
};

enum address_kind {
    ADDRESS_NULL,       /* the null reverse-path "<>": both spans are empty */
    ADDRESS_POSTMASTER, /* "<postmaster>": the domain is empty */
    ADDRESS_DOMAIN,     /* local part at a domain name */
    ADDRESS_IPV4,       /* ... at an IPv4 address literal */
    ADDRESS_IPV6,       /* ... at an IPv6 address literal */
    ADDRESS_GENERAL,    /* ... at a literal of some other tag */
};

struct address {
    struct span local;  /* as spelled, quotes and backslashes included */
    struct span domain; /* as spelled, brackets of a literal included */
    uint8_t kind;       /* enum address_kind */
    bool quoted;        /* the local part is a quoted string */
    bool utf8;          /* a byte above 127 stands in it (well-formed UTF-8) */
    bool routed;        /* a source route stood before it and was ignored (section 4.1.1.3) */
};

/* What a place in the protocol allows beyond an ordinary mailbox. */
enum address_option {
    ADDRESS_ALLOW_NULL = 1,       /* "<>" */
    ADDRESS_ALLOW_POSTMASTER = 2, /* "<postmaster>", in any case */
    ADDRESS_ALLOW_UTF8 = 4,       /* RFC 6531 section 3.3: UTF-8 in local parts and domains */
};

enum address_status {
    ADDRESS_OK,
    ADDRESS_BAD,  /* not of the grammar, or not allowed here */
    ADDRESS_LONG, /* of the grammar, but over one of the length limits */
};

/*
 * Reads a path, "<" to ">", at the start of *text and moves *text behind it. On any other status
 * than ADDRESS_OK neither *text nor *address_out is changed. `options`: enum address_option, or-ed.
 * Bound: one pass over at most the text.
 */
enum address_status address_path(struct span *text, unsigned options, struct address *address_out);

/* Reads a Mailbox without brackets that is the whole of `text`. Of the options only
 * ADDRESS_ALLOW_UTF8 counts. */
enum address_status address_mailbox(struct span text, unsigned options,
                                    struct address *address_out);

/* Reads a Domain or an address-literal that is the whole of `text`, as address_mailbox() does
 * behind its "@". */
enum address_status address_domain(struct span text, unsigned options, struct address *address_out);

/*
 * Writes the key under which the address is looked up: the local part without its quoting, in
 * Unicode's normalization form C (RFC 6531 section 3.1) and case-folded when `fold_local`; "@"; the
 * domain as A-labels in lower case (IDNA2008 with the non-transitional mapping of UTS #46), or the
 * literal in its one canonical form. ADDRESS_NULL writes nothing, ADDRESS_POSTMASTER writes
 * "postmaster" alone. At most ADDRESS_KEY_MAX bytes. False, with nothing written, when the domain
 * has no A-label form, the key is too long or the writer has no room. libidn2 and libunistring may
 * allocate, and only where there are bytes above 127.
 */
bool address_key(struct writer *w, const struct address *address, bool fold_local);

/*
 * The domain as A-labels, when a byte above 127 stands in it (RFC 7208 section 4.3, RFC 8616): then
 * in `room`. One that has none, or that has no such form, comes back as it is.
 */
struct span address_a_labels(struct span domain, uint8_t room[ADDRESS_KEY_MAX]);

/*
 * True for "postmaster" and "abuse" in any case: the mailboxes that every domain has (RFC 5321
 * section 4.5.1, RFC 2142 section 4). They are the same however a domain spells its other local
 * parts.
 */
bool address_role(struct span local);

#endif
