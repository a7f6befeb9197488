/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/store/rocks_backup.h"

/*
 * A restored store has forgotten what came after the backup, but its clients have not: a UID, or an
 * id, that is given out a second time would show them another message under a known name. So ids go
 * on far behind, and every mailbox gets a UIDVALIDITY that it never had (RFC 3501 section 2.3.1.1),
 * which is an id too.
 */
enum {
    IDS_SINCE = 1 << 20, /* more than were given out between two backups */
    RENEW_ROWS = 4096,   /* mailboxes in one batch */
};

static enum store_status renew_mailboxes(struct rocks *r, rocksdb_writebatch_t *batch)
{
    struct store_key table = store_key_table(STORE_TABLE_MAILBOX);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;

    rocks_walk_begin(&walk, r, ROCKS_INDEX, &table, NULL);
    while (status == STORE_OK && rocks_walk_next(&walk)) {
        uint8_t bytes[STORE_ROW_SMALL];
        struct writer w = writer_of(bytes, sizeof(bytes));
        struct store_row_mailbox row;

        if (!store_row_read_mailbox(walk.value, &row) || r->next_id >= UINT32_MAX) {
            status = STORE_CORRUPT;
            break;
        }
        row.uid_validity = (uint32_t)r->next_id++;
        store_row_put_mailbox(&w, &row);
        rocks_value_put(r, batch, ROCKS_INDEX, walk.key, writer_span(&w));
        if (rocksdb_writebatch_count(batch) >= RENEW_ROWS)
            status = rocks_db_write_out(r, batch);
    }
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

static enum store_status renew(struct rocks *r)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    enum store_status status;
    char *problem = NULL;

    r->next_id += IDS_SINCE;
    status = renew_mailboxes(r, batch);
    rocks_value_put_number(r, batch, ROCKS_META, span_text("next_id"), r->next_id);
    if (status == STORE_OK) {
        rocksdb_write(r->db, r->write, batch, &problem);
        status = rocks_db_status(problem);
    }
    rocksdb_writebatch_destroy(batch);
    return status;
}

static enum store_status copy_back(const char *folder, uint32_t id, const char *path, char *error)
{
    rocksdb_backup_engine_t *engine = rocks_backup_engine(folder, false, error);
    rocksdb_restore_options_t *options;
    char *problem = NULL;

    if (!engine)
        return STORE_FAILED;
    options = rocksdb_restore_options_create();
    if (id)
        rocksdb_backup_engine_restore_db_from_backup(engine, path, path, options, id, &problem);
    else
        rocksdb_backup_engine_restore_db_from_latest_backup(engine, path, path, options, &problem);
    rocksdb_restore_options_destroy(options);
    rocksdb_backup_engine_close(engine);
    return problem ? rocks_backup_fail(error, "the backup cannot be restored", problem) : STORE_OK;
}

static enum store_status revive(const char *path, struct store_health *health_out, char *error)
{
    struct store_options options = {.path = path, .sync = true};
    struct store *store;
    enum store_status status = store_rocks_open(&options, &store, error);

    if (status != STORE_OK)
        return status;
    status = renew((struct rocks *)store);
    if (status == STORE_OK)
        status = store_check(store, health_out);
    store_close(store);
    if (status != STORE_OK)
        snprintf(error, STORE_ERROR, "the restored store cannot be used: %s",
                 store_status_name(status));
    return status;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

static bool move(const char *from, const char *to)
{
    char *copy = strdup(to);
    bool ok = copy && sync_folder(from) && rename(from, to) == 0 && sync_folder(dirname(copy));

    free(copy);
    return ok;
}

enum store_status store_backup_restore(const char *folder, uint32_t id, const char *path,
                                       struct store_health *health_out, char *error)
{
    char *unfinished = NULL;
    enum store_status status;

    if (rmdir(path) != 0 && errno != ENOENT) {
        snprintf(error, STORE_ERROR, "%s is not empty: move it away first", path);
        return STORE_FAILED;
    }
    if (asprintf(&unfinished, "%s.restoring", path) < 0) {
        snprintf(error, STORE_ERROR, "no memory");
        return STORE_FAILED;
    }
    /* What an interrupted restoring left. */
    nftw(unfinished, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    status = copy_back(folder, id, unfinished, error);
    if (status == STORE_OK)
        status = revive(unfinished, health_out, error);
    if (status == STORE_OK && !move(unfinished, path)) {
        snprintf(error, STORE_ERROR, "%s: %s", path, strerror(errno));
        status = STORE_FAILED;
    }
    free(unfinished);
    return status;
}
