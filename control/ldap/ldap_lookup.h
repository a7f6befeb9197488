/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LDAP_LDAP_LOOKUP_H
#define CONTROL_LDAP_LDAP_LOOKUP_H

#include "control/ldap/ldap_links.h"
#include "control/ldap/ldap_person.h"
#include "control/ldap/ldap_template.h"

/*
 * Questions to one LDAP directory, asked by one of its threads, which waits. Searches, comparisons
 * and binds go to whichever server is there; one that fails is replaced by the next within the same
 * question. What no server answers, or only with a refusal, is AWAY or REFUSED, and never ABSENT.
 */
enum {
    LDAP_LOOKUP_STEPS = 256,    /* entries and addresses that a group is followed to, at most */
    LDAP_LOOKUP_TEXT = 1 << 17, /* octets of their names */
    LDAP_LOOKUP_ENTRIES = 101,  /* entries that one address may be found in, and one too many */
    LDAP_LOOKUP_PASSWORD = 512, /* octets of a password; longer ones are wrong */
};

struct lookup_step {
    struct span name;    /* of an entry, or the key of an address */
    struct span spelled; /* a member's address as it stands there */
    bool address;
};

/* Whom results are handed to, one after the other. */
struct ldap_lookup_taker {
    void (*person)(void *context, const struct ldap_person *person);
    /* A group's member that no entry has; its key, and as it is spelled. */
    void (*stranger)(void *context, struct span key, struct span spelled);
    void *context;
};

/* What a thread has of its own. */
struct ldap_lookup {
    const struct ldap_map *map;
    struct ldap_links *links;
    uint32_t thread;
    uint64_t until_ms; /* set for each question: nothing more is asked behind it */
    /* The last entry that was found. */
    struct ldap_person person;
    /* Private. */
    const struct ldap_lookup_taker *taker;
    struct lookup_step steps[LDAP_LOOKUP_STEPS];
    uint32_t step_count;
    bool crowded;
    struct writer text;
    uint8_t text_bytes[LDAP_LOOKUP_TEXT];
    uint8_t base[LDAP_TEMPLATE_MAX], filter[LDAP_TEMPLATE_MAX];
};

/*
 * The accounts that an address leads to in the end, one after the other, some perhaps more than
 * once: those of its entries, and of the members of those that are groups. OK: somebody was found,
 * perhaps nobody who gets mail. ABSENT: no entry has that address. REFUSED where it leads to more
 * than can be followed, too.
 */
enum ldap_outcome ldap_lookup_address(struct ldap_lookup *l, struct span key,
                                      const struct ldap_lookup_taker *taker, struct writer *why);

/* The one entry, into l->person, of who logs in by that name and may: it has an address and is not
 * switched off. REFUSED where it is the name of two. */
enum ldap_outcome ldap_lookup_login(struct ldap_lookup *l, struct span name, struct writer *why);

/*
 * Whether that is the password of the entry that was found last, when `found`: OK or WRONG.
 * Otherwise the same is asked about a name that nobody has, and answered WRONG. Servers are not
 * asked about a password that nobody can have.
 */
enum ldap_outcome ldap_lookup_prove(struct ldap_lookup *l, bool found, struct span password,
                                    struct writer *why);

#endif
