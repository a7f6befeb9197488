/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

#include <stdlib.h>

static void view_free(struct memory_view *v)
{
    free(v->shown);
    free(v->entries);
    free(v);
}

static enum store_status fill(struct memory *m, struct memory_view *v,
                              const struct memory_mailbox *box)
{
    if (box->messages > POP3_MESSAGES_MAX)
        return STORE_FULL;
    v->shown = calloc(box->messages + 1, sizeof(*v->shown));
    v->entries = calloc(box->messages + 1, sizeof(struct memory_entry *));
    if (!v->shown || !v->entries)
        return STORE_FAILED;
    for (uint32_t i = box->first; i < box->count; i++) {
        const struct memory_slot *slot = &box->slots[i];
        struct memory_entry *e;

        if (!slot->entry)
            continue;
        e = memory_arena_at(&m->arena, slot->entry);
        v->entries[v->view.count] = e;
        v->shown[v->view.count++] =
            (struct pop3_entry){.size = slot->size, .uid = slot->uid, .form = e->form};
        v->view.octets += slot->size;
    }
    v->view.entries = v->shown;
    v->view.uid_validity = (uint32_t)box->id;
    return STORE_OK;
}

static enum store_status open_view(struct memory *m, uint64_t id, struct memory_view *v)
{
    struct memory_account *account = memory_names_account(m, id);
    struct memory_mailbox *box;
    enum store_status status;

    if (!account || account->id != id)
        return STORE_NONE;
    if (account->view)
        return STORE_BUSY;
    box = &account->mailboxes[MESSAGE_INBOX];
    v->account = account;
    status = memory_mailbox_take(m, box);
    if (status == STORE_OK)
        status = fill(m, v, box);
    if (status == STORE_OK)
        account->view = v;
    return status;
}

enum store_status memory_view_open(struct store *store, uint64_t account,
                                   const struct pop3_mailbox **view_out)
{
    struct memory *m = memory_of(store);
    struct memory_view *v = calloc(1, sizeof(*v));
    enum store_status status;

    if (!v)
        return STORE_FAILED;
    memory_lock(m);
    status = open_view(m, account, v);
    memory_unlock(m);
    if (status == STORE_OK)
        *view_out = &v->view;
    else
        view_free(v);
    return status;
}

/* The piece of the body that holds `offset`; goes on from the last reading where it can. */
static const struct memory_piece *find_piece(struct memory_view *v, uint32_t index,
                                             uint64_t *offset)
{
    const struct memory_piece *piece = v->entries[index]->body->first;
    uint64_t at = 0;

    if (v->last.piece && v->last.index == index && v->last.at <= *offset) {
        piece = v->last.piece;
        at = v->last.at;
    }
    while (*offset - at >= piece->len) {
        at += piece->len;
        piece = piece->next;
    }
    v->last.index = index;
    v->last.piece = piece;
    v->last.at = at;
    *offset -= at;
    return piece;
}

/* All that a view shows stays until it is closed, so a pin holds nothing. */
enum store_status memory_view_read(struct store *store, const struct pop3_mailbox *view,
                                   uint32_t index, uint64_t offset, struct span *bytes_out,
                                   void **pin_out)
{
    struct memory_view *v = memory_view_of(view);
    struct memory_entry *e;

    *pin_out = NULL;
    *bytes_out = span_of(NULL, 0);
    if (index >= view->count)
        return STORE_NONE;
    e = v->entries[index];
    if (offset >= v->shown[index].size)
        return STORE_OK;
    if (offset < e->prefix) {
        *bytes_out = span_skip(span_of(e->bytes, e->prefix), (size_t)offset);
    } else {
        const struct memory_piece *piece;

        offset -= e->prefix;
        piece = find_piece(v, index, &offset);
        *bytes_out = span_skip(span_of(piece->data, piece->len), (size_t)offset);
    }
    *pin_out = e;
    return STORE_OK;
}

enum store_status memory_view_gather(struct store *store, const struct pop3_mailbox *view,
                                     uint32_t index, uint32_t count, struct writer *out)
{
    for (uint32_t i = index; i < index + count; i++)
        for (uint64_t at = 0; at < view->entries[i].size;) {
            struct span bytes;
            void *pin;

            memory_view_read(store, view, i, at, &bytes, &pin);
            writer_span_put(out, bytes);
            at += bytes.len;
        }
    return STORE_OK;
}

/* Those of views hold nothing. */
void memory_view_unpin(struct store *store, void **pins, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        memory_reading_unpin(memory_of(store), pins[i]);
}

void memory_view_close(struct store *store, const struct pop3_mailbox *view)
{
    struct memory *m = memory_of(store);
    struct memory_view *v = memory_view_of(view);
    struct memory_account *account = v->account;
    uint32_t ref = v->gone;

    memory_lock(m);
    account->view = NULL;
    while (ref) {
        struct memory_entry *e = memory_arena_at(&m->arena, ref);
        struct memory_body *body = e->body;

        ref = e->next;
        body->held--;
        memory_entry_free(m, e);
        memory_body_release(m, body);
    }
    if (account->gone)
        memory_names_free(account);
    memory_unlock(m);
    view_free(v);
}
