/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static const char *const family_names[ROCKS_FAMILIES] = {
    [ROCKS_META] = "default",        [ROCKS_NAMES] = "names", [ROCKS_INDEX] = "index",
    [ROCKS_FLAGS] = "flags",         [ROCKS_BODY] = "body",   [ROCKS_GREYLIST] = "greylist",
    [ROCKS_DIRECTORY] = "directory",
};

enum store_status rocks_db_status(char *error)
{
    enum store_status status = STORE_FAILED;

    if (!error)
        return STORE_OK;
    if (strstr(error, "No space left") || strstr(error, "NoSpace") || strstr(error, "SpaceLimit") ||
        strstr(error, "Disk quota"))
        status = STORE_DISK_FULL;
    else if (strncmp(error, "Corruption", strlen("Corruption")) == 0)
        status = STORE_CORRUPT;
    rocksdb_free(error);
    return status;
}

enum store_status rocks_db_write(struct rocks *r, rocksdb_writebatch_t *batch)
{
    char *error = NULL;
    size_t len;

    rocksdb_writebatch_data(batch, &len);
    r->logged += len;
    rocksdb_write(r->db, r->write, batch, &error);
    if (!error)
        r->unsynced = false;
    return rocks_db_status(error);
}

enum store_status rocks_db_write_out(struct rocks *r, rocksdb_writebatch_t *batch)
{
    enum store_status status = rocks_db_write(r, batch);

    rocksdb_writebatch_clear(batch);
    return status;
}

static enum store_status fail(char *out, enum store_status status, const char *what, char *error)
{
    if (error && rocks_db_status(strdup(error)) == STORE_DISK_FULL)
        status = STORE_DISK_FULL;
    snprintf(out, STORE_ERROR, "%s%s%s", what, error ? ": " : "", error ? error : "");
    rocksdb_free(error);
    return status;
}

static void close_families(rocksdb_column_family_handle_t **handles, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (handles[i])
            rocksdb_column_family_handle_destroy(handles[i]);
}

/* A family that is not ours is a later version's; RocksDB wants all there are to be opened. */
static enum store_status check_families(struct rocks *r, char *error)
{
    char *problem = NULL;
    size_t count = 0;
    char **names = rocksdb_list_column_families(r->options[ROCKS_META], r->path, &count, &problem);
    enum store_status status = STORE_OK;

    /* A store that is yet to be made; anything else comes up again when it is opened. */
    rocksdb_free(problem);
    for (size_t i = 0; i < count && status == STORE_OK; i++) {
        size_t known = 0;

        while (known < ROCKS_FAMILIES && strcmp(names[i], family_names[known]) != 0)
            known++;
        if (known == ROCKS_FAMILIES) {
            snprintf(error, STORE_ERROR,
                     "the store has a part \"%.64s\" of a later version of wirepost", names[i]);
            status = STORE_NEWER;
        }
    }
    rocksdb_list_column_families_destroy(names, count);
    return status;
}

static enum store_status check_schema(struct rocks *r, bool *fresh_out, char *error)
{
    uint64_t schema = 0;
    enum store_status status = rocks_value_number(r, ROCKS_META, span_text("schema"), &schema);

    *fresh_out = status == STORE_NONE;
    if (status == STORE_NONE)
        return STORE_OK;
    if (status != STORE_OK)
        return fail(error, status, "the store's schema version cannot be read", NULL);
    if (schema > ROCKS_SCHEMA) {
        snprintf(error, STORE_ERROR,
                 "the store has schema version %llu, this program knows up to %d: a later version "
                 "of wirepost wrote it",
                 (unsigned long long)schema, ROCKS_SCHEMA);
        return STORE_NEWER;
    }
    status = rocks_migrate(r, schema);
    if (status != STORE_OK)
        return fail(error, status, "the store cannot be migrated", NULL);
    return STORE_OK;
}

static enum store_status read_counter(struct rocks *r, const char *name, uint64_t *counter_out)
{
    enum store_status status = rocks_value_number(r, ROCKS_META, span_text(name), counter_out);

    return status == STORE_NONE ? STORE_CORRUPT : status;
}

/* Stores of older programs have none. */
static enum store_status read_clock(struct rocks *r)
{
    uint64_t clock = 0;
    enum store_status status = rocks_value_number(r, ROCKS_META, span_text("clock"), &clock);

    r->clock = r->clock_found = clock;
    return status == STORE_NONE ? STORE_OK : status;
}

/* Highest modification sequence that may have been given to a change that was not synced. */
static enum store_status read_modseq(struct rocks *r)
{
    uint64_t modseq = 0;
    enum store_status status = rocks_value_number(r, ROCKS_META, span_text("modseq"), &modseq);

    r->modseq_floor = r->modseq_reserved = modseq;
    return status == STORE_NONE ? STORE_OK : status;
}

/*
 * Rows of bodies that an older incarnation wrote and never committed. Each of them has a pending
 * row, written in the same batch, that the commit's batch removes: so what is left is found without
 * walking over all bodies.
 */
static enum store_status remove_orphans(struct rocks *r, rocksdb_writebatch_t *batch)
{
    struct store_key table = store_key_table(STORE_TABLE_PENDING);
    struct rocks_walk walk;
    bool sound = true;
    enum store_status status;

    rocks_walk_begin(&walk, r, ROCKS_INDEX, &table, NULL);
    while (sound && rocks_walk_next(&walk)) {
        uint64_t incarnation, rows;
        struct id128 message;

        sound = store_key_read_pending(walk.key, &incarnation, &message) &&
                store_row_read_number(walk.value, &rows) && rows <= UINT32_MAX;
        if (!sound)
            break;
        rocks_value_delete_body(r, batch, incarnation, &message, (uint32_t)rows);
        rocks_value_delete(r, batch, ROCKS_INDEX, walk.key);
    }
    status = rocks_walk_end(&walk);
    return status == STORE_OK && !sound ? STORE_CORRUPT : status;
}

/* Stores that are new, or of older programs, have none yet. */
static enum store_status read_secret(struct rocks *r, rocksdb_writebatch_t *batch)
{
    struct span key = span_text("secret");
    struct rocks_value value;
    enum store_status status = rocks_value_get(r, r->read, ROCKS_META, key, &value);

    if (status == STORE_OK && value.bytes.len == sizeof(r->secret))
        memcpy(r->secret, value.bytes.data, sizeof(r->secret));
    else if (status == STORE_OK)
        status = STORE_CORRUPT;
    rocks_value_free(&value);
    if (status != STORE_NONE)
        return status;
    if (getrandom(r->secret, sizeof(r->secret), 0) != sizeof(r->secret))
        return STORE_FAILED;
    rocks_value_put(r, batch, ROCKS_META, key, span_of(r->secret, sizeof(r->secret)));
    return STORE_OK;
}

/* Incarnations of several nodes must differ, so the node stands in the highest bits. */
enum { NODE_SHIFT = 48 };

static enum store_status begin_incarnation(struct rocks *r, bool fresh, char *error)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    uint64_t count = 0;
    enum store_status status = STORE_OK;
    char *problem = NULL;

    r->next_id = 1;
    r->batch = 0;
    if (fresh) {
        rocks_value_put_number(r, batch, ROCKS_META, span_text("schema"), ROCKS_SCHEMA);
        rocks_value_put_number(r, batch, ROCKS_META, span_text("next_id"), r->next_id);
        rocks_value_put_number(r, batch, ROCKS_META, span_text("batch"), r->batch);
    } else if ((status = read_counter(r, "incarnation", &count)) == STORE_OK &&
               (status = read_counter(r, "next_id", &r->next_id)) == STORE_OK &&
               (status = read_counter(r, "batch", &r->batch)) == STORE_OK &&
               (status = read_clock(r)) == STORE_OK && (status = read_modseq(r)) == STORE_OK) {
        status = remove_orphans(r, batch);
    }
    if (status == STORE_OK)
        status = read_secret(r, batch);
    count++;
    r->incarnation = (uint64_t)r->node << NODE_SHIFT | count;
    rocks_value_put_number(r, batch, ROCKS_META, span_text("incarnation"), count);
    if (status == STORE_OK)
        rocksdb_write(r->db, r->write, batch, &problem);
    rocksdb_writebatch_destroy(batch);
    if (problem)
        return fail(error, STORE_FAILED, "the store cannot be written", problem);
    if (status != STORE_OK)
        return fail(error, status, "the store's counters or pending rows cannot be read", NULL);
    return STORE_OK;
}

enum store_status rocks_db_open(struct rocks *r, char *error)
{
    char *problem = NULL;
    bool fresh = false;
    enum store_status status = check_families(r, error);

    if (status != STORE_OK)
        return status;
    r->db = rocksdb_open_column_families(r->options[ROCKS_META], r->path, ROCKS_FAMILIES,
                                         family_names, (const rocksdb_options_t *const *)r->options,
                                         r->family, &problem);
    if (!r->db)
        return fail(error, STORE_FAILED, "the store cannot be opened", problem);
    status = check_schema(r, &fresh, error);
    if (status == STORE_OK)
        status = begin_incarnation(r, fresh, error);
    r->batch_found = r->batch;
    if (status == STORE_OK && (status = rocks_ahead_check(r)) != STORE_OK)
        fail(error, status, "the store's last batch cannot be checked", NULL);
    if (status != STORE_OK)
        rocks_db_close(r);
    return status;
}

void rocks_db_close(struct rocks *r)
{
    if (!r->db)
        return;
    close_families(r->family, ROCKS_FAMILIES);
    rocksdb_close(r->db);
    r->db = NULL;
}

bool rocks_db_use(struct rocks *r)
{
    pthread_rwlock_rdlock(&r->using);
    if (r->db)
        return true;
    pthread_rwlock_unlock(&r->using);
    return false;
}

void rocks_db_release(struct rocks *r)
{
    pthread_rwlock_unlock(&r->using);
}

enum store_status rocks_db_walk(struct rocks *r, enum rocks_family family, struct span start,
                                rocks_db_visit *visit, void *context)
{
    rocksdb_iterator_t *it;
    char *error = NULL;
    bool on = true;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    it = rocksdb_create_iterator_cf(r->db, r->read, r->family[family]);
    if (start.len)
        rocksdb_iter_seek(it, (const char *)start.data, start.len);
    else
        rocksdb_iter_seek_to_first(it);
    for (; on && rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        size_t key, value;
        const char *key_bytes = rocksdb_iter_key(it, &key);
        const char *value_bytes = rocksdb_iter_value(it, &value);

        on = visit(context, span_of(key_bytes, key), span_of(value_bytes, value));
    }
    rocksdb_iter_get_error(it, &error);
    rocksdb_iter_destroy(it);
    rocks_db_release(r);
    return rocks_db_status(error);
}

enum store_status rocks_db_put(struct rocks *r, rocks_db_fill *fill, const void *rows,
                               uint32_t count)
{
    rocksdb_writebatch_t *batch;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    batch = rocksdb_writebatch_create();
    fill(r, batch, rows, count);
    status = rocks_db_write(r, batch);
    rocksdb_writebatch_destroy(batch);
    rocks_db_release(r);
    return status;
}
