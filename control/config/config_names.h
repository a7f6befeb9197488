/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_CONFIG_NAMES_H
#define CONTROL_CONFIG_CONFIG_NAMES_H

#include "control/config/config_option.h"

/* The domains and addresses of a configuration by their keys. Used by the check only. */
struct config_name {
    struct span key;
    uint32_t line;
    uint32_t index;
};

struct config_names {
    struct config *config;
    const char *path;
    struct config_errors *errors;
    /* Sorted. An address's index is that of its account, or of its alias behind all accounts. */
    struct config_name *domains, *addresses;
    uint32_t addresses_count;
};

/*
 * Gives every domain, account and alias its key and tells of those that stand twice or in no local
 * domain. The first three fields are the caller's. False: no memory.
 */
bool config_names_make(struct config_names *names);
/* NULL: neither an account nor an alias has it. *local_out: its domain is listed as local. */
const struct config_name *config_names_find(const struct config_names *names, const char *address,
                                            bool *local_out);
/* The same by key. */
const struct config_name *config_names_find_key(const struct config_names *names, struct span key);
/* Whether a domain of this key is listed, of whatever class. */
bool config_names_lists(const struct config_names *names, struct span domain);

/* Reads where accounts and aliases lead on other servers (config_forward.c). False: no memory. */
bool config_forwards_make(const struct config_names *names);

#endif
