/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"
#include "control/store/store_key.h"

#include <stdlib.h>
#include <urcu-qsbr.h>

enum { STEP = 256 };

static void log_step(struct memory *m, enum store_audit_action action,
                     const struct memory_erasure *e)
{
    struct store_audit row = {.action = (uint8_t)action,
                              .account = e->so_far.account,
                              .size = e->so_far.octets,
                              .count = e->so_far.messages,
                              .address = e->so_far.key,
                              .for_ = e->reason};

    memory_audit_put(m, &row);
}

static struct span keep(struct writer *w, struct span text)
{
    struct span kept = span_of(w->data + w->len, text.len);

    writer_span_put(w, text);
    return kept;
}

static struct memory_erasure *erasure_new(struct span key, const struct store_reason *reason)
{
    struct memory_erasure *e = calloc(1, sizeof(*e));
    struct writer w;

    if (!e)
        return NULL;
    w = writer_of(e->text, sizeof(e->text));
    e->so_far.key = keep(&w, key);
    e->reason.who = keep(&w, reason->who);
    e->reason.why = keep(&w, reason->why);
    return e;
}

static enum store_status begin(struct memory *m, uint64_t id, struct memory_erasure *e)
{
    struct memory_account *account = memory_names_account(m, id);
    struct memory_erasure **end = &m->erasures;

    if (!memory_audit_begin(m, 1))
        return STORE_FAILED;
    e->so_far.account = id;
    e->so_far.inbox = account->mailboxes[MESSAGE_INBOX].id;
    e->so_far.quarantine = account->mailboxes[MESSAGE_QUARANTINE].id;
    memory_names_hide(m, account, e->so_far.key);
    account->erasure = e;
    store_watched_tell(&m->store, e->so_far.inbox);
    for (uint32_t i = 0; i < account->folder_count; i++)
        store_watched_tell(&m->store, account->folders[i]->id);
    while (*end)
        end = &(*end)->next;
    *end = e;
    log_step(m, STORE_AUDIT_ERASE, e);
    return STORE_OK;
}

enum store_status memory_erase(struct store *store, struct span key,
                               const struct store_reason *reason, uint64_t *account_out)
{
    struct memory *m = memory_of(store);
    struct memory_erasure *e;
    enum store_status status;

    if (!store_reason_valid(reason) || key.len > STORE_NAME)
        return STORE_FAILED;
    e = erasure_new(key, reason);
    if (!e)
        return STORE_FAILED;
    memory_lock(m);
    status = memory_names_find(store, key, account_out);
    if (status == STORE_OK)
        status = begin(m, *account_out, e);
    memory_unlock(m);
    if (status != STORE_OK) {
        free(e);
        return status;
    }
    /* A worker that found the account before it was hidden is done with it. */
    synchronize_rcu();
    memory_lock(m);
    e->ready = true;
    memory_unlock(m);
    return STORE_OK;
}

/* ---- a step ---- */

/* Whether the body will be kept because of others, as seen from the account's last entry of it. */
static bool keeps(const struct memory_entry *entry)
{
    bool others = false;

    for (const struct memory_entry *e = entry->body->entries; e; e = e->sibling) {
        if (e != entry && e->mailbox->account == entry->mailbox->account)
            return false;
        others |= e != entry;
    }
    return others;
}

static enum store_status remove_entries(struct memory *m, struct memory_erasure *e,
                                        uint64_t mailbox, uint32_t *left)
{
    struct memory_mailbox *box = memory_names_mailbox(m, mailbox);
    enum store_status status = memory_mailbox_take(m, box);
    struct memory_entry *entry;

    while (status == STORE_OK && *left > 0 && (entry = memory_mailbox_from(m, box, 0)) != NULL) {
        bool kept = keeps(entry);

        e->so_far.messages++;
        e->so_far.octets += memory_mailbox_size(entry);
        e->so_far.shared += kept;
        e->so_far.shared_octets += kept ? entry->body->size : 0;
        memory_mailbox_delete(m, entry, false);
        --*left;
    }
    return status;
}

static enum store_status remove_folders(struct memory *m, struct memory_erasure *e, uint32_t *left)
{
    const struct memory_account *account = memory_names_next(m, e->so_far.account);
    enum store_status status = STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < account->folder_count; i++)
        status = remove_entries(m, e, account->folders[i]->id, left);
    return status;
}

static void remove_imported(struct memory *m, uint64_t account)
{
    struct store_key prefix = store_key_id(STORE_TABLE_IMPORTED, account);
    struct memory_map_row *row;

    while ((row = memory_map_from(&m->imported, span_of(prefix.bytes, prefix.len))) != NULL &&
           row->key.len > prefix.len && memcmp(row->key.data, prefix.bytes, prefix.len) == 0)
        memory_map_remove(&m->imported, row->key);
}

static struct memory_erasure **oldest(struct memory *m)
{
    struct memory_erasure **at = &m->erasures;

    while (*at && !(*at)->ready)
        at = &(*at)->next;
    return at;
}

static enum store_status step(struct memory *m, struct memory_erasure **at, bool *done_out)
{
    struct memory_erasure *e = *at;
    uint32_t left = STEP;
    enum store_status status =
        memory_audit_begin(m, 1) ? remove_entries(m, e, e->so_far.inbox, &left) : STORE_FAILED;

    if (status == STORE_OK)
        status = remove_entries(m, e, e->so_far.quarantine, &left);
    if (status == STORE_OK)
        status = remove_folders(m, e, &left);
    *done_out = status == STORE_OK && left > 0;
    if (!*done_out)
        return status;
    remove_imported(m, e->so_far.account);
    log_step(m, STORE_AUDIT_ERASED, e);
    *at = e->next;
    return STORE_OK;
}

enum store_status memory_erase_step(struct store *store, store_erasure_visit *visit, void *context,
                                    bool *done_out)
{
    struct memory *m = memory_of(store);
    struct memory_erasure **at, *e;
    enum store_status status = STORE_NONE;

    *done_out = false;
    memory_lock(m);
    at = oldest(m);
    e = *at;
    if (e)
        status = step(m, at, done_out);
    if (status == STORE_OK)
        visit(context, &e->so_far);
    if (*done_out)
        memory_names_drop(m, memory_names_next(m, e->so_far.account));
    memory_unlock(m);
    return status;
}
