/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_DIRECTORY_H
#define DATAPLANE_HANDOFF_DIRECTORY_H

#include "proto/base/span.h"

/*
 * Addresses and domains that workers can look up without a job: immutable entries in a hash table that is read
 * under RCU (QSBR) and changed one entry at a time by control. A name found stays valid until the reader's next
 * quiescent state.
 */
enum directory_kind {
    DIRECTORY_ADDRESS, /* key: address_key() of local part and domain */
    DIRECTORY_DOMAIN,  /* key: the domain as A-label in lower case */
};

enum directory_class { DIRECTORY_LOCAL, DIRECTORY_RELAY, DIRECTORY_REFUSED };

struct directory_entry {
    uint64_t tenant, domain, account; /* immutable ids; account is 0 for a domain */
    uint64_t version;                 /* of the configuration that put it, to sweep what a reload left out */
    uint8_t kind;                     /* enum directory_kind */
    uint8_t class;                    /* enum directory_class */
    int32_t quarantine_score, reject_score; /* of the domain, for verdicts; INT32_MAX when off */
    uint32_t key_len;
    uint8_t key[];
};

struct directory;

/* At most `entries_max` entries. */
struct directory *directory_new(uint32_t entries_max);
void directory_free(struct directory *d);
/* Copies the entry's fields and the key in; an entry of the same kind and key is replaced. False: full or no memory. Control only. */
bool directory_put(struct directory *d, const struct directory_entry *fields, struct span key);
/* Removes all entries whose version differs. Control only. */
void directory_sweep(struct directory *d, uint64_t version);
uint32_t directory_count(const struct directory *d);
/* NULL when there is none. From a registered RCU reader. */
const struct directory_entry *directory_find(struct directory *d, enum directory_kind kind, struct span key);

#endif
