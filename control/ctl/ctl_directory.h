/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_DIRECTORY_H
#define CONTROL_CTL_CTL_DIRECTORY_H

#include "control/ctl/ctl_mail.h"

/*
 * The directory that lies in the store: `wirepost ctl account`, `domain` and `alias`. Each change
 * is durable and known to the workers before it is answered. Values are arguments of the form
 * NAME=VALUE.
 */
json_t *ctl_directory_answer(struct ctl_mail *mail, const struct ctl_request *request,
                             struct writer *why);

/* Whether the store's directory has an account with this key. */
bool ctl_directory_has(struct ctl_mail *mail, struct span key);

/* ---- what ctl_directory*.c share ---- */

/* The key of an address, in a domain that is known. False, with the reason. */
bool ctl_directory_key(struct ctl_mail *mail, struct span address, struct writer *key,
                       struct writer *why);
/* Takes an argument apart. False: it has no "=". */
bool ctl_directory_word(struct span argument, struct span *name_out, struct span *value_out);
/* "the store failed", or what it is. NULL always. */
json_t *ctl_directory_failed(enum store_status status, const char *none, struct writer *why);

/* ctl_directory_account.c, _domain.c, _alias.c */
json_t *ctl_directory_account_change(struct ctl_mail *mail, const struct ctl_request *request,
                                     struct writer *why);
json_t *ctl_directory_account_load(struct ctl_mail *mail, const struct ctl_request *request,
                                   struct writer *why);
json_t *ctl_directory_domain_change(struct ctl_mail *mail, const struct ctl_request *request,
                                    struct writer *why);
json_t *ctl_directory_alias_change(struct ctl_mail *mail, const struct ctl_request *request,
                                   struct writer *why);
/* ctl_directory_list.c */
json_t *ctl_directory_list(struct ctl_mail *mail, const struct ctl_request *request,
                           struct writer *why);

#endif
