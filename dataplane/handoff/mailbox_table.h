/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_MAILBOX_TABLE_H
#define DATAPLANE_HANDOFF_MAILBOX_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which accounts are full, so that a recipient can be refused at RCPT without a job. The store is
 * what counts: an account that finds no place here is refused at the commit.
 *
 * Memory is fixed at the start; an account lies in one of the eight places that its id leads to.
 * Who writes what: control every word, one thread at a time; workers read, without a lock.
 */
struct mailbox_table;

struct mailbox_full {
    uint64_t since_ms; /* wall clock; 0: not full */
    uint64_t room;     /* octets that are left of the quota */
};

/* Places for `accounts` full ones, rounded up, and as many again. NULL: no memory. */
struct mailbox_table *mailbox_table_new(uint32_t accounts);
void mailbox_table_free(struct mailbox_table *t);
/* False: no place for one more that is full. Control only. */
bool mailbox_table_put(struct mailbox_table *t, uint64_t account, const struct mailbox_full *full);
/* False: the account is not full, as far as is known here. Any thread. Bound: eight places. */
bool mailbox_table_find(const struct mailbox_table *t, uint64_t account,
                        struct mailbox_full *full_out);

#endif
