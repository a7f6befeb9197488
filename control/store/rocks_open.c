/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    DEFAULT_CACHE = 64 << 20,
    DEFAULT_MEMTABLE = 16 << 20,
    LOGS_KEPT = 4,   /* written over when the next one begins: a log that does not grow is synced
                        without its inode, in one write to the disk instead of two */
    BLOB_MIN = 4096, /* smaller rows lie in the tables themselves */
    BLOB_FILE = 256 << 20,
    MANIFEST_FILE = 1, /* each change of the set of files makes a new list and then names it: one
                          that is appended to cannot be read once a power loss has torn its end */
    WAL_AHEAD = 512 << 10, /* what is written ahead is sent to the disk early, so that the sync
                              finds little to do */
    TABLE_AHEAD = 1 << 20,
    BLOOM_BITS = 10,
    LOG_FILE = 1 << 20,
    LOG_FILES = 4,
    LOG_FATAL = 4, /* RocksDB's own log has what it says at the opening alone: Debian's build
                      asserts that no line comes after one for which the disk had no room */
    OPEN_FILES = 512,
    POINT_IN_TIME = 2, /* rocksdb::WALRecoveryMode::kPointInTimeRecovery */
    NO_COMPRESSION = 0,
};

/*
 * What is synced when: docs/durability.md. Point-in-time recovery takes the log up to the first
 * record that is not whole. After a power loss the unsynced tail may have holes with whole records
 * behind them; a mode that insists on a clean tail would then refuse to open, one that skips holes
 * would break the order.
 */
static void set_database_options(rocksdb_options_t *o, uint64_t memtable)
{
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_create_missing_column_families(o, 1);
    rocksdb_options_set_wal_recovery_mode(o, POINT_IN_TIME);
    rocksdb_options_set_max_total_wal_size(o, 4 * memtable);
    rocksdb_options_set_max_manifest_file_size(o, MANIFEST_FILE);
    rocksdb_options_set_recycle_log_file_num(o, LOGS_KEPT);
    rocksdb_options_set_wal_bytes_per_sync(o, WAL_AHEAD);
    rocksdb_options_set_bytes_per_sync(o, TABLE_AHEAD);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_max_open_files(o, OPEN_FILES);
    rocksdb_options_set_info_log_level(o, LOG_FATAL);
    rocksdb_options_set_max_log_file_size(o, LOG_FILE);
    rocksdb_options_set_keep_log_file_num(o, LOG_FILES);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
}

/*
 * Bodies are stored as they came: what clients send as attachments is compressed already. What was
 * read is kept in the cache, where mail that is asked for again (by parts, by several recipients)
 * costs neither a call of the system nor its checksum.
 */
static void set_body_options(rocksdb_options_t *o, rocksdb_cache_t *cache)
{
    rocksdb_options_set_blob_cache(o, cache);
    rocksdb_options_set_enable_blob_files(o, 1);
    rocksdb_options_set_min_blob_size(o, BLOB_MIN);
    rocksdb_options_set_blob_file_size(o, BLOB_FILE);
    rocksdb_options_set_blob_compression_type(o, NO_COMPRESSION);
    rocksdb_options_set_compression(o, NO_COMPRESSION);
    rocksdb_options_set_enable_blob_gc(o, 1);
}

static void make_options(struct rocks *r, uint64_t cache_bytes)
{
    r->cache = rocksdb_cache_create_lru(cache_bytes);
    r->table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(r->table, r->cache);
    rocksdb_block_based_options_set_filter_policy(r->table,
                                                  rocksdb_filterpolicy_create_bloom(BLOOM_BITS));
    for (int i = 0; i < ROCKS_FAMILIES; i++) {
        r->options[i] = rocksdb_options_create();
        set_database_options(r->options[i], r->memtable_bytes);
        rocksdb_options_set_write_buffer_size(r->options[i], r->memtable_bytes);
        rocksdb_options_set_block_based_table_factory(r->options[i], r->table);
    }
    set_body_options(r->options[ROCKS_BODY], r->cache);
    r->read = rocksdb_readoptions_create();
    r->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(r->write, r->sync);
    r->write_lazy = rocksdb_writeoptions_create();
}

static void rocks_free(struct rocks *r)
{
    for (int i = 0; i < ROCKS_FAMILIES; i++)
        rocksdb_options_destroy(r->options[i]);
    rocksdb_block_based_options_destroy(r->table);
    rocksdb_cache_destroy(r->cache);
    rocksdb_readoptions_destroy(r->read);
    rocksdb_writeoptions_destroy(r->write);
    rocksdb_writeoptions_destroy(r->write_lazy);
    if (r->rows)
        rocksdb_writebatch_destroy(r->rows);
    pthread_mutex_destroy(&r->changing);
    pthread_mutex_destroy(&r->views_lock);
    pthread_rwlock_destroy(&r->using);
    free(r->doubtful);
    free(r->path);
    free(r);
}

static uint64_t rocks_clock(struct store *store)
{
    return ((const struct rocks *)store)->clock_found;
}

static void rocks_secret(struct store *store, uint8_t *secret_out)
{
    memcpy(secret_out, ((const struct rocks *)store)->secret, STORE_SECRET);
}

static void rocks_close(struct store *store)
{
    struct rocks *r = (struct rocks *)store;

    rocks_lazy_finish(r);
    rocks_db_close(r);
    rocks_free(r);
}

static const struct store_ops ops = {
    .close = rocks_close,
    .clock = rocks_clock,
    .secret = rocks_secret,
    .tenant_put = rocks_names_tenant,
    .domain_put = rocks_names_domain,
    .account_put = rocks_names_account,
    .account_rename = rocks_names_rename,
    .full_watch = rocks_full_watch,
    .account_find = rocks_names_find,
    .write = rocks_apply_write,
    .apply = rocks_apply,
    .view_open = rocks_view_open,
    .view_read = rocks_view_read,
    .view_gather = rocks_view_gather,
    .unpin = rocks_view_unpin,
    .view_close = rocks_view_close,
    .mailboxes = rocks_list_mailboxes,
    .mailbox_find = rocks_mailbox_find,
    .mailbox_show = rocks_mailbox_show,
    .mailbox_create = rocks_mailbox_create,
    .mailbox_delete = rocks_mailbox_delete,
    .mailbox_rename = rocks_mailbox_rename,
    .mailbox_use = rocks_mailbox_use,
    .subscribe = rocks_mailbox_subscribe,
    .subscriptions = rocks_mailbox_subscriptions,
    .quota = rocks_mailbox_quota,
    .sync = rocks_lazy_sync,
    .reading_open = rocks_reading_open,
    .reading_read = rocks_reading_read,
    .reading_close = rocks_reading_close,
    .entries = rocks_list_entries,
    .entry_find = rocks_list_entry,
    .places = rocks_list_places,
    .message_show = rocks_show_message,
    .export = rocks_show_bytes,
    .tombstones = rocks_list_tombstones,
    .directory_find = rocks_directory_find,
    .directory_put = rocks_directory_put,
    .directory_walk = rocks_directory_walk,
    .greylist_find = rocks_greylist_find,
    .greylist_put = rocks_greylist_put,
    .greylist_walk = rocks_greylist_walk,
    .collect = rocks_collect,
    .backup = rocks_backup_create,
    .audit = rocks_audit,
    .audit_last = rocks_audit_last,
    .audit_trim = rocks_audit_trim,
    .quarantine_limit = rocks_quarantine_limit,
    .erase = rocks_erase,
    .erase_step = rocks_erase_step,
    .fsck = rocks_check,
};

/* RocksDB syncs its directory, but not the entry that leads to it. */
static bool sync_parent(const char *path)
{
    char *copy = strdup(path);
    int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    free(copy);
    return ok;
}

enum store_status store_rocks_open(const struct store_options *options, struct store **store_out,
                                   char *error)
{
    struct rocks *r = calloc(1, sizeof(*r));
    enum store_status status;

    *store_out = NULL;
    if (!r || !(r->path = strdup(options->path))) {
        snprintf(error, STORE_ERROR, "no memory");
        free(r);
        return STORE_FAILED;
    }
    r->store.ops = &ops;
    r->sync = options->sync;
    r->reserve_bytes = options->reserve_bytes;
    r->node = options->node;
    r->memtable_bytes = options->memtable_bytes ? options->memtable_bytes : DEFAULT_MEMTABLE;
    pthread_mutex_init(&r->changing, NULL);
    pthread_mutex_init(&r->views_lock, NULL);
    pthread_rwlock_init(&r->using, NULL);
    make_options(r, options->cache_bytes ? options->cache_bytes : DEFAULT_CACHE);
    status = rocks_db_open(r, error);
    if (status == STORE_OK && r->sync && !sync_parent(r->path)) {
        snprintf(error, STORE_ERROR, "the folder that holds the store cannot be synced");
        rocks_db_close(r);
        status = STORE_FAILED;
    }
    if (status == STORE_OK)
        *store_out = &r->store;
    else
        rocks_free(r);
    return status;
}
