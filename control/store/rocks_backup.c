/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_backup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* RocksDB leaves it to its users that one folder has one writer. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

enum store_status rocks_backup_fail(char *out, const char *what, char *problem)
{
    enum store_status status = STORE_FAILED;

    snprintf(out, STORE_ERROR, "%s%s%s", what, problem ? ": " : "", problem ? problem : "");
    if (problem)
        status = rocks_db_status(problem);
    return status;
}

rocksdb_backup_engine_t *rocks_backup_engine(const char *folder, bool create, char *error)
{
    rocksdb_backup_engine_options_t *o;
    rocksdb_backup_engine_t *engine;
    rocksdb_env_t *env;
    struct stat st;
    char *problem = NULL;

    /* To look into what is not there would make it. */
    if (!create && (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))) {
        snprintf(error, STORE_ERROR, "%s: no folder of backups", folder);
        return NULL;
    }
    env = rocksdb_create_default_env();
    o = rocksdb_backup_engine_options_create(folder);
    rocksdb_backup_engine_options_set_sync(o, 1);
    engine = rocksdb_backup_engine_open_opts(o, env, &problem);
    rocksdb_backup_engine_options_destroy(o);
    rocksdb_env_destroy(env);
    if (problem)
        rocks_backup_fail(error, "the backups cannot be opened", problem);
    return problem ? NULL : engine;
}

static bool take_turn(char *error)
{
    if (pthread_mutex_trylock(&one_at_a_time) == 0)
        return true;
    snprintf(error, STORE_ERROR, "another backup is under way");
    return false;
}

static uint32_t newest(rocksdb_backup_engine_t *engine)
{
    const rocksdb_backup_engine_info_t *info = rocksdb_backup_engine_get_backup_info(engine);
    uint32_t id = 0;

    for (int i = 0; i < rocksdb_backup_engine_info_count(info); i++)
        if (rocksdb_backup_engine_info_backup_id(info, i) > id)
            id = rocksdb_backup_engine_info_backup_id(info, i);
    rocksdb_backup_engine_info_destroy(info);
    return id;
}

/*
 * Memtables are not written out for it: the log is part of the backup, up to where it was when the
 * files were listed. What was answered is in the log before it is answered.
 */
enum store_status rocks_backup_create(struct store *store, const char *folder, uint32_t *id_out,
                                      char *error)
{
    struct rocks *r = (struct rocks *)store;
    rocksdb_backup_engine_t *engine;
    enum store_status status = STORE_FAILED;
    char *problem = NULL;

    if (!take_turn(error))
        return STORE_BUSY;
    engine = rocks_backup_engine(folder, true, error);
    if (engine && rocks_db_use(r)) {
        rocksdb_backup_engine_create_new_backup(engine, r->db, &problem);
        rocks_db_release(r);
        status = problem ? rocks_backup_fail(error, "no backup was made", problem) : STORE_OK;
    } else if (engine) {
        snprintf(error, STORE_ERROR, "the store is closed after an error");
    }
    if (status == STORE_OK)
        *id_out = newest(engine);
    if (engine)
        rocksdb_backup_engine_close(engine);
    pthread_mutex_unlock(&one_at_a_time);
    return status;
}

enum store_status store_backup_list(const char *folder, store_backup_visit *visit, void *context,
                                    char *error)
{
    rocksdb_backup_engine_t *engine = rocks_backup_engine(folder, false, error);
    const rocksdb_backup_engine_info_t *info;

    if (!engine)
        return STORE_FAILED;
    info = rocksdb_backup_engine_get_backup_info(engine);
    for (int i = 0; i < rocksdb_backup_engine_info_count(info); i++) {
        struct store_backup b = {
            .id = rocksdb_backup_engine_info_backup_id(info, i),
            .made_s = (uint64_t)rocksdb_backup_engine_info_timestamp(info, i),
            .bytes = rocksdb_backup_engine_info_size(info, i),
            .files = rocksdb_backup_engine_info_number_files(info, i),
        };

        visit(context, &b);
    }
    rocksdb_backup_engine_info_destroy(info);
    rocksdb_backup_engine_close(engine);
    return STORE_OK;
}

enum store_status store_backup_verify(const char *folder, uint32_t id, char *error)
{
    rocksdb_backup_engine_t *engine = rocks_backup_engine(folder, false, error);
    char *problem = NULL;

    if (!engine)
        return STORE_FAILED;
    rocksdb_backup_engine_verify_backup(engine, id, &problem);
    rocksdb_backup_engine_close(engine);
    return problem ? rocks_backup_fail(error, "the backup is not whole", problem) : STORE_OK;
}

enum store_status store_backup_purge(const char *folder, uint32_t keep, char *error)
{
    rocksdb_backup_engine_t *engine;
    enum store_status status = STORE_FAILED;
    char *problem = NULL;

    if (keep == 0) {
        snprintf(error, STORE_ERROR, "at least one backup is kept");
        return STORE_FAILED;
    }
    if (!take_turn(error))
        return STORE_BUSY;
    engine = rocks_backup_engine(folder, false, error);
    if (engine) {
        rocksdb_backup_engine_purge_old_backups(engine, keep, &problem);
        rocksdb_backup_engine_close(engine);
        status = problem ? rocks_backup_fail(error, "old backups stay", problem) : STORE_OK;
    }
    pthread_mutex_unlock(&one_at_a_time);
    return status;
}
