/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_TERMS_H
#define CONTROL_CTL_CTL_TERMS_H

#include "control/directory/directory_admin.h"
#include "control/store/store_audit.h"

/*
 * On which terms a change of the directory is asked for: who that is, for the audit log; what may
 * be changed; what has to be there before. NULL in place of them: none, and no row in the audit
 * log.
 */
struct ctl_terms {
    struct store_reason reason; /* for the audit log */
    bool remote;                /* over the API: secrets stand in a body, not on a command line */
    struct span match;          /* If-Match as it was sent (RFC 9110 section 13.1.1); empty: any */
    bool absent;                /* only if there is nothing yet (If-None-Match: *) */
    /* Whether this key of an address, or "@" and a domain, is one that may be named. NULL: all. */
    bool (*may)(void *context, struct span key);
    void *context;
    /* Out: */
    bool unmet, forbidden;             /* why nothing was changed */
    char tag[DIRECTORY_ADMIN_TAG + 1]; /* of an account as it has become */
};

/* Those of the operator at the control socket, who may do everything. */
struct ctl_terms ctl_terms_operator(void);
/* In a directory_admin_edit, before anything else: whether what is there is as the terms have it.
 */
bool ctl_terms_agreed(struct ctl_terms *terms, bool there, const struct directory_admin_row *row);
/* And after it: what the row has become. */
void ctl_terms_became(struct ctl_terms *terms, const struct directory_admin_row *row);
bool ctl_terms_may(struct ctl_terms *terms, struct span key);
/* The row for the audit log, in memory that the caller gives; NULL: none. Borrows key and terms. */
const struct store_audit *ctl_terms_audit(const struct ctl_terms *terms,
                                          enum store_audit_action action, struct span key,
                                          struct store_audit *memory);

/* entity-tag list = "*" / 1#entity-tag (RFC 9110 section 8.8.3), compared strongly: whether one of
 * them is this tag. */
bool ctl_terms_tag_listed(struct span list, const char *tag);

#endif
