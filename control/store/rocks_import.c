/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

#include <stdlib.h>

/* Keywords for which the inbox has no room are left out. */
static enum store_status commit(struct rocks_batch *b, const struct rocks_account *account,
                                struct store_import *import)
{
    struct store_keywords *all;
    uint8_t *bytes = malloc(import->keywords.len + 1);
    struct writer fitting = writer_of(bytes, import->keywords.len);
    enum store_status status = STORE_OK;

    if (!bytes)
        return STORE_FAILED;
    if (import->keywords.len > 0)
        status = rocks_keywords_of(b, account->row.inbox, &all);
    if (status == STORE_OK && import->keywords.len > 0)
        status = store_keywords_add_fitting(all, import->keywords, &fitting);
    if (status == STORE_OK)
        status = rocks_commit_with(b, import->message, import->flags, writer_span(&fitting));
    free(bytes);
    return status;
}

/* Whether what came under this identity is still there. */
static enum store_status find(struct rocks_batch *b, const struct rocks_account *account,
                              const struct store_key *key, bool *there_out)
{
    struct store_key entry;
    struct rocks_value value;
    uint64_t uid;
    enum store_status status = rocks_value_number(b->r, ROCKS_INDEX, rocks_key(key), &uid);

    *there_out = false;
    if (status == STORE_OK && !rocks_delete_noted(b, account->row.inbox, (uint32_t)uid)) {
        entry = store_key_entry(STORE_TABLE_ENTRY, account->row.inbox, (uint32_t)uid);
        status = rocks_value_get(b->r, b->r->read, ROCKS_INDEX, rocks_key(&entry), &value);
        *there_out = status == STORE_OK;
        rocks_value_free(&value);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status rocks_import(struct rocks_batch *b, struct store_import *import)
{
    struct message *m = import->message;
    struct rocks_account *account;
    struct store_key key;
    enum store_status status;

    import->there_out = false;
    if (m->deliveries != 1 || m->delivery[0].place != MESSAGE_INBOX)
        return STORE_FAILED;
    status = rocks_batch_account(b, m->delivery[0].account, MESSAGE_INBOX, &account);
    if (status != STORE_OK)
        return status;
    key = store_key_imported(account->id, &import->identity);
    status = find(b, account, &key, &import->there_out);
    if (status == STORE_OK && import->there_out)
        rocks_delete_pending(b, &m->id);
    if (status != STORE_OK || import->there_out)
        return status;
    status = commit(b, account, import);
    if (status != STORE_OK)
        return status;
    rocks_value_put_number(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), m->delivery[0].uid_out);
    return STORE_OK;
}
