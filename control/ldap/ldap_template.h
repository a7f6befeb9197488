/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LDAP_LDAP_TEMPLATE_H
#define CONTROL_LDAP_LDAP_TEMPLATE_H

#include "proto/base/writer.h"

/*
 * Filters and distinguished names of the configuration, into which the name that is asked about is
 * put: %s the whole name, %u what stands before its last "@" (all of it without one), %d what
 * stands behind it, %% a percent sign. What is put in can never be more than one value: in a filter
 * every octet but letters, digits and "-", ".", "_", "@" becomes "\" and two hexadecimal digits
 * (RFC 4515 section 3, valueencoding), in a name the same (RFC 4514 section 2.4, hexpair).
 */
enum ldap_template_kind { LDAP_TEMPLATE_FILTER, LDAP_TEMPLATE_DN };

enum {
    LDAP_TEMPLATE_NAME_MAX = 320, /* octets of a name that is put in */
    LDAP_TEMPLATE_MAX = 8192,     /* octets of what comes out */
    LDAP_TEMPLATE_DEPTH = 16,     /* of filters in each other */
};

/* What is wrong with it, or NULL. A filter is held against RFC 4515 section 3; a name need not be,
 * since servers take others than distinguished names too. */
const char *ldap_template_check(struct span text, enum ldap_template_kind kind);
/* Whether it needs a domain in the name. */
bool ldap_template_needs_domain(struct span text);
/* Puts the name in. False: the name is too long, empty, has no domain where one is needed, or there
 * is no room. */
bool ldap_template_expand(struct writer *out, struct span text, struct span name);

/* One value, as it may stand in any filter or distinguished name. */
void ldap_template_escape(struct writer *out, struct span value);

#endif
