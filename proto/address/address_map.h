/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_ADDRESS_ADDRESS_MAP_H
#define PROTO_ADDRESS_ADDRESS_MAP_H

#include "proto/address/address.h"

/*
 * What stands in place of an address: canonical maps, of single addresses or of whole domains, and
 * then masquerading, which leaves the host out of a domain. The tables are borrowed and never
 * change.
 */
enum address_map_class {
    ADDRESS_MAP_ENVELOPE_SENDER = 1,
    ADDRESS_MAP_ENVELOPE_RECIPIENT = 2,
    ADDRESS_MAP_HEADER_SENDER = 4,    /* From, Sender, Reply-To and their Resent- fields */
    ADDRESS_MAP_HEADER_RECIPIENT = 8, /* To, Cc and theirs */
};

enum { ADDRESS_MAP_MAX = ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX }; /* octets of a result */

struct address_map_row {
    struct span key; /* address_key() with the local part folded; or "@" and a domain */
    struct span to;  /* an address; or, for a domain, "@" and another: the local part stays */
};

struct address_maps {
    uint8_t classes, masqueraded; /* enum address_map_class, or-ed: where each of the two applies */
    /* For senders, for recipients; ascending by the octets of their keys, each once. */
    const struct address_map_row *rows[2];
    uint32_t count[2];
    /* Domains, as A-labels in lower case, whose hosts are left out: the first that fits decides.
     * "!" in front: what lies in it stays as it is. */
    const struct span *domains;
    uint32_t domain_count;
    const struct span *except; /* local parts in lower case whose hosts stay */
    uint32_t except_count;
};

/* Orders rows by their keys, for bsearch() and qsort(). */
int address_map_compare(const void *a, const void *b);
/*
 * Writes what stands in place of `address` there, ADDRESS_MAP_MAX octets at most. False, with
 * nothing written: it stays as it is; so do literals, and what would become too long. A result is
 * not looked up again.
 */
bool address_map(const struct address_maps *maps, enum address_map_class where,
                 const struct address *address, struct writer *out);

#endif
