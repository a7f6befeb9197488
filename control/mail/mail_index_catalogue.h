/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_INDEX_CATALOGUE_H
#define CONTROL_MAIL_MAIL_INDEX_CATALOGUE_H

#include "control/mail/mail_index_sqlite.h"

/*
 * Which mailbox is indexed up to where, for all accounts in one file, so that after a start what has
 * changed is found without opening the index of every account. It may know less than is indexed,
 * never more but after a power loss, and then the next search finds it. One thread.
 */
struct mail_index_catalogue;

/* A mailbox as the store showed it when the last of it was indexed. */
struct mail_index_known {
    uint64_t mailbox, account;
    uint32_t uid_validity, uid_next;
    uint64_t messages;
    uint64_t indexed; /* messages of it that are in the index */
};

struct mail_index_totals {
    uint64_t accounts, indexed, bytes;
};

enum mail_index_fault mail_index_catalogue_open(const char *path,
                                                struct mail_index_catalogue **catalogue_out);
void mail_index_catalogue_close(struct mail_index_catalogue *c);
/* False: it is not there, or a fault. */
bool mail_index_catalogue_find(struct mail_index_catalogue *c, uint64_t mailbox,
                               struct mail_index_known *known_out);
void mail_index_catalogue_set(struct mail_index_catalogue *c, const struct mail_index_known *known);
void mail_index_catalogue_forget(struct mail_index_catalogue *c, uint64_t mailbox);
/* Is a mailbox of the account there? */
bool mail_index_catalogue_has(struct mail_index_catalogue *c, uint64_t account);
/* With all its mailboxes. */
void mail_index_catalogue_forget_account(struct mail_index_catalogue *c, uint64_t account);
/* How large the account's file is. */
void mail_index_catalogue_size(struct mail_index_catalogue *c, uint64_t account, uint64_t bytes);
uint64_t mail_index_catalogue_bytes(struct mail_index_catalogue *c, uint64_t account);
/* Up to `max` mailboxes behind `mailbox`, in the order of ids. */
uint32_t mail_index_catalogue_walk(struct mail_index_catalogue *c, uint64_t mailbox,
                                   struct mail_index_known *known_out, uint32_t max);
struct mail_index_totals mail_index_catalogue_totals(struct mail_index_catalogue *c);
/* The first fault: from then on nothing is found and kept until it is opened again. */
enum mail_index_fault mail_index_catalogue_fault(const struct mail_index_catalogue *c);

#endif
