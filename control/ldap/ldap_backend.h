/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LDAP_LDAP_BACKEND_H
#define CONTROL_LDAP_LDAP_BACKEND_H

#include "control/config/config.h"
#include "control/directory/directory_backend.h"

/*
 * The back end "ldap": the directories of the option `ldap`, each with threads and connections of
 * its own, asked one after the other as far as they have the domain in question. docs/ldap.md.
 *
 * What a directory says of an account counts only in its own domains. A password is proved by the
 * servers, or its hash is handed to the asker. What no server answers is UNAVAILABLE, and so is
 * what they answer with a refusal, which is logged.
 */

/* Copies what it needs. Asks no server yet. NULL: `why` has lines. */
struct directory_backend *ldap_backend_new(const struct config *config, struct writer *why);

/* Whether the files that are named can be read. Lines in `why` about those that cannot. */
bool ldap_backend_check(const struct config *config, struct writer *why);

#endif
