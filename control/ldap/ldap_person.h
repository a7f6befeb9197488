/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LDAP_LDAP_PERSON_H
#define CONTROL_LDAP_LDAP_PERSON_H

#include "control/config/config.h"
#include "proto/address/address.h"
#include "proto/sasl/sasl_mechanism.h"

/*
 * What an entry of an LDAP server says, as far as the configuration's map of attributes gives it a
 * meaning. An entry is foreign: values that are not what they should be are left out and counted,
 * and no entry takes more memory than this struct. Values may come in any order, and say the same
 * in every order.
 */
enum {
    LDAP_PERSON_NAME_MAX = 1024,   /* octets of a distinguished name */
    LDAP_PERSON_MEMBERS_MAX = 100, /* of a group */
    LDAP_PERSON_TEXT = 32768,      /* octets of all members, and of what it may send as */
    LDAP_PERSON_SECRET_MAX = 512,  /* octets of a hash, or of keys */
    LDAP_PERSON_UNIQUE_MAX = 64,   /* octets of what never changes of an entry */
};

/* What entries are read by. */
struct ldap_map {
    const struct config_ldap *config; /* borrowed */
    /* Keys of domains whose local parts are not folded, ascending; borrowed. */
    const struct span *exact;
    uint32_t exact_count;
};

struct ldap_person {
    const struct ldap_map *map; /* borrowed */
    /* The address that the account is known by, as spelled with the domain as A-labels, and its
     * key; empty: it has none. */
    uint8_t mailbox_bytes[ADDRESS_KEY_MAX], key_bytes[ADDRESS_KEY_MAX];
    struct span mailbox, key;
    uint32_t rank; /* of where that address came from: the lowest counts */
    bool disabled; /* the account is switched off */
    bool group;    /* there are members, or there were */
    bool crowded;  /* more members, or octets of them, than fit: it is not known what it leads to */
    /* What never changes of the entry, any octets; empty: there is no such thing. */
    uint8_t unique_bytes[LDAP_PERSON_UNIQUE_MAX];
    struct span unique;
    bool forward_only; /* its mail is not in its mailbox too */
    bool has_quota;
    uint64_t quota; /* octets; 0: none */
    uint32_t bad;   /* values left out */
    /* Texts from crypt(3), and keys as RFC 5803 has them; NUL-terminated, empty: none. */
    char hash[LDAP_PERSON_SECRET_MAX + 1], scram[SCRAM_HASHES][LDAP_PERSON_SECRET_MAX + 1];
    struct span name;                             /* its distinguished name, in `text` */
    struct span members[LDAP_PERSON_MEMBERS_MAX]; /* names or addresses, in `text` */
    uint32_t member_count;
    struct span senders[LDAP_PERSON_MEMBERS_MAX]; /* keys, or "@" and a domain, in `text` */
    uint32_t sender_count;
    struct span forwards[LDAP_PERSON_MEMBERS_MAX]; /* addresses on other servers, in `text` */
    uint32_t forward_count;
    struct writer text;
    uint8_t text_bytes[LDAP_PERSON_TEXT];
};

/* Begins a person with nothing known. */
void ldap_person_init(struct ldap_person *person, const struct ldap_map *map);
/* A distinguished name that is empty or too long is none: the entry is then of no use. */
void ldap_person_name(struct ldap_person *person, struct span name);
/* One value of an attribute, whose options (behind ";") are not looked at. */
void ldap_person_value(struct ldap_person *person, struct span attribute, struct span value);

/* A name of the entry in all directories, of 32 octets; empty: it has none. Each directory has its
 * own say about its own entries alone, so what one writes into them leads to no account of
 * another's. */
struct span ldap_person_unique(const struct ldap_person *person, uint8_t digest[32]);

/* Orders two struct span by their octets, for bsearch() and qsort(). */
int ldap_person_compare(const void *a, const void *b);

/*
 * The key of a mailbox as the directory has it: the local part is folded unless its domain keeps
 * case. False: it is none. With `mailbox_out`: as spelled, with the domain as A-labels.
 */
bool ldap_person_key(const struct ldap_map *map, struct span mailbox, struct writer *key_out,
                     struct writer *mailbox_out);

/* quota = 1*DIGIT [ "K" / "M" / "G" / "T" ] [ "B" / "S" ] *( "," any ), letters in either case; 0:
 * none. */
bool ldap_person_quota(struct span text, uint64_t *octets_out);

#endif
