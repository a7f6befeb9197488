/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_index_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { PATH = 4096, JOURNAL_MAX = 4 << 20 };

const struct mail_index_fault_row mail_index_faults[MAIL_INDEX_FAULTS] = {
    [MAIL_INDEX_FINE] = {"none", ""},
#define INDEX_FAULT(NAME, name, text) [MAIL_INDEX_##NAME] = {#name, text},
#include "control/mail/mail_index_fault.def"
#undef INDEX_FAULT
};

/* What is not understood is taken for damage: the file is made anew then. */
static enum mail_index_fault fault_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return MAIL_INDEX_FINE;
    case SQLITE_FULL:
        return MAIL_INDEX_DISK_FULL;
    case SQLITE_NOMEM:
        return MAIL_INDEX_NO_MEMORY;
    case SQLITE_IOERR:
        return code == SQLITE_IOERR_SHORT_READ ? MAIL_INDEX_DAMAGED : MAIL_INDEX_FAILED;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return MAIL_INDEX_FAILED;
    default:
        return MAIL_INDEX_DAMAGED;
    }
}

static bool is_fine(struct mail_index_sqlite *s, int code)
{
    if (s->fault == MAIL_INDEX_FINE)
        s->fault = fault_of(code);
    return s->fault == MAIL_INDEX_FINE;
}

static bool execute(struct mail_index_sqlite *s, const char *text)
{
    return s->fault == MAIL_INDEX_FINE && is_fine(s, sqlite3_exec(s->db, text, NULL, NULL, NULL));
}

static int version_of(struct mail_index_sqlite *s)
{
    sqlite3_stmt *statement = NULL;
    int version = -1;

    if (!is_fine(s, sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &statement, NULL)))
        return -1;
    if (sqlite3_step(statement) == SQLITE_ROW)
        version = sqlite3_column_int(statement, 0);
    is_fine(s, sqlite3_finalize(statement));
    return version;
}

/*
 * A log that is written ahead, as this is the one process that has the file: no memory is shared
 * through a further one. A power loss may take the last changes, and leaves the rest whole.
 */
static void set_up(struct mail_index_sqlite *s, const char *schema, int version)
{
    int found;

    execute(s, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
               "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096; PRAGMA trusted_schema=OFF;"
               "PRAGMA cell_size_check=ON; PRAGMA journal_size_limit=4194304");
    found = version_of(s);
    if (s->fault != MAIL_INDEX_FINE || found == version)
        return;
    if (found != 0) {
        s->fault = MAIL_INDEX_DAMAGED;
        return;
    }
    execute(s, "BEGIN IMMEDIATE");
    execute(s, schema);
    execute(s, "COMMIT");
}

/* For root SQLite gives its files to the owner of the first one, which the engine's filter of system
 * calls would refuse and count; they are the same here. */
static int own_already(int fd, uid_t user, gid_t group)
{
    return 0;
}

static void leave_owners(void)
{
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);

    if (system && system->iVersion >= 3 && system->xSetSystemCall)
        system->xSetSystemCall(system, "fchown", (sqlite3_syscall_ptr)own_already);
}

enum mail_index_fault mail_index_sqlite_open(struct mail_index_sqlite *s, const char *path,
                                             const char *schema, int version,
                                             const char *const *statements)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_NOFOLLOW;
    enum mail_index_fault fault;

    *s = (struct mail_index_sqlite){.statements = statements};
    leave_owners();
    if (is_fine(s, sqlite3_open_v2(path, &s->db, flags, NULL))) {
        sqlite3_extended_result_codes(s->db, 1);
        set_up(s, schema, version);
    }
    fault = s->fault;
    if (fault != MAIL_INDEX_FINE)
        mail_index_sqlite_close(s);
    return fault;
}

void mail_index_sqlite_close(struct mail_index_sqlite *s)
{
    for (uint32_t i = 0; i < MAIL_INDEX_STATEMENTS; i++)
        sqlite3_finalize(s->prepared[i]);
    sqlite3_close(s->db);
    *s = (struct mail_index_sqlite){0};
}

bool mail_index_sqlite_unlink(const char *path)
{
    static const char *const ends[] = {"-wal", "-shm", "-journal", ""};
    char name[PATH];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        if (unlink(name) != 0 && errno != ENOENT)
            return false;
    }
    return true;
}

sqlite3_stmt *mail_index_sqlite_use(struct mail_index_sqlite *s, uint32_t which)
{
    sqlite3_stmt **statement = &s->prepared[which];

    if (s->fault != MAIL_INDEX_FINE)
        return NULL;
    if (!*statement)
        is_fine(s, sqlite3_prepare_v3(s->db, s->statements[which], -1, SQLITE_PREPARE_PERSISTENT,
                                      statement, NULL));
    return s->fault == MAIL_INDEX_FINE ? *statement : NULL;
}

bool mail_index_sqlite_row(struct mail_index_sqlite *s, sqlite3_stmt *statement)
{
    int code;

    if (!statement)
        return false;
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return true;
    is_fine(s, code);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return false;
}

enum mail_index_fault mail_index_sqlite_run(struct mail_index_sqlite *s, sqlite3_stmt *statement)
{
    while (mail_index_sqlite_row(s, statement))
        continue;
    return s->fault;
}

enum mail_index_fault mail_index_sqlite_begin(struct mail_index_sqlite *s)
{
    s->changing = execute(s, "BEGIN IMMEDIATE");
    return s->fault;
}

enum mail_index_fault mail_index_sqlite_commit(struct mail_index_sqlite *s)
{
    s->changing = false;
    execute(s, "COMMIT");
    return s->fault;
}
