/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_index_catalogue.h"

#include <stdlib.h>

enum { VERSION = 1 };

static const char schema[] =
    "CREATE TABLE box(id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " uid_validity INTEGER NOT NULL, uid_next INTEGER NOT NULL, messages INTEGER NOT NULL,"
    " indexed INTEGER NOT NULL);"
    "CREATE INDEX box_account ON box(account);"
    "CREATE TABLE account(id INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);"
    "PRAGMA user_version=1";

enum { FIND, SET, FORGET, HAS, FORGET_BOXES, FORGET_ACCOUNT, SIZE, BYTES, WALK, INDEXED, ACCOUNTS };

#define ROW "SELECT id, account, uid_validity, uid_next, messages, indexed FROM box "

static const char *const statements[MAIL_INDEX_STATEMENTS] = {
    [FIND] = ROW "WHERE id=?1",
    [SET] = "INSERT OR REPLACE INTO box VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [FORGET] = "DELETE FROM box WHERE id=?1",
    [HAS] = "SELECT 1 FROM box WHERE account=?1 LIMIT 1",
    [FORGET_BOXES] = "DELETE FROM box WHERE account=?1",
    [FORGET_ACCOUNT] = "DELETE FROM account WHERE id=?1",
    [SIZE] = "INSERT OR REPLACE INTO account VALUES(?1, ?2)",
    [BYTES] = "SELECT bytes FROM account WHERE id=?1",
    [WALK] = ROW "WHERE id>?1 ORDER BY id LIMIT ?2",
    [INDEXED] = "SELECT total(indexed) FROM box",
    [ACCOUNTS] = "SELECT count(*), total(bytes) FROM account",
};

struct mail_index_catalogue {
    struct mail_index_sqlite sqlite;
};

enum mail_index_fault mail_index_catalogue_open(const char *path,
                                                struct mail_index_catalogue **catalogue_out)
{
    struct mail_index_catalogue *c = calloc(1, sizeof(*c));
    enum mail_index_fault fault = MAIL_INDEX_NO_MEMORY;

    if (c)
        fault = mail_index_sqlite_open(&c->sqlite, path, schema, VERSION, statements);
    if (fault != MAIL_INDEX_FINE) {
        free(c);
        c = NULL;
    }
    *catalogue_out = c;
    return fault;
}

void mail_index_catalogue_close(struct mail_index_catalogue *c)
{
    mail_index_sqlite_close(&c->sqlite);
    free(c);
}

static sqlite3_stmt *use(struct mail_index_catalogue *c, uint32_t which, uint64_t first)
{
    sqlite3_stmt *s = mail_index_sqlite_use(&c->sqlite, which);

    if (s && sqlite3_bind_parameter_count(s) > 0)
        sqlite3_bind_int64(s, 1, (int64_t)first);
    return s;
}

static struct mail_index_known known_of(sqlite3_stmt *s)
{
    return (struct mail_index_known){.mailbox = (uint64_t)sqlite3_column_int64(s, 0),
                                     .account = (uint64_t)sqlite3_column_int64(s, 1),
                                     .uid_validity = (uint32_t)sqlite3_column_int64(s, 2),
                                     .uid_next = (uint32_t)sqlite3_column_int64(s, 3),
                                     .messages = (uint64_t)sqlite3_column_int64(s, 4),
                                     .indexed = (uint64_t)sqlite3_column_int64(s, 5)};
}

bool mail_index_catalogue_find(struct mail_index_catalogue *c, uint64_t mailbox,
                               struct mail_index_known *known_out)
{
    sqlite3_stmt *s = use(c, FIND, mailbox);
    bool found = false;

    while (mail_index_sqlite_row(&c->sqlite, s)) {
        *known_out = known_of(s);
        found = true;
    }
    return found && c->sqlite.fault == MAIL_INDEX_FINE;
}

void mail_index_catalogue_set(struct mail_index_catalogue *c, const struct mail_index_known *known)
{
    sqlite3_stmt *s = use(c, SET, known->mailbox);

    if (s) {
        sqlite3_bind_int64(s, 2, (int64_t)known->account);
        sqlite3_bind_int64(s, 3, known->uid_validity);
        sqlite3_bind_int64(s, 4, known->uid_next);
        sqlite3_bind_int64(s, 5, (int64_t)known->messages);
        sqlite3_bind_int64(s, 6, (int64_t)known->indexed);
    }
    mail_index_sqlite_run(&c->sqlite, s);
}

void mail_index_catalogue_forget(struct mail_index_catalogue *c, uint64_t mailbox)
{
    mail_index_sqlite_run(&c->sqlite, use(c, FORGET, mailbox));
}

bool mail_index_catalogue_has(struct mail_index_catalogue *c, uint64_t account)
{
    sqlite3_stmt *s = use(c, HAS, account);
    bool has = false;

    while (mail_index_sqlite_row(&c->sqlite, s))
        has = true;
    return has;
}

void mail_index_catalogue_forget_account(struct mail_index_catalogue *c, uint64_t account)
{
    mail_index_sqlite_run(&c->sqlite, use(c, FORGET_BOXES, account));
    mail_index_sqlite_run(&c->sqlite, use(c, FORGET_ACCOUNT, account));
}

void mail_index_catalogue_size(struct mail_index_catalogue *c, uint64_t account, uint64_t bytes)
{
    sqlite3_stmt *s = use(c, SIZE, account);

    if (s)
        sqlite3_bind_int64(s, 2, (int64_t)bytes);
    mail_index_sqlite_run(&c->sqlite, s);
}

uint64_t mail_index_catalogue_bytes(struct mail_index_catalogue *c, uint64_t account)
{
    sqlite3_stmt *s = use(c, BYTES, account);
    uint64_t bytes = 0;

    while (mail_index_sqlite_row(&c->sqlite, s))
        bytes = (uint64_t)sqlite3_column_int64(s, 0);
    return bytes;
}

uint32_t mail_index_catalogue_walk(struct mail_index_catalogue *c, uint64_t mailbox,
                                   struct mail_index_known *known_out, uint32_t max)
{
    sqlite3_stmt *s = use(c, WALK, mailbox);
    uint32_t count = 0;

    if (s)
        sqlite3_bind_int64(s, 2, max);
    while (mail_index_sqlite_row(&c->sqlite, s))
        known_out[count++] = known_of(s);
    return count;
}

struct mail_index_totals mail_index_catalogue_totals(struct mail_index_catalogue *c)
{
    struct mail_index_totals t = {0};
    sqlite3_stmt *s = use(c, INDEXED, 0);

    while (mail_index_sqlite_row(&c->sqlite, s))
        t.indexed = (uint64_t)sqlite3_column_int64(s, 0);
    s = use(c, ACCOUNTS, 0);
    while (mail_index_sqlite_row(&c->sqlite, s)) {
        t.accounts = (uint64_t)sqlite3_column_int64(s, 0);
        t.bytes = (uint64_t)sqlite3_column_int64(s, 1);
    }
    return t;
}

enum mail_index_fault mail_index_catalogue_fault(const struct mail_index_catalogue *c)
{
    return c->sqlite.fault;
}
