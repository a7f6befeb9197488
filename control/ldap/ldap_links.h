/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LDAP_LDAP_LINKS_H
#define CONTROL_LDAP_LDAP_LINKS_H

#include "control/config/config.h"
#include "control/ldap/ldap_link.h"

/*
 * The connections of one directory, to several servers that have the same in them. Each of its
 * threads has two: one that is bound as the configuration says and looks for entries, one on which
 * users prove their passwords. The first server that is there is used. One that fails, or is too
 * slow, counts as away: nobody asks it any more, so that nobody waits for it again, but for a
 * thread of its own that tries it at once and then now and then. When it answers again it is used
 * again, before those that stand behind it.
 */
struct ldap_links;

enum ldap_links_use { LDAP_LINKS_SEARCH, LDAP_LINKS_PROVE, LDAP_LINKS_USES };

/* Borrows the configuration; `password` is copied. NULL with errno. */
struct ldap_links *ldap_links_new(const struct config_ldap *config, struct span password);
/* No thread has a link any more. */
void ldap_links_free(struct ldap_links *links);

/* A link for the thread, 0 .. connections - 1, which may connect. NULL: no server is there, or none
 * takes us. */
struct ldap_link *ldap_links_take(struct ldap_links *links, uint32_t thread,
                                  enum ldap_links_use use);
/*
 * What it was asked came to AWAY: it is closed. True: another one should be taken, and asked the
 * same. A server of which that is the first thing asked after connecting counts as away, as does
 * one that let us wait; any other may have closed what was idle.
 */
bool ldap_links_lost(struct ldap_links *links, uint32_t thread, enum ldap_links_use use,
                     struct writer *why);

/* Servers that are there. Any thread. */
uint32_t ldap_links_up(struct ldap_links *links);

#endif
