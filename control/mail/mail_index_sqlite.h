/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_INDEX_SQLITE_H
#define CONTROL_MAIL_MAIL_INDEX_SQLITE_H

#include <sqlite3.h>

#include "proto/base/span.h"

/* What the files of the index have in common: a connection to a file of SQLite's whose faults are
 * of few kinds, and statements that are prepared once. One thread. */
enum mail_index_fault {
    MAIL_INDEX_FINE,
#define INDEX_FAULT(NAME, name, text) MAIL_INDEX_##NAME,
#include "control/mail/mail_index_fault.def"
#undef INDEX_FAULT
    MAIL_INDEX_FAULTS
};

struct mail_index_fault_row {
    const char *name;
    const char *text;
};
extern const struct mail_index_fault_row mail_index_faults[MAIL_INDEX_FAULTS];

enum { MAIL_INDEX_STATEMENTS = 16 };

struct mail_index_sqlite {
    sqlite3 *db;
    const char *const *statements; /* texts */
    sqlite3_stmt *prepared[MAIL_INDEX_STATEMENTS];
    enum mail_index_fault fault; /* the first one, until it is closed */
    bool changing;
};

/* Opens or makes the file, with the tables that `schema` makes. DAMAGED also where it has another
 * version. On a fault nothing is open. */
enum mail_index_fault mail_index_sqlite_open(struct mail_index_sqlite *s, const char *path,
                                             const char *schema, int version,
                                             const char *const *statements);
void mail_index_sqlite_close(struct mail_index_sqlite *s);
/* Removes the file and what belongs to it. False with errno. */
bool mail_index_sqlite_unlink(const char *path);

/* The statement, ready to bind and step; NULL after a fault. */
sqlite3_stmt *mail_index_sqlite_use(struct mail_index_sqlite *s, uint32_t which);
/* True: there is a row. False: no more, or a fault; the statement is reset. */
bool mail_index_sqlite_row(struct mail_index_sqlite *s, sqlite3_stmt *statement);
/* To the end, where no row is wanted. */
enum mail_index_fault mail_index_sqlite_run(struct mail_index_sqlite *s, sqlite3_stmt *statement);
enum mail_index_fault mail_index_sqlite_begin(struct mail_index_sqlite *s);
enum mail_index_fault mail_index_sqlite_commit(struct mail_index_sqlite *s);

#endif
