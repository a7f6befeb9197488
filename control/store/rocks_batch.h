/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_ROCKS_BATCH_H
#define CONTROL_STORE_ROCKS_BATCH_H

#include "control/store/rocks.h"
#include "control/store/store_import.h"
#include "control/store/store_quarantine.h"

/*
 * One batch of changes under way: the rows to write, and the counters of all accounts it touches,
 * read once and written once. A change is checked whole before its first row enters the batch, so
 * that one that is impossible leaves no trace.
 */
enum { ROCKS_BATCH_BUCKETS = 256, ROCKS_PLACES = 2 };

struct rocks_account {
    struct rocks_account *next; /* in its bucket */
    uint64_t id;
    struct store_row_account row;
    struct store_row_usage usage;
    struct store_row_state state[ROCKS_PLACES]; /* by enum message_place */
    uint64_t full_ms;                           /* usage.full_ms before the batch */
    bool read[ROCKS_PLACES];
    bool changed[ROCKS_PLACES];
    uint64_t asked_octets;     /* what the change that is being checked would add */
    uint64_t asked_quarantine; /* likewise, of its quarantine */
    uint32_t asked_uids[ROCKS_PLACES];
};

/* A reference that this batch removes. */
struct rocks_gone {
    struct id128 message;
    uint64_t mailbox;
    uint32_t uid;
    bool moved; /* the batch makes another one to the same message */
};

struct rocks_batch {
    struct rocks *r;
    rocksdb_writebatch_t *rows;
    bool durable;        /* holds a change that is to be counted as a batch */
    uint64_t now_ms;     /* wall clock: the save date */
    uint64_t audit_next; /* number of the next row of the audit log; 0: not read yet */
    struct rocks_account *accounts[ROCKS_BATCH_BUCKETS];
    struct rocks_gone *gone;
    uint32_t gone_count, gone_cap;
    struct id128 *messages; /* committed in this batch */
    uint32_t message_count, message_cap;
    uint8_t *ahead; /* the row that names those of them whose rows were written ahead */
    size_t ahead_len;
    const char **pieces; /* of the row that is being put together */
    size_t *piece_lens;
    uint32_t piece_cap;
};

bool rocks_batch_init(struct rocks_batch *b, struct rocks *r, uint32_t messages);
void rocks_batch_fini(struct rocks_batch *b);
/* The account, its usage, and the state of its mailbox at `place`. Borrowed from the batch. */
enum store_status rocks_batch_account(struct rocks_batch *b, uint64_t id, enum message_place place,
                                      struct rocks_account **account_out);
static inline uint64_t rocks_batch_mailbox(const struct rocks_account *account,
                                           enum message_place place)
{
    return place == MESSAGE_INBOX ? account->row.inbox : account->row.quarantine;
}

/* Notes that the message's body was written ahead of the batch. */
void rocks_batch_ahead(struct rocks_batch *b, const struct id128 *message);

/* rocks_commit.c */
enum store_status rocks_commit(struct rocks_batch *b, struct message *message);

/* rocks_apply.c: makes a batch of what `change` puts into it, writes it, and answers how that went.
 * Bodies that nobody refers to any more go in it. Takes all locks. */
typedef enum store_status rocks_change(struct rocks_batch *b, void *context);
enum store_status rocks_apply_one(struct rocks *r, rocks_change *change, void *context);

/* rocks_audit.c: the audit log. begin() before the first put(), which then cannot fail. */
enum store_status rocks_audit_begin(struct rocks_batch *b);
void rocks_audit_put(struct rocks_batch *b, const struct store_audit *row);
/* Where the log goes on, with the batch. */
void rocks_audit_end(struct rocks_batch *b);

/* rocks_quarantine.c */
enum store_status rocks_quarantine_release(struct rocks_batch *b, struct store_quarantine *change);
enum store_status rocks_quarantine_drop(struct rocks_batch *b,
                                        const struct store_quarantine *change);
/* Whether `octets` more would find room in the account's quarantine, with what can be evicted. */
enum store_status rocks_quarantine_ask(struct rocks_batch *b, struct rocks_account *account,
                                       uint64_t octets);
/* Makes that room. After ask(), so that what it says is there. */
void rocks_quarantine_evict(struct rocks_batch *b, struct rocks_account *account, uint64_t octets);

/* rocks_import.c */
enum store_status rocks_import(struct rocks_batch *b, struct store_import *import);

/* rocks_commit.c: the same with flags and keywords. */
enum store_status rocks_commit_with(struct rocks_batch *b, struct message *message, uint32_t flags,
                                    struct span keywords);

/* rocks_delete.c */
/* Notes a reference that goes; false: no memory. */
bool rocks_delete_note(struct rocks_batch *b, struct rocks_gone gone);
bool rocks_delete_noted(const struct rocks_batch *b, uint64_t mailbox, uint32_t uid);
/* The rows of one entry out; and with them its tombstone in, its counters down. */
void rocks_delete_rows(struct rocks_batch *b, const struct rocks_gone *gone);
void rocks_delete_entry(struct rocks_batch *b, struct rocks_account *account,
                        enum message_place place, const struct rocks_gone *gone, uint64_t size);
enum store_status rocks_delete_marked(struct rocks_batch *b, const struct rocks_view *view,
                                      const uint8_t *marked);
/* Takes a committed message out of all mailboxes, as if it had never been there but for its UIDs.
 */
enum store_status rocks_delete_message(struct rocks_batch *b, const struct id128 *message);
/* The body, envelope and tree of a message that nobody refers to. */
void rocks_delete_body(struct rocks_batch *b, const struct id128 *message);
/* Takes away a reference whose entry is not there, and the body if it was the last one. */
enum store_status rocks_delete_lost(struct rocks_batch *b, const struct id128 *message,
                                    uint64_t mailbox, uint32_t uid);
void rocks_delete_pending(struct rocks_batch *b, const struct id128 *message);
/* Removes the bodies whose last reference this batch takes. After all changes. */
void rocks_delete_bodies(struct rocks_batch *b);

/* rocks_full.c */
/* The inbox took mail. */
static inline void rocks_full_taken(struct rocks_account *account)
{
    account->usage.full_ms = 0;
}
/* Mail of so many octets found no room in the inbox. */
void rocks_full_found(struct rocks_batch *b, struct rocks_account *account, uint64_t octets);
/* Something was deleted from it. */
void rocks_full_freed(struct rocks_account *account);
/* Once the batch is written. */
void rocks_full_tell(const struct rocks_batch *b);

/* Adds the counters of all accounts that changed and the batch's number, and writes. */
enum store_status rocks_batch_write(struct rocks_batch *b);

#endif
