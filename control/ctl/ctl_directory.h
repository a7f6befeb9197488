/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_DIRECTORY_H
#define CONTROL_CTL_CTL_DIRECTORY_H

#include "control/ctl/ctl_mail.h"
#include "control/ctl/ctl_terms.h"

/*
 * The directory that lies in the store: `wirepost ctl account`, `domain` and `alias`. Each change
 * is durable and known to the workers before it is answered. Values are arguments of the form
 * NAME=VALUE.
 */
json_t *ctl_directory_answer(struct ctl_mail *mail, const struct ctl_request *request,
                             struct writer *why);

/* Whether the store's directory has an account with this key. */
bool ctl_directory_has(struct ctl_mail *mail, struct span key);

/* The reasons that a request may meet, word by word: whoever asks over the API is told by status.
 */
#define CTL_DIRECTORY_NO_STORE "directory.backends does not name `store`: nobody would look here"
#define CTL_DIRECTORY_NO_DOMAIN "no such domain: `wirepost ctl domain add` it first"
#define CTL_DIRECTORY_NO_ADDRESS "expected an address"
#define CTL_DIRECTORY_NONE_ACCOUNT "no such account"
#define CTL_DIRECTORY_NONE_DOMAIN "no such domain"
#define CTL_DIRECTORY_NONE_ALIAS "no such alias"
#define CTL_DIRECTORY_HAS_ACCOUNT "there is such an account already"
#define CTL_DIRECTORY_HAS_DOMAIN "there is such a domain already"
#define CTL_DIRECTORY_HAS_ALIAS "there is such an alias already"
#define CTL_DIRECTORY_TAKEN "there is an account of this address, or the configuration has it"
#define CTL_DIRECTORY_KEPT "the configuration has this address"
#define CTL_DIRECTORY_KEPT_DOMAIN "the configuration has this domain"
#define CTL_DIRECTORY_NO_POSTMASTER                                                                \
    "the configuration has no local domain, whose postmaster would hear for those that have none"
#define CTL_DIRECTORY_IN_USE "the domain has accounts or aliases: delete them first"
#define CTL_DIRECTORY_UNMET "what is there is not what the request expects"
#define CTL_DIRECTORY_FORBIDDEN "names addresses that may not be named"

/* Accounts as JSON lines, all that can be taken, in one batch: at most CTL_DIRECTORY_LINES lines,
 * 64 KiB. Those that cannot are told one by one; without `refused` the first of them ends it. */
enum { CTL_DIRECTORY_LINES = 1024 };
struct ctl_directory_load {
    struct ctl_terms *terms;
    void (*refused)(void *context, uint64_t line, struct span address, struct span why);
    void *context;
    uint64_t line;     /* lines before the first; counted on */
    uint32_t accounts; /* out: taken */
};
enum store_status ctl_directory_load(struct ctl_mail *mail, struct span text,
                                     struct ctl_directory_load *load, struct writer *why);

/* ---- what ctl_directory*.c share ---- */

/* The key of an address, in a domain that is known. False, with the reason. */
bool ctl_directory_key(struct ctl_mail *mail, struct span address, struct writer *key,
                       struct writer *why);
/* An address on another server, as config_forward_address() writes it. False, with the reason. */
bool ctl_directory_forward(struct ctl_mail *mail, struct span address, struct writer *forward,
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
