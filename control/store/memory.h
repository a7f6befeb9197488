/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_MEMORY_H
#define CONTROL_STORE_MEMORY_H

#include <pthread.h>

#include "control/store/memory_arena.h"
#include "control/store/memory_ids.h"
#include "control/store/memory_map.h"
#include "control/store/store_keywords.h"
#include "control/store/store_ops.h"

/*
 * The store in memory: what its files share. Nothing of this is seen outside control/store.
 *
 * Workers add: they reserve room, copy the message into the arena, enter its id, and push an entry
 * onto each mailbox. That takes no lock, and reads nothing that another thread may free but the
 * account, which stays until all workers' turns are over (RCU). Everything else, all that removes
 * or changes something included, holds `changing`, and first takes over what was pushed.
 */
enum {
    MEMORY_LANES = 256, /* workers that may add without a lock */
    MEMORY_PENDING_BUCKETS = 64,
};

/* Bytes of a body, in the arena. */
struct memory_piece {
    struct memory_piece *next;
    uint32_t len;
    uint8_t data[];
};

/* A shared body, in the arena. All but `entries` and `held` stays as it was made. */
struct memory_body {
    struct id128 id;
    uint64_t size, received_ms;
    struct memory_piece *first;
    struct memory_entry *entries; /* of its mailboxes, by `sibling` */
    uint32_t held;                /* by views and readers */
    uint32_t envelope, tree; /* lengths of the row of the envelope, and of the tree behind it */
    uint8_t bytes[];
};

/* A message in a mailbox, in the arena. */
struct memory_entry {
    struct memory_entry *sibling;
    struct memory_body *body;
    struct memory_mailbox *mailbox;
    uint64_t saved_ms, modseq;
    uint32_t next; /* in the list of those pushed, the one before; in a view's, of those gone */
    uint32_t uid;
    uint32_t prefix, keywords; /* lengths */
    uint32_t flags;
    uint32_t marks; /* the piece that has the keywords; 0: they are in `bytes` */
    uint16_t delivery;
    uint8_t verdict; /* length */
    uint8_t form;
    bool taken;      /* is in its mailbox's slots */
    uint8_t bytes[]; /* prefix, verdict, keywords */
};

/* An entry as its mailbox knows it, in the order of UIDs. */
struct memory_slot {
    uint32_t uid;
    uint32_t entry; /* 0: it is gone */
    uint64_t size;
};

struct memory_tombstone {
    struct id128 message;
    uint64_t modseq, deleted_ms;
    uint32_t uid;
};

struct memory_mailbox {
    /* By all: {next UID, the entry pushed last or 0}, and the octets of all entries, pushed or
     * about to be. */
    _Atomic uint64_t pushed __attribute__((aligned(64)));
    _Atomic uint64_t octets;
    /* By who holds `changing`; pushed entries are not in it. */
    struct memory_account *account __attribute__((aligned(64)));
    uint64_t id, modseq, messages, size;
    struct memory_slot *slots;
    uint32_t first, count, cap; /* of slots; before `first` all are gone */
    uint32_t gone;
    uint32_t uid_next; /* as of the last taking over */
    uint8_t place;
    struct memory_tombstone *tombstones;
    uint32_t tombstones_first, tombstones_count, tombstones_cap;
    uint64_t floor; /* modification sequence up to which tombstones are forgotten */
    uint16_t uses;
    struct store_keywords keywords;
};

struct memory_account {
    uint64_t id, domain;
    _Atomic uint64_t quota;   /* octets of the inbox; 0: none */
    _Atomic uint64_t full_ms; /* since when it is full; 0: it is not */
    struct memory_view *view; /* of the inbox */
    struct memory_erasure *erasure;
    bool gone;                          /* only its view needs it */
    struct memory_mailbox mailboxes[2]; /* by enum message_place; the octets of the inbox are those
                                           of folders too */
    struct memory_mailbox **folders;    /* in the order of ids */
    uint32_t folder_count, folder_cap;
};

struct memory_erasure {
    struct memory_erasure *next;
    struct store_erasure so_far;
    struct store_reason reason; /* like the key, in `text` */
    bool ready;                 /* no worker adds any more */
    uint8_t text[STORE_NAME + STORE_WHO + STORE_WHY];
};

struct memory_view {
    struct pop3_mailbox view; /* first: what the session sees */
    struct memory_account *account;
    struct pop3_entry *shown;
    struct memory_entry **entries; /* of each */
    uint32_t gone;                 /* entries deleted since, by `next`: they stay until it ends */
    struct {                       /* where the last reading of a body ended */
        uint32_t index;
        const struct memory_piece *piece;
        uint64_t at; /* of the body, where the piece begins */
    } last;
};

/* Rows of a message that is yet to come, in the arena. */
struct memory_pending {
    struct memory_pending *next;
    struct id128 id;
    struct memory_piece *first, *last;
    uint32_t rows;
};

/* What one thread puts messages in with. */
struct memory_adder {
    struct memory_lane lane;
    struct memory_pending *pending[MEMORY_PENDING_BUCKETS];
} __attribute__((aligned(64)));

struct memory_audit_row {
    struct memory_audit_row *next; /* while it is spare */
    uint64_t when_ms;
    uint32_t len;
    uint8_t bytes[STORE_AUDIT_ROW];
};

struct memory_ids_leaf;

struct memory {
    struct store store;
    struct memory_arena arena;
    struct memory_ids ids;
    _Atomic uint64_t pending_rows;
    struct memory_ids_leaf **accounts;         /* by account and by mailbox id; leaves never go */
    _Atomic uint64_t quarantine_octets;        /* quota of each quarantine; 0: none */
    _Atomic(struct memory_reading *) readings; /* that ended */
    _Atomic(struct memory_pending *) handed;   /* by workers, with what they don't do themselves */

    pthread_mutex_t changing; /* recursive: who is shown something may ask for more */
    struct memory_adder own;  /* of who holds it */
    uint8_t quarantine_full;  /* enum store_quarantine_full */
    uint64_t next_id;
    struct memory_map names, imported;
    struct memory_map mailboxes, subscriptions; /* {account, name}; the first lead to ids */
    struct memory_account **all; /* accounts, also while they are erased, in the order of ids */
    uint32_t count, cap;
    struct memory_erasure *erasures;
    store_full_visit *full_visit;
    void *full_context;
    struct memory_audit_row **audit; /* the rows there are, from number audit_first on */
    uint64_t audit_first;
    uint32_t audit_count, audit_cap;
    struct memory_audit_row *audit_spare;
    uint64_t collecting; /* id of the account whose tombstones are the next ones */

    uint8_t secret[STORE_SECRET];
    pthread_mutex_t greylist_lock;
    struct memory_map greylist;
    pthread_mutex_t directory_lock;
    struct memory_map directory;

    struct memory_adder adders[MEMORY_LANES];
};

static inline struct memory *memory_of(struct store *store)
{
    return (struct memory *)store;
}

static inline struct memory_view *memory_view_of(const struct pop3_mailbox *view)
{
    return (struct memory_view *)(uintptr_t)view;
}

static inline void memory_lock(struct memory *m)
{
    pthread_mutex_lock(&m->changing);
}

static inline void memory_unlock(struct memory *m)
{
    pthread_mutex_unlock(&m->changing);
}

/* ---- memory_names.c ---- */

/* The account that has this id, or whose mailbox has. NULL: there is none. On workers within a turn
 * (RCU). */
struct memory_account *memory_names_account(const struct memory *m, uint64_t id);
/* NULL: there is none. Under `changing`. */
struct memory_mailbox *memory_names_mailbox(const struct memory *m, uint64_t id);
/* Neither name nor id lead to the account any more; its mailboxes' ids do. */
void memory_names_hide(struct memory *m, struct memory_account *account, struct span key);
/* It is gone, and nothing is in its mailboxes; freed once its view is closed too. */
void memory_names_drop(struct memory *m, struct memory_account *account);
void memory_names_free(struct memory_account *account);
/* Ids that lead to this account: its own, and those of mailboxes. False: no memory. */
bool memory_names_set(struct memory *m, uint64_t id, struct memory_account *account);
void memory_names_init_mailbox(struct memory_mailbox *box, struct memory_account *account,
                               uint64_t id, uint8_t place);
/* The first account whose id is `id` or greater, also one that is being erased; NULL: none. */
struct memory_account *memory_names_next(const struct memory *m, uint64_t id);
bool memory_names_init(struct memory *m);
void memory_names_fini(struct memory *m);

/* ---- memory_tree.c: names of mailboxes; under `changing` ---- */

/* Enters the names of the two fixed ones. False: no memory. */
bool memory_tree_init(struct memory *m, struct memory_account *account);
/* All its names and folders go; those are empty. */
void memory_tree_drop(struct memory *m, struct memory_account *account);
/* NULL: it has none. */
struct memory_mailbox *memory_tree_folder(const struct memory_account *account, uint64_t id);

/* ---- memory_body.c: making and freeing ---- */

/* Bytes of a body that are being copied in. */
struct memory_filling {
    struct memory_piece **end; /* where the next piece is hung up */
    struct memory_piece *piece;
    uint32_t filled; /* of it */
    uint64_t left;   /* bytes that are still to come */
};

/* False: no room; pieces that were made stay. */
bool memory_body_add(struct memory *m, struct memory_lane *lane, struct memory_filling *filling,
                     struct span bytes);
/* The body without its bytes. NULL: no room. */
struct memory_body *memory_body_new(struct memory *m, struct memory_lane *lane,
                                    const struct message *message);
void memory_body_free_pieces(struct memory *m, struct memory_piece *first);
/* Under `changing`: frees it and its id, when nobody needs it. */
void memory_body_release(struct memory *m, struct memory_body *body);
/* Under `changing`. NULL: there is none. */
struct memory_body *memory_body_find(struct memory *m, const struct id128 *id);

/* ---- memory_pending.c: rows ahead of their commit ---- */

enum store_status memory_pending_write(struct memory *m, struct memory_adder *adder,
                                       const struct id128 *id, uint32_t row, struct span bytes);
/* Out of the adder; NULL: it has none. */
struct memory_pending *memory_pending_take(struct memory_adder *adder, const struct id128 *id);
void memory_pending_put(struct memory_adder *adder, struct memory_pending *pending);
void memory_pending_free(struct memory *m, struct memory_pending *pending);
/* Frees the rows; false: the adder has none of that message. */
bool memory_pending_discard(struct memory *m, struct memory_adder *adder, const struct id128 *id);
/* A worker's rows, to who holds `changing`, who then has them in m->own. */
void memory_pending_hand(struct memory *m, struct memory_adder *adder, const struct id128 *id);
void memory_pending_accept(struct memory *m);

/* ---- memory_mailbox.c ---- */

/* Octets for a message, unless that is more than `limit` in all (0: none). Any thread. */
bool memory_mailbox_reserve(struct memory_mailbox *box, uint64_t octets, uint64_t limit);
void memory_mailbox_unreserve(struct memory_mailbox *box, uint64_t octets);
/* The one whose octets count for this one. */
static inline struct memory_mailbox *memory_mailbox_counter(struct memory_mailbox *box)
{
    return box->place == MESSAGE_QUARANTINE ? box : &box->account->mailboxes[MESSAGE_INBOX];
}
/* Any thread: gives the entry, whose octets are reserved, its UID, and makes it seen. */
uint32_t memory_mailbox_push(struct memory *m, struct memory_entry *entry);
/* UIDs for that many more. */
bool memory_mailbox_open(const struct memory_mailbox *box, uint32_t messages);

/* The rest holds `changing`. Takes over what was pushed. STORE_FAILED: no memory. */
enum store_status memory_mailbox_take(struct memory *m, struct memory_mailbox *box);
/* Index of the first slot whose UID is `uid` or more, gone or not; box->count: none. */
uint32_t memory_mailbox_seek(const struct memory_mailbox *box, uint32_t uid);
/* The entry that has the UID or the next one behind it; NULL: none. */
struct memory_entry *memory_mailbox_from(const struct memory *m, const struct memory_mailbox *box,
                                         uint32_t uid);
struct memory_entry *memory_mailbox_find(const struct memory *m, const struct memory_mailbox *box,
                                         uint32_t uid);
uint64_t memory_mailbox_size(const struct memory_entry *entry);
/* Takes the entry out of its mailbox, which remembers it if `tombstone`. It stays its body's. */
void memory_mailbox_remove(struct memory_entry *entry, bool tombstone);
/* That, and frees it and what it alone needed; while a view shows it, when that ends. */
void memory_mailbox_delete(struct memory *m, struct memory_entry *entry, bool tombstone);
void memory_mailbox_fini(struct memory_mailbox *box);

/* ---- memory_change.c, under `changing` ---- */

struct span memory_entry_keywords(const struct memory *m, const struct memory_entry *entry);
void memory_entry_free(struct memory *m, struct memory_entry *entry);
/* A mailbox that may be changed so, with all that was pushed taken over. */
enum store_status memory_change_enter(struct memory *m, uint64_t mailbox,
                                      struct memory_mailbox **box_out);
enum store_status memory_change_mark(struct memory *m, struct store_mark *mark);
enum store_status memory_change_expunge(struct memory *m, struct store_expunge *expunge);
enum store_status memory_change_copy(struct memory *m, struct store_copy *copy);
/* memory_commit.c */
enum store_status memory_append(struct memory *m, struct store_append *append);

/* ---- memory_reading.c ---- */

/* Under `changing`: lets go of what was read. */
void memory_reading_settle(struct memory *m);
/* Any thread: does nothing to a pin of a view. */
void memory_reading_unpin(struct memory *m, void *pin);

/* ---- memory_commit.c ---- */

/* Under `changing`. */
enum store_status memory_commit(struct memory *m, struct message *message, uint32_t flags,
                                struct span keywords);
bool memory_commit_near(struct store *store, uint16_t worker, struct message *message,
                        enum store_status *status_out);
bool memory_write_near(struct store *store, uint16_t worker, const struct id128 *message,
                       uint32_t row, struct span bytes, enum store_status *status_out);
bool memory_discard_near(struct store *store, uint16_t worker, const struct id128 *message);

/* ---- memory_full.c: accounts without room; under `changing` ---- */

void memory_full_watch(struct store *store, store_full_visit *visit, void *context);
/* There was no room for so many octets. */
void memory_full_found(struct memory_account *account, uint64_t octets);
/* Some were taken, or freed. */
void memory_full_taken(struct memory *m, struct memory_account *account);
void memory_full_freed(struct memory *m, struct memory_account *account);
void memory_full_say(const struct memory *m, const struct memory_account *account);

/* ---- memory_quarantine.c ---- */

/* Under `changing`, like all but the limit: whether `octets` more fit, or will once the oldest
 * went.
 */
enum store_status memory_quarantine_ask(struct memory *m, struct memory_account *account,
                                        uint64_t octets);
/* The oldest go, but none from the UID `kept` on, until it holds no more than it may. */
void memory_quarantine_evict(struct memory *m, struct memory_account *account, uint32_t kept);
enum store_status memory_quarantine_release(struct memory *m, struct store_quarantine *change);
enum store_status memory_quarantine_drop(struct memory *m, const struct store_quarantine *change);
void memory_quarantine_limit(struct store *store, const struct store_quarantine_limits *limits);

/* ---- memory_audit.c ---- */

/* Under `changing`: room for so many rows. False: no memory. */
bool memory_audit_begin(struct memory *m, uint32_t rows);
void memory_audit_put(struct memory *m, const struct store_audit *row);
void memory_audit_fini(struct memory *m);

/* ---- the rest of store_ops ---- */

enum store_status memory_names_tenant(struct store *store, struct span name, uint64_t *tenant_out);
enum store_status memory_names_domain(struct store *store, uint64_t tenant, struct span name,
                                      uint8_t class, uint64_t *domain_out);
enum store_status memory_names_put(struct store *store, const struct store_account *account,
                                   uint64_t *account_out);
enum store_status memory_names_rename(struct store *store, uint64_t account, struct span from,
                                      struct span to);
enum store_status memory_names_find(struct store *store, struct span key, uint64_t *account_out);
enum store_status memory_apply_write(struct store *store, const struct id128 *message, uint32_t row,
                                     struct span bytes);
void memory_apply(struct store *store, struct store_change *changes, uint32_t count);
enum store_status memory_view_open(struct store *store, uint64_t account,
                                   const struct pop3_mailbox **view_out);
enum store_status memory_view_read(struct store *store, const struct pop3_mailbox *view,
                                   uint32_t index, uint64_t offset, struct span *bytes_out,
                                   void **pin_out);
enum store_status memory_view_gather(struct store *store, const struct pop3_mailbox *view,
                                     uint32_t index, uint32_t count, struct writer *out);
void memory_view_unpin(struct store *store, void **pins, uint32_t count);
void memory_view_close(struct store *store, const struct pop3_mailbox *view);
enum store_status memory_list_entries(struct store *store, uint64_t mailbox, uint32_t uid,
                                      store_entry_visit *visit, void *context);
/* Under `changing`, all of it but its name. */
enum store_status memory_list_show(struct memory *m, struct memory_mailbox *box, struct span name,
                                   store_mailbox_visit *visit, void *context, bool *more_out);
enum store_status memory_reading_open(struct store *store, uint64_t mailbox, uint32_t uid,
                                      const struct store_reading **reading_out);
enum store_status memory_reading_read(struct store *store, const struct store_reading *reading,
                                      uint64_t offset, struct span *bytes_out, void **pin_out);
void memory_reading_close(struct store *store, const struct store_reading *reading);
enum store_status memory_tree_find(struct store *store, uint64_t account, struct span name,
                                   uint64_t *mailbox_out);
enum store_status memory_tree_show(struct store *store, uint64_t mailbox,
                                   store_mailbox_visit *visit, void *context);
enum store_status memory_tree_list(struct store *store, uint64_t account,
                                   store_mailbox_visit *visit, void *context);
enum store_status memory_tree_create(struct store *store, uint64_t account, struct span name,
                                     uint16_t uses, uint64_t *mailbox_out);
enum store_status memory_tree_delete(struct store *store, uint64_t mailbox);
enum store_status memory_tree_rename(struct store *store, uint64_t mailbox, struct span name);
enum store_status memory_tree_use(struct store *store, uint64_t mailbox, uint16_t uses);
enum store_status memory_tree_subscribe(struct store *store, uint64_t account, struct span name,
                                        bool subscribed);
enum store_status memory_tree_subscriptions(struct store *store, uint64_t account,
                                            store_name_visit *visit, void *context);
enum store_status memory_tree_quota(struct store *store, uint64_t account,
                                    struct store_quota *quota_out);
enum store_status memory_list_entry(struct store *store, uint64_t mailbox, uint32_t uid,
                                    store_entry_visit *visit, void *context);
enum store_status memory_list_places(struct store *store, const struct id128 *message,
                                     store_entry_visit *visit, void *context);
enum store_status memory_list_tombstones(struct store *store, uint64_t mailbox, uint64_t since,
                                         store_entry_visit *visit, void *context);
enum store_status memory_show_message(struct store *store, const struct id128 *message,
                                      store_message_visit *visit, void *context);
enum store_status memory_show_bytes(struct store *store, uint64_t mailbox, uint32_t uid,
                                    store_bytes_visit *visit, void *context);
enum store_status memory_collect(struct store *store, const struct store_collect *limits,
                                 struct store_collected *collected);
enum store_status memory_audit(struct store *store, uint64_t since, store_audit_visit *visit,
                               void *context);
enum store_status memory_audit_last(struct store *store, uint64_t *sequence_out);
enum store_status memory_audit_trim(struct store *store, uint64_t before_ms, uint32_t limit,
                                    uint32_t *removed_out);
enum store_status memory_erase(struct store *store, struct span key,
                               const struct store_reason *reason, uint64_t *account_out);
enum store_status memory_erase_step(struct store *store, store_erasure_visit *visit, void *context,
                                    bool *done_out);
enum store_status memory_directory_find(struct store *store, struct span key,
                                        struct writer *value_out);
enum store_status memory_directory_put(struct store *store, const struct store_directory_row *rows,
                                       uint32_t count, const struct store_audit *audit,
                                       uint32_t audits);
enum store_status memory_directory_walk(struct store *store, struct span start,
                                        store_directory_visit *visit, void *context);
enum store_status memory_greylist_find(struct store *store, struct span key,
                                       struct store_greylist_row *row_out);
enum store_status memory_greylist_put(struct store *store, const struct store_greylist_row *rows,
                                      uint32_t count);
enum store_status memory_greylist_walk(struct store *store, struct span start,
                                       store_greylist_visit *visit, void *context);
enum store_status memory_check(struct store *store, const struct store_fsck *options,
                               struct store_health *health_out);

#endif
