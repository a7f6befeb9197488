/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_DNS_DNS_NAME_H
#define PROTO_DNS_DNS_NAME_H

#include "proto/base/cursor.h"
#include "proto/base/ip_address.h"
#include "proto/base/writer.h"

enum {
    DNS_NAME_MAX = 255,  /* octets on the wire (RFC 1035 section 3.1) */
    DNS_LABEL_MAX = 63,  /* octets of a label (RFC 1035 section 2.3.4) */
    DNS_TEXT_MAX = 253,  /* characters of a name whose text is plain, without a last dot */
    DNS_SHOWN_MAX = 1016 /* the longest text of dns_name_put() */
};

/* A domain name as it is on the wire, not compressed: labels, each behind its length, and the
 * root's empty one. Any octet may stand in a label. */
struct dns_name {
    uint8_t len; /* with the root's octet; 0: no name */
    uint8_t wire[DNS_NAME_MAX];
};

/*
 * The name that a text stands for: labels between dots, a last dot may be there. Octets are taken
 * as they are; nothing is an escape. False, with the name unset, for an empty label, one that is
 * too long, a name that is too long, or no label at all.
 */
bool dns_name_of_text(struct span text, struct dns_name *name_out);
/* Reads a name that is not compressed, as records have it once they were taken from a message.
 * False: cut, too long or compressed. */
bool dns_name_read(struct cursor *c, struct dns_name *name_out);
/*
 * The name in the form of zone files (RFC 1035 section 5.1), without a last dot, the root as ".";
 * dots within labels, backslashes, quotes and what is not visible ASCII are escaped. At most
 * DNS_SHOWN_MAX bytes.
 */
void dns_name_put(struct writer *w, const struct dns_name *name);
/* True when all of the name is visible ASCII, without a dot inside a label: labels between dots
 * say it then. */
bool dns_name_plain(const struct dns_name *name);
/* The same labels, letters in either case (RFC 4343). */
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
/* The name is `parent` or lies below it. */
bool dns_name_under(const struct dns_name *name, const struct dns_name *parent);
/* Labels, the root's not counted. */
unsigned dns_name_labels(const struct dns_name *name);
/*
 * The name by which an address is looked up in reverse: octets (IPv4) or nibbles (IPv6, RFC 3596
 * section 2.5) backwards, below `zone`: NULL for "in-addr.arpa" or "ip6.arpa". False: too long.
 */
bool dns_name_reverse(const struct ip_address *address, const char *zone,
                      struct dns_name *name_out);

#endif
