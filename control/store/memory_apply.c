/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"
#include "control/store/store_import.h"
#include "control/store/store_key.h"

#include <stdlib.h>

enum store_status memory_apply_write(struct store *store, const struct id128 *message, uint32_t row,
                                     struct span bytes)
{
    struct memory *m = memory_of(store);
    enum store_status status;

    memory_lock(m);
    memory_pending_accept(m);
    status = memory_pending_write(m, &m->own, message, row, bytes);
    memory_unlock(m);
    return status;
}

static enum store_status delete_marked(struct memory *m, const struct memory_view *view,
                                       const uint8_t *marked)
{
    struct memory_account *account = view->account;
    bool freed = false;
    enum store_status status = memory_mailbox_take(m, &account->mailboxes[MESSAGE_INBOX]);

    if (status != STORE_OK || account->erasure)
        return account->erasure ? STORE_FAILED : status;
    for (uint32_t i = 0; i < view->view.count; i++) {
        if (!(marked[i / 8] & 1u << i % 8))
            continue;
        if (memory_mailbox_find(m, &account->mailboxes[MESSAGE_INBOX], view->shown[i].uid) !=
            view->entries[i])
            continue;
        memory_mailbox_delete(m, view->entries[i], true);
        freed = true;
    }
    if (!freed)
        return STORE_OK;
    memory_full_freed(m, account);
    store_watched_tell(&m->store, account->mailboxes[MESSAGE_INBOX].id);
    return STORE_OK;
}

/* Whether what came under this identity is still there: then *row_out is NULL. */
static enum store_status find_import(struct memory *m, struct store_import *import,
                                     struct memory_map_row **row_out)
{
    const struct message_delivery *d = &import->message->delivery[0];
    struct memory_account *account = memory_names_account(m, d->account);
    struct store_key key = store_key_imported(d->account, &import->identity);
    struct memory_mailbox *inbox;
    enum store_status status;

    if (!account || account->id != d->account)
        return STORE_NONE;
    inbox = &account->mailboxes[MESSAGE_INBOX];
    status = memory_mailbox_take(m, inbox);
    *row_out = memory_map_put(&m->imported, span_of(key.bytes, key.len));
    if (status != STORE_OK || !*row_out)
        return STORE_FAILED;
    import->there_out = memory_mailbox_find(m, inbox, (uint32_t)(*row_out)->values[0]) != NULL;
    return STORE_OK;
}

/* Keywords for which the inbox has no room are left out. */
static enum store_status commit_import(struct memory *m, struct store_import *import)
{
    struct memory_account *account = memory_names_account(m, import->message->delivery[0].account);
    struct memory_mailbox *inbox = &account->mailboxes[MESSAGE_INBOX];
    uint8_t *bytes = malloc(import->keywords.len + 1);
    struct writer fitting = writer_of(bytes, import->keywords.len);
    enum store_status status = STORE_FAILED;

    if (bytes)
        status = store_keywords_add_fitting(&inbox->keywords, import->keywords, &fitting);
    if (status == STORE_OK)
        status = memory_commit(m, import->message, import->flags, writer_span(&fitting));
    free(bytes);
    return status;
}

static enum store_status apply_import(struct memory *m, struct store_import *import)
{
    struct message *message = import->message;
    struct memory_map_row *row;
    enum store_status status;

    import->there_out = false;
    if (message->deliveries != 1 || message->delivery[0].place != MESSAGE_INBOX)
        return STORE_FAILED;
    status = find_import(m, import, &row);
    if (status != STORE_OK)
        return status;
    if (import->there_out) {
        memory_pending_accept(m);
        memory_pending_discard(m, &m->own, &message->id);
        return STORE_OK;
    }
    status = commit_import(m, import);
    if (status == STORE_OK)
        row->values[0] = message->delivery[0].uid_out;
    else if (row->values[0] == 0)
        memory_map_remove(&m->imported, row->key);
    return status;
}

static enum store_status apply_one(struct memory *m, struct store_change *c)
{
    switch ((enum store_change_kind)c->kind) {
    case STORE_COMMIT:
        return memory_commit(m, c->message, 0, span_of(NULL, 0));
    case STORE_DELETE:
        return delete_marked(m, memory_view_of(c->view), c->marked);
    case STORE_DISCARD:
        memory_pending_accept(m);
        memory_pending_discard(m, &m->own, &c->discarded);
        return STORE_OK;
    case STORE_RELEASE:
        return memory_quarantine_release(m, c->quarantine);
    case STORE_DROP:
        return memory_quarantine_drop(m, c->quarantine);
    case STORE_IMPORT:
        return apply_import(m, c->import);
    case STORE_MARK:
        return memory_change_mark(m, c->mark);
    case STORE_EXPUNGE:
        return memory_change_expunge(m, c->expunge);
    case STORE_COPY:
        return memory_change_copy(m, c->copy);
    case STORE_APPEND:
        return memory_append(m, c->append);
    }
    return STORE_FAILED;
}

void memory_apply(struct store *store, struct store_change *changes, uint32_t count)
{
    struct memory *m = memory_of(store);

    for (uint32_t i = 0; i < count; i++) {
        memory_lock(m);
        changes[i].status_out = apply_one(m, &changes[i]);
        memory_unlock(m);
    }
}
