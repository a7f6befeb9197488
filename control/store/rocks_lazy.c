/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

/*
 * Changes that are not synced. What must hold all the same: a log is whole before the next one
 * begins (rocks.h). RocksDB begins one when, as a write starts, a family's memory is full or the
 * logs are together too large. So the write that may have filled one is synced, and what RocksDB
 * would do next is done at once: then no unsynced write stands last in a log.
 */
enum {
    AHEAD = 65536,  /* modification sequences that are reserved at once */
    LOG_FACTOR = 2, /* memories' worth of logs, after which all families are written out */
    ROW_FACTOR = 4, /* what a row takes in memory, beside its bytes in the log, at most */
    FULL_PARTS = 8, /* a memory is taken from the system in so many parts, and */
    FULL_FROM = 5,  /* counts as nearly full from so many of them on */
};

void rocks_lazy_mark(struct rocks_batch *b, uint64_t modseq)
{
    b->lazy = true;
    if (modseq <= b->r->modseq_reserved)
        return;
    b->r->modseq_reserved = modseq + AHEAD;
    rocks_value_put_number(b->r, b->rows, ROCKS_META, span_text("modseq"), b->r->modseq_reserved);
    b->durable = true;
}

/* How a write has to be done. */
enum need {
    NEED_NOTHING,
    NEED_SYNC,
    NEED_WRITE_OUT, /* and everything is to be written out behind it */
};

static uint64_t property(struct rocks *r, int family, const char *name)
{
    uint64_t value = 0;

    return rocksdb_property_int_cf(r->db, r->family[family], name, &value) == 0 ? value
                                                                                : UINT64_MAX;
}

static enum need need(struct rocks *r, size_t more, bool *writing_out)
{
    uint64_t limit = r->memtable_bytes / FULL_PARTS * FULL_FROM;
    bool full = r->logged + more > LOG_FACTOR * r->memtable_bytes;

    *writing_out = false;
    for (int i = 0; i < ROCKS_FAMILIES; i++) {
        uint64_t bytes = property(r, i, "rocksdb.cur-size-active-mem-table");

        full |= bytes > limit || ROW_FACTOR * more > limit - bytes;
        *writing_out |= property(r, i, "rocksdb.num-immutable-mem-table") > 0;
    }
    if (full)
        return NEED_WRITE_OUT;
    /* Logs of what is being written out are still there. */
    return *writing_out && r->logged + more > r->memtable_bytes ? NEED_SYNC : NEED_NOTHING;
}

/* Everything is synced. What fails here, RocksDB does by itself when it has to. */
static void write_out(struct rocks *r)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();

    rocksdb_flushoptions_set_wait(options, 0);
    for (int i = 0; i < ROCKS_FAMILIES; i++) {
        char *error = NULL;

        rocksdb_flush_cf(r->db, options, r->family[i], &error);
        rocksdb_free(error);
    }
    rocksdb_flushoptions_destroy(options);
}

enum store_status rocks_lazy_write(struct rocks *r, rocksdb_writebatch_t *batch)
{
    char *error = NULL;
    bool writing_out;
    enum need needed;
    enum store_status status;
    size_t len;

    rocksdb_writebatch_data(batch, &len);
    needed = need(r, len, &writing_out);
    if (needed == NEED_NOTHING) {
        r->logged += len;
        r->unsynced = true;
        rocksdb_write(r->db, r->write_lazy, batch, &error);
        return rocks_db_status(error);
    }
    status = rocks_db_write(r, batch);
    if (status == STORE_OK && needed == NEED_WRITE_OUT && !writing_out) {
        write_out(r);
        r->logged = 0;
    }
    return status;
}

void rocks_lazy_finish(struct rocks *r)
{
    char *error = NULL;

    if (r->db && r->sync && r->unsynced)
        rocksdb_flush_wal(r->db, 1, &error);
    r->unsynced = false;
    rocksdb_free(error);
}

enum store_status rocks_lazy_sync(struct store *store)
{
    struct rocks *r = (struct rocks *)store;
    char *error = NULL;
    enum store_status status;

    pthread_mutex_lock(&r->changing);
    status = rocks_heal(r);
    if (status == STORE_OK && r->unsynced && r->sync && rocks_db_use(r)) {
        rocksdb_flush_wal(r->db, 1, &error);
        rocks_db_release(r);
        status = rocks_db_status(error);
        r->sick = status != STORE_OK;
        r->ill = status;
    }
    r->unsynced = status != STORE_OK && r->unsynced;
    pthread_mutex_unlock(&r->changing);
    return status;
}
