/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LDAP_LDAP_LINK_H
#define CONTROL_LDAP_LDAP_LINK_H

#include "proto/base/writer.h"

/*
 * One connection to one LDAP server, through libldap. Every call waits, for at most its timeout
 * (the resolver's own time for a host's name comes on top), so a link belongs to threads that may
 * wait, one at a time. Referrals are not followed.
 */
struct ldap_link;

struct ldap_link_options {
    const char *uri; /* ldap://, ldaps:// or ldapi:// */
    bool start_tls;  /* of ldap:// */
    const char *ca;  /* file in PEM that the server's certificate is verified with, and its name */
    uint32_t connect_ms, timeout_ms;
};

/* What became of an operation. */
enum ldap_outcome {
    LDAP_OUTCOME_OK,
    LDAP_OUTCOME_ABSENT,  /* there is no such entry */
    LDAP_OUTCOME_WRONG,   /* the password is not right */
    LDAP_OUTCOME_AWAY,    /* the server did not answer, or not now: another one may */
    LDAP_OUTCOME_REFUSED, /* it answered that it will not: the configuration, or its own, is wrong
                           */
};

enum { LDAP_LINK_RESULT_MAX = 1 << 20 }; /* octets of one message of a server's; more closes it */

/* How a result code of LDAP (RFC 4511 appendix A) or libldap is taken. `bind`: of a user's. */
enum ldap_outcome ldap_link_outcome(int code, bool bind);

/*
 * Lets libldap load what it loads at its first use, modules of SASL among them. To be called before
 * the filter of system calls is in force, which keeps code from being loaded. False: it cannot be
 * used.
 */
bool ldap_link_prepare(void);

/* Connects, and makes it safe. NULL: `outcome_out` says AWAY or REFUSED, `why` has a line. Borrows
 * the options. */
struct ldap_link *ldap_link_open(const struct ldap_link_options *options,
                                 enum ldap_outcome *outcome_out, struct writer *why);
/* Takes NULL too. */
void ldap_link_close(struct ldap_link *link);

/*
 * Proves a name by a password, by a simple bind. An empty password is WRONG and asks nobody: to
 * servers it means no proof at all (RFC 4513 section 5.1.2).
 */
enum ldap_outcome ldap_link_bind(struct ldap_link *link, const char *name, struct span password,
                                 struct writer *why);

/* Whether the server says anything: reads its own root entry (RFC 4512 section 5.1). */
enum ldap_outcome ldap_link_ping(struct ldap_link *link, struct writer *why);
/* Nothing is waited for behind that moment, whatever the timeout; until it is set anew. */
void ldap_link_limit(struct ldap_link *link, uint64_t until_ms);
/* True when the last operation came to nothing because its time was over. */
bool ldap_link_slow(const struct ldap_link *link);

/* Takes entries one after the other: ldap_link_entry_*() read it. */
struct ldap_link_entry;
typedef void ldap_link_take(void *context, const struct ldap_link_entry *entry);

struct ldap_link_search {
    const char *base, *filter;
    bool subtree;                  /* or the base alone */
    const char *const *attributes; /* NULL at the end */
    uint32_t entries_max;          /* more: REFUSED */
};

/* ABSENT: nothing found. REFUSED where the base is not there, but for a search of it alone, which
 * is ABSENT. */
enum ldap_outcome ldap_link_search(struct ldap_link *link, const struct ldap_link_search *search,
                                   ldap_link_take *take, void *context, struct writer *why);
/* The entry's distinguished name. Until `take` returns, like all that follows. */
struct span ldap_link_entry_name(const struct ldap_link_entry *entry);
/* Each value of each attribute in turn. */
void ldap_link_entry_values(const struct ldap_link_entry *entry,
                            void (*each)(void *context, struct span attribute, struct span value),
                            void *context);

/* Whether the entry has this value: OK, WRONG, or ABSENT without the entry. */
enum ldap_outcome ldap_link_compare(struct ldap_link *link, const char *name, const char *attribute,
                                    struct span value, struct writer *why);

#endif
