/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/directory_admin.h"

#include <pthread.h>
#include <stdlib.h>

/* Of reading and writing a row as one. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

static enum store_status find(struct store *store, enum directory_row_kind kind, struct span name,
                              uint8_t *memory, struct span *value_out)
{
    uint8_t bytes[DIRECTORY_ROW_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes));
    struct writer value = writer_of(memory, DIRECTORY_ROW_VALUE);
    enum store_status status;

    directory_row_key(&key, kind, name);
    if (key.full)
        return STORE_NONE;
    status = store_directory_find(store, writer_span(&key), &value);
    *value_out = writer_span(&value);
    return status;
}

enum store_status directory_admin_account(struct store *store, struct span key, uint8_t *memory,
                                          struct directory_row_account *row_out)
{
    struct span value;
    enum store_status status = find(store, DIRECTORY_ROW_ACCOUNT, key, memory, &value);

    return status == STORE_OK && !directory_row_read_account(value, row_out) ? STORE_CORRUPT
                                                                             : status;
}

enum store_status directory_admin_domain(struct store *store, struct span key, uint8_t *memory,
                                         struct directory_row_domain *row_out)
{
    struct span value;
    enum store_status status = find(store, DIRECTORY_ROW_DOMAIN, key, memory, &value);

    return status == STORE_OK && !directory_row_read_domain(value, row_out) ? STORE_CORRUPT
                                                                            : status;
}

enum store_status directory_admin_alias(struct store *store, struct span key, uint8_t *memory,
                                        struct directory_row_alias *row_out)
{
    struct span value;
    enum store_status status = find(store, DIRECTORY_ROW_ALIAS, key, memory, &value);

    return status == STORE_OK && !directory_row_read_alias(value, row_out) ? STORE_CORRUPT : status;
}

static enum store_status put(struct store *store, enum directory_row_kind kind, struct span name,
                             struct span value)
{
    uint8_t bytes[DIRECTORY_ROW_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes));
    struct store_directory_row row = {.value = value};

    directory_row_key(&key, kind, name);
    row.key = writer_span(&key);
    return key.full ? STORE_FAILED : store_directory_put(store, &row, 1);
}

static enum store_status read_row(struct store *store, struct span key, uint8_t *memory,
                                  struct directory_admin_row *row)
{
    switch (row->kind) {
    case DIRECTORY_ROW_ACCOUNT:
        return directory_admin_account(store, key, memory, &row->account);
    case DIRECTORY_ROW_DOMAIN:
        return directory_admin_domain(store, key, memory, &row->domain);
    case DIRECTORY_ROW_ALIAS:
        return directory_admin_alias(store, key, memory, &row->alias);
    }
    return STORE_FAILED;
}

static void put_row(struct writer *w, const struct directory_admin_row *row)
{
    switch (row->kind) {
    case DIRECTORY_ROW_ACCOUNT:
        directory_row_put_account(w, &row->account);
        break;
    case DIRECTORY_ROW_DOMAIN:
        directory_row_put_domain(w, &row->domain);
        break;
    case DIRECTORY_ROW_ALIAS:
        directory_row_put_alias(w, &row->alias);
        break;
    }
}

struct change {
    struct directory_admin_row row;
    uint8_t before[DIRECTORY_ROW_VALUE], after[DIRECTORY_ROW_VALUE];
};

static enum store_status apply(struct store *store, struct span key, struct change *c,
                               directory_admin_edit *edit, void *context)
{
    struct writer after = writer_of(c->after, sizeof(c->after));
    enum store_status status = read_row(store, key, c->before, &c->row);

    if (status != STORE_OK && status != STORE_NONE)
        return status;
    if (!edit(context, status == STORE_OK, &c->row))
        return STORE_BUSY;
    put_row(&after, &c->row);
    return after.full ? STORE_FAILED : put(store, c->row.kind, key, writer_span(&after));
}

enum store_status directory_admin_change(struct store *store, enum directory_row_kind kind,
                                         struct span key, directory_admin_edit *edit, void *context)
{
    struct change *c = calloc(1, sizeof(*c));
    enum store_status status;

    if (!c)
        return STORE_FAILED;
    c->row.kind = kind;
    pthread_mutex_lock(&changing);
    status = apply(store, key, c, edit, context);
    pthread_mutex_unlock(&changing);
    explicit_bzero(c, sizeof(*c));
    free(c);
    return status;
}

enum store_status directory_admin_remove(struct store *store, enum directory_row_kind kind,
                                         struct span key)
{
    uint8_t *memory = malloc(DIRECTORY_ROW_VALUE);
    enum store_status status;
    struct span value;

    if (!memory)
        return STORE_FAILED;
    pthread_mutex_lock(&changing);
    status = find(store, kind, key, memory, &value);
    if (status == STORE_OK)
        status = put(store, kind, key, span_of(NULL, 0));
    pthread_mutex_unlock(&changing);
    free(memory);
    return status;
}

static bool edit_password(void *context, bool there, struct directory_admin_row *row)
{
    const struct directory_question *q = context;

    if (!there || !span_equal(row->account.hash, q->stale))
        return false;
    row->account.hash = q->hash;
    for (int i = SCRAM_SHA1; i < SCRAM_HASHES; i++)
        if (q->scram[i].len)
            row->account.scram[i] = q->scram[i];
    return true;
}

enum store_status directory_admin_upgrade(struct store *store,
                                          const struct directory_question *question)
{
    struct directory_question q = *question;
    enum store_status status =
        directory_admin_change(store, DIRECTORY_ROW_ACCOUNT, q.name, edit_password, &q);

    return status == STORE_BUSY ? STORE_NONE : status;
}
