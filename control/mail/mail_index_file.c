/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_index_file.h"

#include <stdlib.h>
#include <zstd.h>

enum {
    VERSION = 1,
    LEVEL = 1,            /* of compression: it keeps up with what is read */
    TEXT_MAX = 256 << 20, /* octets of a text that is not damaged */
};

/*
 * `gram` keeps for each trigram in which documents it is, and not where: a tenth of what places
 * take, since what it finds is looked through anyway. Removing a document from it takes the text
 * that it was added with, which `document` has.
 */
static const char schema[] =
    "CREATE TABLE box(id INTEGER PRIMARY KEY, uid_validity INTEGER NOT NULL,"
    " uid_next INTEGER NOT NULL, modseq INTEGER NOT NULL, messages INTEGER NOT NULL);"
    "CREATE TABLE document(id INTEGER PRIMARY KEY, email BLOB NOT NULL UNIQUE,"
    " partial INTEGER NOT NULL, text BLOB NOT NULL);"
    "CREATE TABLE entry(mailbox INTEGER NOT NULL, uid INTEGER NOT NULL, document INTEGER NOT NULL,"
    " partial INTEGER NOT NULL, PRIMARY KEY(mailbox, uid)) WITHOUT ROWID;"
    "CREATE INDEX entry_document ON entry(document);"
    "CREATE VIRTUAL TABLE gram USING fts5(text, content='', columnsize=0, detail=none,"
    " tokenize='trigram case_sensitive 1');"
    "PRAGMA user_version=1";

enum {
    BOX,
    BOX_SET,
    BOX_FORGET,
    DOCUMENT_OF,
    DOCUMENT_ADD,
    DOCUMENT_TEXT,
    DOCUMENT_REMOVE,
    GRAM_ADD,
    GRAM_REMOVE,
    GRAM_FIND,
    ENTRY_ADD,
    ENTRY_OF,
    ENTRY_REMOVE,
    ENTRY_ANY,
    ENTRIES,
    PLACES,
};

static const char *const statements[MAIL_INDEX_STATEMENTS] = {
    [BOX] = "SELECT uid_validity, uid_next, modseq, messages FROM box WHERE id=?1",
    [BOX_SET] = "INSERT OR REPLACE INTO box VALUES(?1, ?2, ?3, ?4, ?5)",
    [BOX_FORGET] = "DELETE FROM box WHERE id=?1",
    [DOCUMENT_OF] = "SELECT id, partial FROM document WHERE email=?1",
    [DOCUMENT_ADD] = "INSERT INTO document(email, partial, text) VALUES(?1, ?2, ?3)",
    [DOCUMENT_TEXT] = "SELECT text FROM document WHERE id=?1",
    [DOCUMENT_REMOVE] = "DELETE FROM document WHERE id=?1",
    [GRAM_ADD] = "INSERT INTO gram(rowid, text) VALUES(?1, ?2)",
    [GRAM_REMOVE] = "INSERT INTO gram(gram, rowid, text) VALUES('delete', ?1, ?2)",
    [GRAM_FIND] = "SELECT rowid FROM gram WHERE gram MATCH ?1 AND rowid > ?2 ORDER BY rowid"
                  " LIMIT ?3",
    [ENTRY_ADD] = "INSERT OR REPLACE INTO entry VALUES(?1, ?2, ?3, ?4)",
    [ENTRY_OF] = "SELECT document FROM entry WHERE mailbox=?1 AND uid=?2",
    [ENTRY_REMOVE] = "DELETE FROM entry WHERE mailbox=?1 AND uid=?2",
    [ENTRY_ANY] = "SELECT 1 FROM entry WHERE document=?1 LIMIT 1",
    [ENTRIES] = "SELECT uid, partial, document FROM entry WHERE mailbox=?1 AND uid>=?2"
                " ORDER BY uid LIMIT ?3",
    [PLACES] = "SELECT uid FROM entry WHERE document=?1 AND mailbox=?2 AND uid>=?3"
               " ORDER BY uid LIMIT ?4",
};

struct mail_index_file {
    struct mail_index_sqlite sqlite;
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    uint8_t *packed, *text, *joined; /* used again and again */
    size_t packed_cap, text_cap, joined_cap;
};

/* ---- the file ---- */

enum mail_index_fault mail_index_file_open(const char *path, struct mail_index_file **file_out)
{
    struct mail_index_file *f = calloc(1, sizeof(*f));
    enum mail_index_fault fault = MAIL_INDEX_NO_MEMORY;

    *file_out = NULL;
    if (!f)
        return fault;
    f->pack = ZSTD_createCCtx();
    f->unpack = ZSTD_createDCtx();
    if (f->pack && f->unpack)
        fault = mail_index_sqlite_open(&f->sqlite, path, schema, VERSION, statements);
    if (fault != MAIL_INDEX_FINE) {
        mail_index_file_close(f);
        return fault;
    }
    ZSTD_CCtx_setParameter(f->pack, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(f->pack, ZSTD_c_checksumFlag, 1);
    *file_out = f;
    return MAIL_INDEX_FINE;
}

void mail_index_file_close(struct mail_index_file *f)
{
    mail_index_sqlite_close(&f->sqlite);
    ZSTD_freeCCtx(f->pack);
    ZSTD_freeDCtx(f->unpack);
    free(f->packed);
    free(f->text);
    free(f->joined);
    free(f);
}

enum mail_index_fault mail_index_file_begin(struct mail_index_file *f)
{
    return mail_index_sqlite_begin(&f->sqlite);
}

enum mail_index_fault mail_index_file_commit(struct mail_index_file *f)
{
    return mail_index_sqlite_commit(&f->sqlite);
}

static enum mail_index_fault fail(struct mail_index_file *f, enum mail_index_fault fault)
{
    if (f->sqlite.fault == MAIL_INDEX_FINE)
        f->sqlite.fault = fault;
    return f->sqlite.fault;
}

static bool reserve(struct mail_index_file *f, uint8_t **memory, size_t *cap, size_t size)
{
    if (*cap >= size)
        return true;
    free(*memory);
    *memory = malloc(size);
    *cap = *memory ? size : 0;
    if (!*memory)
        fail(f, MAIL_INDEX_NO_MEMORY);
    return *memory != NULL;
}

/* With the first numbers bound. */
static sqlite3_stmt *use(struct mail_index_file *f, uint32_t which, int64_t first, int64_t second)
{
    sqlite3_stmt *s = mail_index_sqlite_use(&f->sqlite, which);

    if (s) {
        sqlite3_bind_int64(s, 1, first);
        if (sqlite3_bind_parameter_count(s) > 1)
            sqlite3_bind_int64(s, 2, second);
    }
    return s;
}

/* ---- mailboxes ---- */

enum mail_index_fault mail_index_file_box(struct mail_index_file *f, uint64_t mailbox,
                                          struct mail_index_box *box_out)
{
    sqlite3_stmt *s = use(f, BOX, (int64_t)mailbox, 0);

    *box_out = (struct mail_index_box){0};
    while (mail_index_sqlite_row(&f->sqlite, s))
        *box_out = (struct mail_index_box){.uid_validity = (uint32_t)sqlite3_column_int64(s, 0),
                                           .uid_next = (uint32_t)sqlite3_column_int64(s, 1),
                                           .modseq = (uint64_t)sqlite3_column_int64(s, 2),
                                           .messages = (uint64_t)sqlite3_column_int64(s, 3)};
    return f->sqlite.fault;
}

enum mail_index_fault mail_index_file_set(struct mail_index_file *f, uint64_t mailbox,
                                          const struct mail_index_box *box)
{
    sqlite3_stmt *s;

    if (!box)
        return mail_index_sqlite_run(&f->sqlite, use(f, BOX_FORGET, (int64_t)mailbox, 0));
    s = use(f, BOX_SET, (int64_t)mailbox, box->uid_validity);
    if (s) {
        sqlite3_bind_int64(s, 3, box->uid_next);
        sqlite3_bind_int64(s, 4, (int64_t)box->modseq);
        sqlite3_bind_int64(s, 5, (int64_t)box->messages);
    }
    return mail_index_sqlite_run(&f->sqlite, s);
}

/* ---- documents ---- */

static enum mail_index_fault add_entry(struct mail_index_file *f, uint64_t mailbox, uint32_t uid,
                                       int64_t document, bool partial)
{
    sqlite3_stmt *s = use(f, ENTRY_ADD, (int64_t)mailbox, uid);

    if (s) {
        sqlite3_bind_int64(s, 3, document);
        sqlite3_bind_int(s, 4, partial);
    }
    return mail_index_sqlite_run(&f->sqlite, s);
}

enum mail_index_fault mail_index_file_link(struct mail_index_file *f, uint64_t mailbox,
                                           uint32_t uid, const uint8_t email[MAIL_INDEX_EMAIL],
                                           bool *linked_out)
{
    sqlite3_stmt *s = mail_index_sqlite_use(&f->sqlite, DOCUMENT_OF);
    int64_t document = 0;
    bool partial = false;

    *linked_out = false;
    if (s)
        sqlite3_bind_blob(s, 1, email, MAIL_INDEX_EMAIL, SQLITE_STATIC);
    while (mail_index_sqlite_row(&f->sqlite, s)) {
        document = sqlite3_column_int64(s, 0);
        partial = sqlite3_column_int(s, 1) != 0;
        *linked_out = true;
    }
    if (f->sqlite.fault != MAIL_INDEX_FINE || !*linked_out)
        return f->sqlite.fault;
    return add_entry(f, mailbox, uid, document, partial);
}

/* Puts a text into the table of trigrams, or takes it out. */
static enum mail_index_fault change_grams(struct mail_index_file *f, uint32_t which,
                                          int64_t document, struct span text)
{
    struct writer w;
    sqlite3_stmt *s;

    if (!reserve(f, &f->joined, &f->joined_cap, text.len + 1))
        return f->sqlite.fault;
    w = writer_of(f->joined, f->joined_cap);
    if (!mail_index_text_join(text, &w))
        return fail(f, MAIL_INDEX_DAMAGED);
    s = use(f, which, document, 0);
    if (s)
        sqlite3_bind_text(s, 2, (const char *)f->joined, (int)w.len, SQLITE_STATIC);
    return mail_index_sqlite_run(&f->sqlite, s);
}

enum mail_index_fault mail_index_file_add(struct mail_index_file *f, uint64_t mailbox, uint32_t uid,
                                          const uint8_t email[MAIL_INDEX_EMAIL],
                                          const struct mail_index_text *text)
{
    int64_t document;
    sqlite3_stmt *s;
    size_t packed;

    if (!reserve(f, &f->packed, &f->packed_cap, ZSTD_compressBound(text->len)))
        return f->sqlite.fault;
    packed = ZSTD_compress2(f->pack, f->packed, f->packed_cap, text->data, text->len);
    if (ZSTD_isError(packed))
        return fail(f, MAIL_INDEX_NO_MEMORY);
    s = mail_index_sqlite_use(&f->sqlite, DOCUMENT_ADD);
    if (s) {
        sqlite3_bind_blob(s, 1, email, MAIL_INDEX_EMAIL, SQLITE_STATIC);
        sqlite3_bind_int(s, 2, text->partial);
        sqlite3_bind_blob64(s, 3, f->packed, packed, SQLITE_STATIC);
    }
    if (mail_index_sqlite_run(&f->sqlite, s) != MAIL_INDEX_FINE)
        return f->sqlite.fault;
    document = sqlite3_last_insert_rowid(f->sqlite.db);
    change_grams(f, GRAM_ADD, document, span_of(text->data, text->len));
    return add_entry(f, mailbox, uid, document, text->partial);
}

/* The text of a document; valid until the next one. */
static bool text_of(struct mail_index_file *f, int64_t document, struct span *text_out)
{
    sqlite3_stmt *s = use(f, DOCUMENT_TEXT, document, 0);
    bool there = false;

    *text_out = span_of(NULL, 0);
    while (mail_index_sqlite_row(&f->sqlite, s)) {
        size_t len = (size_t)sqlite3_column_bytes(s, 0);
        const void *packed = sqlite3_column_blob(s, 0);
        unsigned long long size = packed ? ZSTD_getFrameContentSize(packed, len) : TEXT_MAX + 1ULL;

        if (size > TEXT_MAX) {
            fail(f, MAIL_INDEX_DAMAGED);
        } else if (reserve(f, &f->text, &f->text_cap, size + 1)) {
            size_t got = ZSTD_decompressDCtx(f->unpack, f->text, f->text_cap, packed, len);

            there = got == size;
            *text_out = span_of(f->text, size);
            if (!there)
                fail(f, MAIL_INDEX_DAMAGED);
        }
    }
    return there && f->sqlite.fault == MAIL_INDEX_FINE;
}

enum mail_index_fault mail_index_file_add_unread(struct mail_index_file *f, uint64_t mailbox,
                                                 uint32_t uid)
{
    return add_entry(f, mailbox, uid, 0, true);
}

enum mail_index_fault mail_index_file_fault(const struct mail_index_file *f)
{
    return f->sqlite.fault;
}

static enum mail_index_fault remove_document(struct mail_index_file *f, int64_t document)
{
    struct span text;

    if (!text_of(f, document, &text))
        return fail(f, MAIL_INDEX_DAMAGED);
    change_grams(f, GRAM_REMOVE, document, text);
    return mail_index_sqlite_run(&f->sqlite, use(f, DOCUMENT_REMOVE, document, 0));
}

enum mail_index_fault mail_index_file_remove(struct mail_index_file *f, uint64_t mailbox,
                                             uint32_t uid, bool *removed_out)
{
    sqlite3_stmt *s = use(f, ENTRY_OF, (int64_t)mailbox, uid);
    bool used = false;
    int64_t document = 0;

    *removed_out = false;
    while (mail_index_sqlite_row(&f->sqlite, s)) {
        document = sqlite3_column_int64(s, 0);
        *removed_out = true;
    }
    if (!*removed_out)
        return f->sqlite.fault;
    mail_index_sqlite_run(&f->sqlite, use(f, ENTRY_REMOVE, (int64_t)mailbox, uid));
    if (document == 0)
        return f->sqlite.fault;
    s = use(f, ENTRY_ANY, document, 0);
    while (mail_index_sqlite_row(&f->sqlite, s))
        used = true;
    if (f->sqlite.fault != MAIL_INDEX_FINE || used)
        return f->sqlite.fault;
    return remove_document(f, document);
}

/* ---- looking ---- */

enum mail_index_fault mail_index_file_entries(struct mail_index_file *f, uint64_t mailbox,
                                              uint32_t uid, struct mail_index_entry *entries_out,
                                              uint32_t max, uint32_t *count_out)
{
    sqlite3_stmt *s = use(f, ENTRIES, (int64_t)mailbox, uid);

    *count_out = 0;
    if (s)
        sqlite3_bind_int64(s, 3, max);
    while (mail_index_sqlite_row(&f->sqlite, s))
        entries_out[(*count_out)++] =
            (struct mail_index_entry){.uid = (uint32_t)sqlite3_column_int64(s, 0),
                                      .partial = sqlite3_column_int(s, 1) != 0,
                                      .document = sqlite3_column_int64(s, 2)};
    return f->sqlite.fault;
}

enum mail_index_fault mail_index_file_candidates(struct mail_index_file *f, const char *query,
                                                 int64_t document, int64_t *documents_out,
                                                 uint32_t max, uint32_t *count_out)
{
    sqlite3_stmt *s = mail_index_sqlite_use(&f->sqlite, GRAM_FIND);

    *count_out = 0;
    if (s) {
        sqlite3_bind_text(s, 1, query, -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 2, document);
        sqlite3_bind_int64(s, 3, max);
    }
    while (mail_index_sqlite_row(&f->sqlite, s))
        documents_out[(*count_out)++] = sqlite3_column_int64(s, 0);
    return f->sqlite.fault;
}

uint32_t mail_index_file_places(struct mail_index_file *f, int64_t document,
                                             uint64_t mailbox, uint32_t uid, uint32_t *uids_out,
                                             uint32_t max)
{
    sqlite3_stmt *s = use(f, PLACES, document, (int64_t)mailbox);
    uint32_t count = 0;

    if (s) {
        sqlite3_bind_int64(s, 3, uid);
        sqlite3_bind_int64(s, 4, max);
    }
    while (mail_index_sqlite_row(&f->sqlite, s))
        uids_out[count++] = (uint32_t)sqlite3_column_int64(s, 0);
    return count;
}

enum mail_index_fault mail_index_file_find(struct mail_index_file *f, int64_t document,
                                           const struct mail_grep *what, bool *found_out)
{
    struct span text;

    *found_out = false;
    if (text_of(f, document, &text) && !mail_index_text_find(text, what, found_out))
        fail(f, MAIL_INDEX_DAMAGED);
    return f->sqlite.fault;
}
