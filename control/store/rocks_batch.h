/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_ROCKS_BATCH_H
#define CONTROL_STORE_ROCKS_BATCH_H

#include "control/store/rocks.h"
#include "control/store/store_import.h"
#include "control/store/store_keywords.h"
#include "control/store/store_quarantine.h"

/*
 * One batch of changes under way: the rows to write, and the counters of all accounts it touches,
 * read once and written once. A change is checked whole before its first row enters the batch, so
 * that one that is impossible leaves no trace.
 */
enum { ROCKS_BATCH_BUCKETS = 256, ROCKS_PLACES = 2 };

/* A mailbox beside the two fixed ones. */
struct rocks_folder {
    struct rocks_folder *next;
    uint64_t id;
    struct store_row_state state, before;
    bool changed;
};

struct rocks_account {
    struct rocks_account *next; /* in its bucket */
    struct rocks_folder *folders;
    uint64_t id;
    struct store_row_account row;
    struct store_row_usage usage;
    struct store_row_state state[ROCKS_PLACES]; /* by enum message_place */
    struct store_row_state before[ROCKS_PLACES];
    uint64_t full_ms; /* usage.full_ms before the batch */
    bool read[ROCKS_PLACES];
    bool changed[ROCKS_PLACES];
    bool usage_changed;
    uint64_t asked_octets;     /* what the change that is being checked would add */
    uint64_t asked_quarantine; /* likewise, of its quarantine */
    uint32_t asked_uids[ROCKS_PLACES];
};

/* A mailbox that is being changed, whichever it is. What it points to is the batch's. */
struct rocks_box {
    uint64_t id;
    uint8_t place; /* enum message_place or STORE_FOLDER */
    struct rocks_account *account;
    struct store_row_state *state;
    bool *changed;
};

/* A reference that this batch removes. */
struct rocks_gone {
    struct id128 message;
    uint64_t mailbox;
    uint32_t uid;
    bool moved; /* the batch makes another one to the same message */
};

/* Keywords of a mailbox. */
struct rocks_keywords {
    struct rocks_keywords *next;
    uint64_t mailbox;
    struct store_keywords all;
    size_t written; /* bytes of them that its row has */
};

struct rocks_batch {
    struct rocks *r;
    rocksdb_writebatch_t *rows;
    bool durable;        /* holds a change that is to be counted as a batch, and synced */
    bool lazy;           /* holds one that need not */
    uint64_t now_ms;     /* wall clock: the save date */
    uint64_t audit_next; /* number of the next row of the audit log; 0: not read yet */
    struct rocks_account *accounts[ROCKS_BATCH_BUCKETS];
    struct rocks_gone *gone;
    uint32_t gone_count, gone_cap;
    uint32_t
        *gone_slots;    /* by a hash of mailbox and UID, each a place in `gone`, plus 1; 0: none */
    uint32_t gone_used; /* slots */
    uint32_t gone_mask; /* slots minus 1; 0: there are no slots */
    struct id128 *messages; /* committed in this batch */
    uint32_t message_count, message_cap;
    uint8_t *ahead; /* the row that names those of them whose rows were written ahead */
    size_t ahead_len;
    struct rocks_keywords *keywords; /* of mailboxes that messages with some come to */
    const char **pieces;             /* of the row that is being put together */
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

/* A mailbox by its id. NONE also when it was deleted. */
enum store_status rocks_batch_box(struct rocks_batch *b, uint64_t mailbox,
                                  struct rocks_box *box_out);
/* One of the fixed ones, whose state was read. */
struct rocks_box rocks_batch_fixed(struct rocks_account *account, enum message_place place);
/* One message more or less, in its counters and in what counts against the quota. */
void rocks_batch_count(const struct rocks_box *box, uint64_t octets);
void rocks_batch_uncount(const struct rocks_box *box, uint64_t octets);
/* All that is in it counts no longer against the quota: it is deleted. */
void rocks_batch_uncount_all(const struct rocks_box *box);

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
/* The same of the body alone, with envelope and tree: whether that is possible, and it is done. */
enum store_status rocks_commit_check(struct rocks_batch *b, const struct message *message);
enum store_status rocks_commit_put(struct rocks_batch *b, const struct message *message);

/* ---- rocks_entry.c: an entry and what stands beside it ---- */

struct rocks_entry {
    struct store_entry entry; /* spans borrow from the rows */
    struct rocks_value row, flags, prefix_row;
};

/* What the entry's row says. NONE also when this batch takes it away. rocks_entry_free() in any
 * case. */
enum store_status rocks_entry_read(struct rocks_batch *b, uint64_t mailbox, uint32_t uid,
                                   struct rocks_entry *e);
enum store_status rocks_entry_read_flags(struct rocks_batch *b, struct rocks_entry *e);
enum store_status rocks_entry_read_prefix(struct rocks_batch *b, struct rocks_entry *e);
void rocks_entry_free(struct rocks_entry *e);
/* All its rows; `prefix` is one as it was read, head and all. False: no memory. */
bool rocks_entry_put(struct rocks_batch *b, const struct store_entry *entry, struct span prefix);
bool rocks_entry_put_flags(struct rocks_batch *b, const struct store_entry *entry);

/* The keywords of a mailbox, borrowed from the batch, which writes what is added. */
enum store_status rocks_keywords_of(struct rocks_batch *b, uint64_t mailbox,
                                    struct store_keywords **keywords_out);
/* As store_keywords_add(). */
enum store_status rocks_keywords_add(struct rocks_batch *b, uint64_t mailbox, struct span keywords);
void rocks_keywords_put(struct rocks_batch *b);
void rocks_keywords_free(struct rocks_batch *b);

/* Where a change of one or two mailboxes of an account began. */
struct rocks_point {
    struct rocks_box boxes[2];
    struct store_row_state states[2];
    struct store_row_usage usage;
    bool changed[2], usage_changed, durable, lazy;
    uint32_t gone_count, message_count;
    size_t ahead_len;
};

struct rocks_point rocks_batch_point(struct rocks_batch *b, const struct rocks_box *first,
                                     const struct rocks_box *second);
/* Unless `status` is STORE_OK, nothing of what was done since is in the batch. */
enum store_status rocks_batch_settle(struct rocks_batch *b, const struct rocks_point *p,
                                     enum store_status status);

/* rocks_mark.c, rocks_copy.c: operands of store_apply() */
bool rocks_uids_ascend(const uint32_t *uids, uint32_t count);
/* As rocks_batch_box(); FAILED: a quarantine. */
enum store_status rocks_batch_folder(struct rocks_batch *b, uint64_t mailbox,
                                     struct rocks_box *box_out);
enum store_status rocks_mark(struct rocks_batch *b, struct store_mark *mark);
enum store_status rocks_expunge(struct rocks_batch *b, struct store_expunge *expunge);
enum store_status rocks_copy(struct rocks_batch *b, struct store_copy *copy);
enum store_status rocks_append(struct rocks_batch *b, struct store_append *append);

/* rocks_lazy.c: the batch holds such a change, of that modification sequence. */
void rocks_lazy_mark(struct rocks_batch *b, uint64_t modseq);

/* rocks_delete.c */
/* Notes a reference that goes; false: no memory. */
bool rocks_delete_note(struct rocks_batch *b, struct rocks_gone gone);
bool rocks_delete_noted(const struct rocks_batch *b, uint64_t mailbox, uint32_t uid);
/* The rows of one entry out; and with them its tombstone in, its counters down. */
void rocks_delete_rows(struct rocks_batch *b, const struct rocks_gone *gone);
void rocks_delete_entry(struct rocks_batch *b, const struct rocks_box *box,
                        const struct rocks_gone *gone, uint64_t size);
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

/* rocks_gone.c: mailboxes that were deleted, and are emptied bit by bit */
/* From now on it is one. */
void rocks_gone_put(struct rocks_batch *b, uint64_t mailbox, const struct store_row_mailbox *row);
/* Everything that stands under its id alone, once it is empty. */
void rocks_gone_forget(struct rocks_batch *b, uint64_t mailbox);
/* The first from `from` on; with `account` (else 0) of that account alone. NONE: there is none. */
enum store_status rocks_gone_find(struct rocks *r, uint64_t from, uint64_t account,
                                  uint64_t *mailbox_out);
/* Removes some of its messages, and in the end the mailbox. Takes all locks. */
enum store_status rocks_gone_step(struct rocks *r, uint64_t mailbox, bool *done_out);

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
/* Tells of mailboxes to which messages came, or from which some went; once it is written. */
void rocks_batch_tell(const struct rocks_batch *b);

/* Once the batch is written. */
void rocks_full_tell(const struct rocks_batch *b);

/* Adds the counters of all accounts that changed and the batch's number, and writes. */
enum store_status rocks_batch_write(struct rocks_batch *b);

#endif
