/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "control/base/clock.h"
#include "control/log/log.h"

/*
 * After a write failed, RocksDB refuses all others, and nobody knows whether the batch is on disk.
 * Closing and opening again answers both: the log is read back, and what it holds is made durable
 * as files of its own. The number of the last synced batch, written in each, tells whether the
 * doubtful one is among them.
 *
 * A full disk lets the database open again only when there is room for that. Until then it stays
 * open for reading.
 */
enum { HEAL_MS = 1000, ROOM_MIN = 32 << 20 };

static bool room(const struct rocks *r)
{
    uint64_t need = 2 * r->memtable_bytes > ROOM_MIN ? 2 * r->memtable_bytes : ROOM_MIN;
    struct statvfs fs;

    return statvfs(r->path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize >= need;
}

/* False when somebody reads just now, or it does not open. */
static bool reopen(struct rocks *r)
{
    char error[STORE_ERROR] = "";
    enum store_status status = STORE_OK;

    r->healed_ms = clock_monotonic_ms();
    atomic_store(&r->wanted, true);
    if (pthread_rwlock_trywrlock(&r->using) != 0)
        return false;
    if (atomic_load(&r->pins) > 0) {
        pthread_rwlock_unlock(&r->using);
        return false;
    }
    if (r->db)
        rocks_view_unfix(r);
    rocks_db_close(r);
    status = rocks_db_open(r, error);
    atomic_store(&r->wanted, false);
    pthread_rwlock_unlock(&r->using);
    if (status != STORE_OK) {
        r->ill = status == STORE_DISK_FULL ? STORE_DISK_FULL : STORE_FAILED;
        LOG(ERROR, "store: still out of order: %s", error);
        return false;
    }
    r->sick = false;
    LOG(WARNING, "store: in order again");
    return true;
}

static void forget_doubtful(struct rocks *r)
{
    free(r->doubtful);
    r->doubtful = NULL;
    r->doubtful_count = 0;
}

/* They were answered with a refusal, so they must not be there. */
static enum store_status take_back(struct rocks *r)
{
    struct rocks_batch batch;
    enum store_status status = STORE_OK;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    if (!rocks_batch_init(&batch, r, 0)) {
        rocks_db_release(r);
        return STORE_FAILED;
    }
    for (uint32_t i = 0; status == STORE_OK && i < r->doubtful_count; i++)
        status = rocks_delete_message(&batch, &r->doubtful[i]);
    if (status == STORE_OK) {
        rocks_delete_bodies(&batch);
        status = rocks_batch_write(&batch);
    }
    rocks_batch_fini(&batch);
    rocks_db_release(r);
    return status;
}

static bool all_there(struct rocks *r, const struct id128 *messages, uint32_t count)
{
    bool there = rocks_db_use(r);

    if (!there)
        return false;
    for (uint32_t i = 0; there && i < count; i++) {
        struct store_row_body body;

        there = rocks_value_body(r, &messages[i], &body) == STORE_OK;
    }
    rocks_db_release(r);
    return there;
}

enum store_status rocks_heal(struct rocks *r)
{
    enum store_status status;

    if (!r->sick)
        return STORE_OK;
    if (clock_monotonic_ms() - r->healed_ms < HEAL_MS || (r->ill == STORE_DISK_FULL && !room(r)) ||
        !reopen(r))
        return r->ill;
    status = r->doubtful_count > 0 && r->batch_found >= r->doubtful_batch ? take_back(r) : STORE_OK;
    if (status == STORE_OK) {
        forget_doubtful(r);
        return STORE_OK;
    }
    r->sick = true;
    r->ill = status;
    return status;
}

enum store_status rocks_heal_batch(struct rocks *r, enum store_status status,
                                   const struct id128 *messages, uint32_t count)
{
    LOG(ERROR, "store: a batch could not be written: %s", store_status_name(status));
    r->sick = true;
    r->ill = status;
    r->doubtful_batch = r->batch;
    if (status != STORE_DISK_FULL && reopen(r)) {
        if (r->batch_found < r->doubtful_batch)
            return status;
        if (all_there(r, messages, count))
            return STORE_OK;
        r->sick = true;
    }
    r->doubtful = calloc(count + 1, sizeof(*messages));
    if (r->doubtful) {
        memcpy(r->doubtful, messages, count * sizeof(*messages));
        r->doubtful_count = count;
    }
    return status;
}
