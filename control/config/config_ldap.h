/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_CONFIG_LDAP_H
#define CONTROL_CONFIG_CONFIG_LDAP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/span.h"

enum config_ldap_tls { CONFIG_LDAP_STARTTLS, CONFIG_LDAP_CLEAR };
enum config_ldap_schema { CONFIG_LDAP_OPENLDAP, CONFIG_LDAP_ACTIVE_DIRECTORY };
enum config_ldap_proof { CONFIG_LDAP_BIND, CONFIG_LDAP_COMPARE, CONFIG_LDAP_READ };

/* `ldap`: a directory, its servers, and what its entries mean. Part of struct config. */
struct config_ldap {
    uint32_t line;  /* where it stands in the file */
    char **domains; /* as spelled; none: all */
    uint32_t domains_count;
    char **servers; /* URIs */
    uint32_t servers_count;
    int tls; /* enum config_ldap_tls */
    char *ca;
    char *bind_dn;       /* empty: nobody */
    char *bind_password; /* a file; empty: none */
    int64_t connections;
    int64_t connect_timeout, timeout, retry, login_step;
    int schema; /* enum config_ldap_schema */
    char *base; /* templates, like the next */
    char *address_filter, *login_filter, *login_dn;
    int authentication; /* enum config_ldap_proof */
    char *compare;      /* an attribute */
    /* Attributes; what was left out has the schema's after the check. */
    char **addresses, **members, **send_as, **passwords;
    uint32_t addresses_count, members_count, send_as_count, passwords_count;
    char *quota;
    char *unique;    /* attribute; empty after the check: none */
    char **disabled; /* attribute "=" value, or "=*", or "&" and bits */
    uint32_t disabled_count;
    char **forwards; /* attributes */
    uint32_t forwards_count;
    char **forward_only; /* as `disabled` */
    uint32_t forward_only_count;
    /* Found by the check: */
    struct span *domain_keys;
    char **attributes; /* all that are read, each once, NULL at the end */
};

#endif
