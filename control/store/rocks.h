/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_ROCKS_H
#define CONTROL_STORE_ROCKS_H

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

#include "control/store/store_key.h"
#include "control/store/store_ops.h"
#include "control/store/store_row.h"

/* The store on RocksDB: what its files share. Nothing of this is seen outside control/store. */

enum rocks_family {
    ROCKS_META,      /* schema, incarnation, counters; RocksDB's default family */
    ROCKS_NAMES,     /* names of tenants, domains, accounts, mailboxes, each to an id */
    ROCKS_INDEX,     /* everything that is small */
    ROCKS_FLAGS,     /* what changes of an entry */
    ROCKS_BODY,      /* rows of bodies, as blobs */
    ROCKS_GREYLIST,  /* who was here before */
    ROCKS_DIRECTORY, /* accounts, domains, aliases of the directory */
    ROCKS_FAMILIES,
};

enum { ROCKS_SCHEMA = 3, ROCKS_AHEAD_VERSION = 1, ROCKS_VIEW_BUCKETS = 256 };

struct rocks_view {
    struct pop3_mailbox view; /* first: what the session sees */
    uint64_t account, mailbox;
    rocksdb_readoptions_t
        *read; /* as of the opening; the latest state after the store had to be reopened */
    const rocksdb_snapshot_t *snapshot;
    struct rocks_view *next; /* in its bucket */
    struct pop3_entry *entries;
    struct rocks_origin *origins; /* of each entry */
    uint32_t cap;                 /* of both */
    uint8_t *uidls;               /* texts that the entries' spans show */
    size_t uidls_len, uidls_cap;
};

static inline struct rocks_view *rocks_view_of(const struct pop3_mailbox *view)
{
    return (struct rocks_view *)(uintptr_t)view;
}

/* Where an entry's bytes lie. */
struct rocks_origin {
    struct id128 message;
    uint64_t incarnation;
    uint32_t prefix_len;
    uint32_t uidl_len;
    size_t uidl_at; /* in the view's texts */
};

/*
 * Changes hold `changing` all along, so that there is one writer. Whoever uses `db` holds `using`
 * for reading; only reopening after an error holds it for writing, and not before all pins are
 * back. Order: changing, using, views_lock.
 */
struct rocks {
    struct store store;
    char *path;
    bool sync;
    uint16_t node;
    uint64_t memtable_bytes;
    uint64_t reserve_bytes; /* of the disk: kept free */
    uint64_t room;          /* beyond the reserve, since the last look at the disk */
    uint64_t room_ms;       /* when that was, monotonic */

    rocksdb_options_t *options[ROCKS_FAMILIES];
    rocksdb_block_based_table_options_t *table;
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write, *write_lazy; /* the second does not sync */
    rocksdb_readoptions_t *read;

    pthread_mutex_t changing;
    pthread_rwlock_t using;
    rocksdb_t *db; /* NULL while it cannot be opened again */
    rocksdb_column_family_handle_t *family[ROCKS_FAMILIES];
    rocksdb_writebatch_t *rows; /* an empty one, or NULL */
    uint64_t incarnation;
    uint64_t next_id;
    uint64_t batch;           /* number of the last synced batch */
    uint64_t batch_found;     /* what it was when the database was opened */
    bool unsynced;            /* what was written last is not synced */
    uint64_t logged;          /* bytes since all families were written out */
    uint64_t modseq_floor;    /* no mailbox's modification sequence is lower */
    uint64_t modseq_reserved; /* none above it was given to a change that was not synced */
    uint8_t secret[STORE_SECRET];
    uint64_t clock;       /* no id of a message committed so far has a later time */
    uint64_t clock_found; /* what it was when the database was opened */
    _Atomic uint32_t pins;

    _Atomic bool wanted;   /* whoever uses the database for long ends early: it is to be reopened */
    _Atomic bool checking; /* one check at a time */
    bool sick;             /* a write failed; nothing more is written before reopening */
    enum store_status ill; /* what it failed with */
    uint64_t healed_ms;    /* last attempt to reopen, monotonic */
    uint64_t doubtful_batch;
    uint32_t doubtful_count;
    struct id128
        *doubtful; /* messages refused whose batch may be found on disk; taken back when it is */

    struct store_quarantine_limits limits; /* under `changing`, like the next */
    store_full_visit *full_visit;          /* is told of accounts that are full; may be NULL */
    void *full_context;

    struct { /* by the one who collects garbage: where the next step begins */
        uint64_t mailbox;
        bool bodies;         /* tombstones are done */
        struct id128 behind; /* of bodies, the last one that was looked at */
    } collecting;

    pthread_mutex_t views_lock;
    struct rocks_view *views[ROCKS_VIEW_BUCKETS];
    struct rocks_reading *readings; /* likewise under views_lock */
};

/* ---- rocks_db.c: the database as such ---- */

/* Opens, checks the schema, begins a new incarnation, removes what older ones left. `error`:
 * STORE_ERROR bytes. */
enum store_status rocks_db_open(struct rocks *r, char *error);
void rocks_db_close(struct rocks *r);
/* What RocksDB's message says; frees it. STORE_OK for NULL. */
enum store_status rocks_db_status(char *error);
/*
 * Writes the batch and, where the store syncs at all, the log. Every write is synced before the
 * next one: so a log is whole before the next log begins. RocksDB takes a family whose memory
 * happens to be empty for one that needs no older log; were that log then torn, it would refuse to
 * open.
 */
enum store_status rocks_db_write(struct rocks *r, rocksdb_writebatch_t *batch);
/* The same, and empties it for what comes next. */
enum store_status rocks_db_write_out(struct rocks *r, rocksdb_writebatch_t *batch);
/* Begins and ends a use of the database. False: it is closed, don't end. */
bool rocks_db_use(struct rocks *r);
void rocks_db_release(struct rocks *r);
/* False ends the walk. Spans are valid during the call. */
typedef bool rocks_db_visit(void *context, struct span key, struct span value);
/* All rows of a family from `start` on, in the order of keys. */
enum store_status rocks_db_walk(struct rocks *r, enum rocks_family family, struct span start,
                                rocks_db_visit *visit, void *context);
/* Writes what `fill` makes of `count` rows, all or nothing. */
typedef void rocks_db_fill(struct rocks *r, rocksdb_writebatch_t *batch, const void *rows,
                           uint32_t count);
enum store_status rocks_db_put(struct rocks *r, rocks_db_fill *fill, const void *rows,
                               uint32_t count);

/* ---- rocks_lazy.c: changes that are not synced ---- */

/* The batch without a sync, unless that would leave a log that is not whole. */
enum store_status rocks_lazy_write(struct rocks *r, rocksdb_writebatch_t *batch);
/* Before the database closes. */
void rocks_lazy_finish(struct rocks *r);

/* ---- rocks_migrate.c: what an older version of the program wrote ---- */

/*
 * Brings a store of schema version `schema` up to this program's. An interrupted migration goes on
 * where it was: the schema is raised before the first row is rewritten, so that no older program
 * takes half of each for damage, and what is still to be done stands in a row of its own.
 */
enum store_status rocks_migrate(struct rocks *r, uint64_t schema);

/* ---- rocks_ahead.c: the last batch before a power loss ---- */

/* Takes back what the last batch before the opening committed without all rows that had been
 * written ahead of it. */
enum store_status rocks_ahead_check(struct rocks *r);

/* ---- rocks_room.c: what the disk still takes ---- */

/* Under `changing`: whether `bytes` more may be committed. */
bool rocks_room(struct rocks *r, uint64_t bytes);

/* ---- rocks_full.c: accounts without room ---- */

void rocks_full_watch(struct store *store, store_full_visit *visit, void *context);
/* Under `changing`: what is so of the account now. */
void rocks_full_say(const struct rocks *r, uint64_t account, const struct store_row_account *row,
                    const struct store_row_usage *usage);

/* ---- rocks_heal.c: after a failed write ---- */

/* Under `changing`: STORE_OK when changes can be written, reopening if it must and can. */
enum store_status rocks_heal(struct rocks *r);
/*
 * After a write of batch r->batch failed with `status`: finds out whether it is on disk all the
 * same. STORE_OK: it is, and durable. Otherwise `messages` (`count`) will be taken back if they
 * ever show up.
 */
enum store_status rocks_heal_batch(struct rocks *r, enum store_status status,
                                   const struct id128 *messages, uint32_t count);

/* ---- rocks_value.c: rows ---- */

struct rocks_value {
    rocksdb_pinnableslice_t *slice;
    struct span bytes;
};

/* STORE_OK, STORE_NONE or an error. The value stays until rocks_value_free(), which takes an empty
 * one too. */
enum store_status rocks_value_get(struct rocks *r, const rocksdb_readoptions_t *read,
                                  enum rocks_family family, struct span key,
                                  struct rocks_value *value_out);
void rocks_value_free(struct rocks_value *value);

/* A row of numbers read whole: NONE, CORRUPT when it cannot be decoded. */
enum store_status rocks_value_number(struct rocks *r, enum rocks_family family, struct span key,
                                     uint64_t *number_out);
enum store_status rocks_value_domain(struct rocks *r, uint64_t id,
                                     struct store_row_domain *row_out);
enum store_status rocks_value_account(struct rocks *r, uint64_t id,
                                      struct store_row_account *row_out);
enum store_status rocks_value_usage(struct rocks *r, uint64_t id, struct store_row_usage *row_out);
enum store_status rocks_value_mailbox(struct rocks *r, uint64_t id,
                                      struct store_row_mailbox *row_out);
enum store_status rocks_value_state(struct rocks *r, uint64_t id, struct store_row_state *row_out);
enum store_status rocks_value_body(struct rocks *r, const struct id128 *id,
                                   struct store_row_body *row_out);

static inline struct span rocks_key(const struct store_key *key)
{
    return span_of(key->bytes, key->len);
}

/* For a row that another one leads to, and so must be there. */
static inline enum store_status rocks_must(enum store_status status)
{
    return status == STORE_NONE ? STORE_CORRUPT : status;
}

void rocks_value_put(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_family family,
                     struct span key, struct span value);
/* A number alone, as rocks_value_number() reads it. */
void rocks_value_put_number(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_family family,
                            struct span key, uint64_t n);
void rocks_value_delete(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_family family,
                        struct span key);
/* All rows under {table, id} of the index. */
void rocks_value_delete_range(struct rocks *r, rocksdb_writebatch_t *batch, enum store_table table,
                              uint64_t id);
/* Rows 0 to rows - 1 of a body. */
void rocks_value_delete_body(struct rocks *r, rocksdb_writebatch_t *batch, uint64_t incarnation,
                             const struct id128 *message, uint32_t rows);

/* ---- rocks_walk.c: rows in order ---- */

/* All rows whose key begins with `prefix`, from `start` (which does too, or is empty). Must not
 * move in memory. */
struct rocks_walk {
    rocksdb_iterator_t *it;
    rocksdb_readoptions_t *read;
    struct store_key bound;
    bool begun;
    struct span key, value; /* valid until the next step */
};

void rocks_walk_begin(struct rocks_walk *walk, struct rocks *r, enum rocks_family family,
                      const struct store_key *prefix, const struct store_key *start);
/* Sees the database as of the snapshot. */
void rocks_walk_begin_at(struct rocks_walk *walk, struct rocks *r, enum rocks_family family,
                         const struct store_key *prefix, const rocksdb_snapshot_t *snapshot);
/* And from `start` on. */
void rocks_walk_begin_from(struct rocks_walk *walk, struct rocks *r, enum rocks_family family,
                           const struct store_key *prefix, const struct store_key *start,
                           const rocksdb_snapshot_t *snapshot);
/* And leaves the cache of blocks to others. */
void rocks_walk_begin_once(struct rocks_walk *walk, struct rocks *r, enum rocks_family family,
                           const struct store_key *prefix, const rocksdb_snapshot_t *snapshot);
bool rocks_walk_next(struct rocks_walk *walk);
enum store_status rocks_walk_end(struct rocks_walk *walk);

/* ---- rocks_repair.c: what rocks_check() found ---- */

struct rocks_fault {
    struct store_fault fault;
    uint64_t incarnation;      /* of the row */
    uint32_t row;              /* of a body */
    enum store_table table;    /* of what is too much */
    uint64_t messages, octets; /* to be added to the counters, modulo 2^64 */
    uint32_t uid_next;         /* at least */
};

/* Makes it good if it is still there. Takes `changing`; the caller uses the database, which nobody
 * who holds `changing` waits for. */
bool rocks_repair(struct rocks *r, const struct rocks_fault *fault);

/* ---- rocks_names.c: names, and what they lead to ---- */

/* {kind, parent, name}: the parent of mailboxes and subscriptions is their account, of others 0. */
enum rocks_name {
    ROCKS_NAME_TENANT = 'T',
    ROCKS_NAME_DOMAIN = 'D',
    ROCKS_NAME_ACCOUNT = 'A',
    ROCKS_NAME_MAILBOX = 'M',
    ROCKS_NAME_SUBSCRIPTION = 'S', /* leads to 1 */
};

enum store_status rocks_names_look(struct rocks *r, enum rocks_name kind, uint64_t parent,
                                   struct span name, uint64_t *id_out);
/* STORE_NAME bytes at most. */
void rocks_names_put(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_name kind,
                     uint64_t parent, struct span name, uint64_t id);
void rocks_names_drop(struct rocks *r, rocksdb_writebatch_t *batch, enum rocks_name kind,
                      uint64_t parent, struct span name);
enum store_status rocks_names_drop_all(struct rocks *r, rocksdb_writebatch_t *batch,
                                       enum rocks_name kind, uint64_t parent);
/* All of that parent, in the order of names. */
void rocks_names_walk(struct rocks_walk *walk, struct rocks *r, enum rocks_name kind,
                      uint64_t parent);
/* The name where the walk is. */
struct span rocks_names_of(const struct rocks_walk *walk);
/* Name, row and state of a new mailbox; all of `fields` but UIDVALIDITY. */
void rocks_names_put_mailbox(struct rocks *r, rocksdb_writebatch_t *batch, uint64_t id,
                             const struct store_row_mailbox *fields, struct span name);

/* ---- the rest of store_ops ---- */

enum store_status rocks_names_tenant(struct store *store, struct span name, uint64_t *tenant_out);
enum store_status rocks_names_domain(struct store *store, uint64_t tenant, struct span name,
                                     uint8_t class, uint64_t *domain_out);
enum store_status rocks_names_account(struct store *store, const struct store_account *account,
                                      uint64_t *account_out);
enum store_status rocks_names_rename(struct store *store, uint64_t account, struct span from,
                                     struct span to);
enum store_status rocks_names_find(struct store *store, struct span key, uint64_t *account_out);

enum store_status rocks_apply_write(struct store *store, const struct id128 *message, uint32_t row,
                                    struct span bytes);
void rocks_apply(struct store *store, struct store_change *changes, uint32_t count);

enum store_status rocks_view_open(struct store *store, uint64_t account,
                                  const struct pop3_mailbox **view_out);
enum store_status rocks_view_read(struct store *store, const struct pop3_mailbox *view,
                                  uint32_t index, uint64_t offset, struct span *bytes_out,
                                  void **pin_out);
enum store_status rocks_view_gather(struct store *store, const struct pop3_mailbox *view,
                                    uint32_t index, uint32_t count, struct writer *out);
void rocks_view_unpin(struct store *store, void **pins, uint32_t count);
void rocks_view_close(struct store *store, const struct pop3_mailbox *view);
/* Drops the snapshots of all views, before the database closes. */
void rocks_view_unfix(struct rocks *r);

/* A body, wherever its message is shown. */
struct rocks_body {
    struct id128 message;
    uint64_t incarnation, size;
};
/* What was read stays until rocks_view_unpin(), or, where that failed, is given back at once. */
void rocks_view_pin(struct rocks *r, enum store_status status, struct rocks_value *value,
                    struct span *bytes_out, void **pin_out);
/* The row of the body that holds `offset`, from there on. */
enum store_status rocks_view_body(struct rocks *r, const rocksdb_readoptions_t *read,
                                  const struct rocks_body *body, uint64_t offset,
                                  struct rocks_value *value, struct span *out);

enum store_status rocks_reading_open(struct store *store, uint64_t mailbox, uint32_t uid,
                                     const struct store_reading **reading_out);
enum store_status rocks_reading_read(struct store *store, const struct store_reading *reading,
                                     uint64_t offset, struct span *bytes_out, void **pin_out);
void rocks_reading_close(struct store *store, const struct store_reading *reading);
/* As rocks_view_unfix(); under views_lock. */
void rocks_reading_unfix(struct rocks *r);
enum store_status rocks_lazy_sync(struct store *store);

enum store_status rocks_list_mailboxes(struct store *store, uint64_t account,
                                       store_mailbox_visit *visit, void *context);
/* All of a mailbox but its name. */
enum store_status rocks_list_show(struct rocks *r, struct store_mailbox *mailbox,
                                  store_mailbox_visit *visit, void *context, bool *more_out);
enum store_status rocks_list_entries(struct store *store, uint64_t mailbox, uint32_t uid,
                                     store_entry_visit *visit, void *context);
enum store_status rocks_mailbox_find(struct store *store, uint64_t account, struct span name,
                                     uint64_t *mailbox_out);
enum store_status rocks_mailbox_show(struct store *store, uint64_t mailbox,
                                     store_mailbox_visit *visit, void *context);
enum store_status rocks_mailbox_create(struct store *store, uint64_t account, struct span name,
                                       uint16_t uses, uint64_t *mailbox_out);
enum store_status rocks_mailbox_delete(struct store *store, uint64_t mailbox);
enum store_status rocks_mailbox_rename(struct store *store, uint64_t mailbox, struct span name);
enum store_status rocks_mailbox_use(struct store *store, uint64_t mailbox, uint16_t uses);
enum store_status rocks_mailbox_subscribe(struct store *store, uint64_t account, struct span name,
                                          bool subscribed);
enum store_status rocks_mailbox_subscriptions(struct store *store, uint64_t account,
                                              store_name_visit *visit, void *context);
enum store_status rocks_mailbox_quota(struct store *store, uint64_t account,
                                      struct store_quota *quota_out);
enum store_status rocks_list_entry(struct store *store, uint64_t mailbox, uint32_t uid,
                                   store_entry_visit *visit, void *context);
enum store_status rocks_list_places(struct store *store, const struct id128 *message,
                                    store_entry_visit *visit, void *context);
enum store_status rocks_list_tombstones(struct store *store, uint64_t mailbox, uint64_t since,
                                        store_entry_visit *visit, void *context);
enum store_status rocks_show_message(struct store *store, const struct id128 *message,
                                     store_message_visit *visit, void *context);
enum store_status rocks_show_bytes(struct store *store, uint64_t mailbox, uint32_t uid,
                                   store_bytes_visit *visit, void *context);
struct store_collect;
struct store_collected;
enum store_status rocks_collect(struct store *store, const struct store_collect *limits,
                                struct store_collected *collected);
enum store_status rocks_backup_create(struct store *store, const char *folder, uint32_t *id_out,
                                      char *error);
enum store_status rocks_check(struct store *store, const struct store_fsck *options,
                              struct store_health *health_out);

enum store_status rocks_directory_find(struct store *store, struct span key,
                                       struct writer *value_out);
enum store_status rocks_directory_put(struct store *store, const struct store_directory_row *rows,
                                      uint32_t count, const struct store_audit *audit,
                                      uint32_t audits);
enum store_status rocks_directory_walk(struct store *store, struct span start,
                                       store_directory_visit *visit, void *context);

enum store_status rocks_greylist_find(struct store *store, struct span key,
                                      struct store_greylist_row *row_out);
enum store_status rocks_greylist_put(struct store *store, const struct store_greylist_row *rows,
                                     uint32_t count);
enum store_status rocks_greylist_walk(struct store *store, struct span start,
                                      store_greylist_visit *visit, void *context);

enum store_status rocks_audit(struct store *store, uint64_t since, store_audit_visit *visit,
                              void *context);
enum store_status rocks_audit_last(struct store *store, uint64_t *sequence_out);
enum store_status rocks_audit_trim(struct store *store, uint64_t before_ms, uint32_t limit,
                                   uint32_t *removed_out);
void rocks_quarantine_limit(struct store *store, const struct store_quarantine_limits *limits);
enum store_status rocks_erase(struct store *store, struct span key,
                              const struct store_reason *reason, uint64_t *account_out);
enum store_status rocks_erase_step(struct store *store, store_erasure_visit *visit, void *context,
                                   bool *done_out);

#endif
