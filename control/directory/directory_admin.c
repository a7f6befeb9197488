/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/directory_admin.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
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
                             struct span value, const struct store_audit *audit)
{
    uint8_t bytes[DIRECTORY_ROW_KEY];
    struct writer key = writer_of(bytes, sizeof(bytes));
    struct store_directory_row row = {.value = value};

    directory_row_key(&key, kind, name);
    row.key = writer_span(&key);
    return key.full ? STORE_FAILED : store_directory_put(store, &row, 1, audit, audit != NULL);
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

void directory_admin_tag(const struct directory_admin_row *row,
                         char tag_out[DIRECTORY_ADMIN_TAG + 1])
{
    uint8_t *memory = malloc(DIRECTORY_ROW_VALUE), hash[SHA256_DIGEST_LENGTH];
    struct writer w = writer_of(memory, memory ? DIRECTORY_ROW_VALUE : 0);

    put_row(&w, row);
    SHA256(memory, w.len, hash);
    for (int i = 0; i < DIRECTORY_ADMIN_TAG / 2; i++)
        snprintf(tag_out + 2 * (ptrdiff_t)i, 3, "%02x", hash[i]);
    if (memory)
        explicit_bzero(memory, DIRECTORY_ROW_VALUE);
    free(memory);
}

struct change {
    struct directory_admin_row row;
    uint8_t before[DIRECTORY_ROW_VALUE], after[DIRECTORY_ROW_VALUE];
    const struct store_audit *audit;
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
    return after.full ? STORE_FAILED : put(store, c->row.kind, key, writer_span(&after), c->audit);
}

static enum store_status take_away(struct store *store, struct span key, struct change *c,
                                   directory_admin_edit *agree, void *context)
{
    enum store_status status = read_row(store, key, c->before, &c->row);

    /* What cannot be read can still be removed. */
    if (status == STORE_OK && agree && !agree(context, true, &c->row))
        return STORE_BUSY;
    return status == STORE_OK || status == STORE_CORRUPT
               ? put(store, c->row.kind, key, span_of(NULL, 0), c->audit)
               : status;
}

static struct change *begin(enum directory_row_kind kind, const struct store_audit *audit)
{
    struct change *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->row.kind = kind;
    c->audit = audit;
    pthread_mutex_lock(&changing);
    return c;
}

static enum store_status end(struct change *c, enum store_status status)
{
    pthread_mutex_unlock(&changing);
    explicit_bzero(c, sizeof(*c));
    free(c);
    return status;
}

enum store_status directory_admin_change(struct store *store, enum directory_row_kind kind,
                                         struct span key, directory_admin_edit *edit, void *context,
                                         const struct store_audit *audit)
{
    struct change *c = begin(kind, audit);

    return c ? end(c, apply(store, key, c, edit, context)) : STORE_FAILED;
}

enum store_status directory_admin_remove(struct store *store, enum directory_row_kind kind,
                                         struct span key, directory_admin_edit *agree,
                                         void *context, const struct store_audit *audit)
{
    struct change *c = begin(kind, audit);

    return c ? end(c, take_away(store, key, c, agree, context)) : STORE_FAILED;
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
        directory_admin_change(store, DIRECTORY_ROW_ACCOUNT, q.name, edit_password, &q, NULL);

    return status == STORE_BUSY ? STORE_NONE : status;
}
