/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "dataplane/handoff/hidden.h"

enum {
    DEFAULT_BYTES = 1 << 30,
    LEAST_MESSAGE = 512, /* bytes that even an empty message takes, about */
    MEMORY_SHIFT_MAX = 38,
};

static uint64_t memory_clock(struct store *store)
{
    return 0;
}

static void memory_secret(struct store *store, uint8_t *secret_out)
{
    memcpy(secret_out, memory_of(store)->secret, STORE_SECRET);
}

static enum store_status memory_backup(struct store *store, const char *folder, uint32_t *id_out,
                                       char *error)
{
    snprintf(error, STORE_ERROR, "a store in memory has no backups");
    return STORE_FAILED;
}

static void memory_free(struct memory *m)
{
    memory_names_fini(m);
    memory_audit_fini(m);
    memory_map_fini(&m->greylist);
    memory_map_fini(&m->directory);
    memory_ids_fini(&m->ids);
    memory_arena_fini(&m->arena);
    pthread_mutex_destroy(&m->changing);
    pthread_mutex_destroy(&m->greylist_lock);
    pthread_mutex_destroy(&m->directory_lock);
    free(m);
}

/* There is nothing behind it that could be lost later. */
static enum store_status memory_sync(struct store *store)
{
    return STORE_OK;
}

static void memory_close(struct store *store)
{
    memory_reading_settle(memory_of(store));
    memory_free(memory_of(store));
}

static const struct store_near near = {
    .commit = memory_commit_near,
    .write = memory_write_near,
    .discard = memory_discard_near,
};

static const struct store_ops ops = {
    .near = &near,
    .close = memory_close,
    .clock = memory_clock,
    .secret = memory_secret,
    .tenant_put = memory_names_tenant,
    .domain_put = memory_names_domain,
    .account_put = memory_names_put,
    .account_rename = memory_names_rename,
    .full_watch = memory_full_watch,
    .account_find = memory_names_find,
    .write = memory_apply_write,
    .apply = memory_apply,
    .view_open = memory_view_open,
    .view_read = memory_view_read,
    .view_gather = memory_view_gather,
    .unpin = memory_view_unpin,
    .view_close = memory_view_close,
    .mailboxes = memory_tree_list,
    .mailbox_find = memory_tree_find,
    .mailbox_show = memory_tree_show,
    .mailbox_create = memory_tree_create,
    .mailbox_delete = memory_tree_delete,
    .mailbox_rename = memory_tree_rename,
    .mailbox_use = memory_tree_use,
    .subscribe = memory_tree_subscribe,
    .subscriptions = memory_tree_subscriptions,
    .quota = memory_tree_quota,
    .sync = memory_sync,
    .reading_open = memory_reading_open,
    .reading_read = memory_reading_read,
    .reading_close = memory_reading_close,
    .entries = memory_list_entries,
    .entry_find = memory_list_entry,
    .places = memory_list_places,
    .message_show = memory_show_message,
    .export = memory_show_bytes,
    .tombstones = memory_list_tombstones,
    .collect = memory_collect,
    .backup = memory_backup,
    .audit = memory_audit,
    .audit_last = memory_audit_last,
    .audit_trim = memory_audit_trim,
    .quarantine_limit = memory_quarantine_limit,
    .erase = memory_erase,
    .erase_step = memory_erase_step,
    .directory_find = memory_directory_find,
    .directory_put = memory_directory_put,
    .directory_walk = memory_directory_walk,
    .greylist_find = memory_greylist_find,
    .greylist_put = memory_greylist_put,
    .greylist_walk = memory_greylist_walk,
    .fsck = memory_check,
};

static void init_locks(struct memory *m)
{
    pthread_mutexattr_t recursive;

    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&m->changing, &recursive);
    pthread_mutex_init(&m->greylist_lock, NULL);
    pthread_mutex_init(&m->directory_lock, NULL);
    pthread_mutexattr_destroy(&recursive);
}

static bool prefault(struct memory *m)
{
    return hidden_prefault(m->arena.base, (uint64_t)m->arena.count * MEMORY_SEGMENT) &&
           hidden_prefault(m->arena.segments, m->arena.count * sizeof(m->arena.segments[0])) &&
           hidden_prefault(m->ids.lines, m->ids.count * sizeof(m->ids.lines[0]));
}

enum store_status store_memory_open(const struct store_options *options, struct store **store_out,
                                    char *error)
{
    uint64_t bytes = options->memory_bytes ? options->memory_bytes : DEFAULT_BYTES;
    uint64_t most = (UINT64_C(1) << MEMORY_SHIFT_MAX) - MEMORY_SEGMENT;
    struct memory *m = aligned_alloc(64, sizeof(*m));

    *store_out = NULL;
    if (m) {
        memset(m, 0, sizeof(*m));
        bytes = bytes < most ? bytes : most;
        m->store.ops = &ops;
        m->audit_first = 1;
        init_locks(m);
    }
    if (!m || getrandom(m->secret, sizeof(m->secret), 0) != sizeof(m->secret) ||
        !memory_arena_init(&m->arena, bytes) || !memory_ids_init(&m->ids, bytes / LEAST_MESSAGE) ||
        !memory_names_init(m) || (options->prefault && !prefault(m))) {
        snprintf(error, STORE_ERROR, "no memory");
        if (m)
            memory_free(m);
        return STORE_FAILED;
    }
    *store_out = &m->store;
    return STORE_OK;
}
