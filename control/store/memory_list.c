/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

/* ---- mailboxes ---- */

enum store_status memory_list_show(struct memory *m, struct memory_mailbox *box, struct span name,
                                   store_mailbox_visit *visit, void *context, bool *more_out)
{
    enum store_status status = memory_mailbox_take(m, box);
    struct store_mailbox shown = {.id = box->id,
                                  .account = box->account->id,
                                  .name = name,
                                  .place = box->place,
                                  .uses = box->uses,
                                  .uid_validity = (uint32_t)box->id,
                                  .uid_next = box->uid_next,
                                  .modseq = box->modseq,
                                  .floor = box->floor,
                                  .messages = box->messages,
                                  .octets = box->size,
                                  .keywords = store_keywords_span(&box->keywords)};

    if (status == STORE_OK)
        *more_out = visit(context, &shown);
    return status;
}

/* ---- entries ---- */

static bool show_entry(const struct memory *m, const struct memory_entry *e,
                       store_entry_visit *visit, void *context)
{
    const struct store_entry shown = {
        .mailbox = e->mailbox->id,
        .account = e->mailbox->account->id,
        .uid = e->uid,
        .place = e->mailbox->place,
        .form = e->form,
        .delivery = e->delivery,
        .message = e->body->id,
        .thread = e->body->id,
        .email_base = e->body->id,
        .email_delivery = e->delivery,
        .prefix_len = e->prefix,
        .size = memory_mailbox_size(e),
        .internal_ms = e->body->received_ms,
        .saved_ms = e->saved_ms,
        .modseq = e->modseq,
        .flags = e->flags,
        .keywords = memory_entry_keywords(m, e),
        .verdict = span_of(e->bytes + e->prefix, e->verdict),
    };

    return visit(context, &shown);
}

/* Its mailbox, with all that was pushed taken over. */
static enum store_status enter(struct memory *m, uint64_t mailbox, struct memory_mailbox **box_out)
{
    *box_out = memory_names_mailbox(m, mailbox);
    return *box_out ? memory_mailbox_take(m, *box_out) : STORE_NONE;
}

enum store_status memory_list_entries(struct store *store, uint64_t mailbox, uint32_t uid,
                                      store_entry_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    enum store_status status = STORE_OK;
    bool more = true;

    /* One after the other: who is shown them may take long. */
    while (more && status == STORE_OK) {
        struct memory_mailbox *box;
        struct memory_entry *e = NULL;

        memory_lock(m);
        status = enter(m, mailbox, &box);
        if (status == STORE_OK)
            e = memory_mailbox_from(m, box, uid);
        more = e != NULL;
        if (e) {
            uid = e->uid + 1;
            more = show_entry(m, e, visit, context);
        }
        memory_unlock(m);
    }
    return status;
}

enum store_status memory_list_entry(struct store *store, uint64_t mailbox, uint32_t uid,
                                    store_entry_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    struct memory_mailbox *box;
    struct memory_entry *e;
    enum store_status status;

    memory_lock(m);
    status = enter(m, mailbox, &box);
    if (status == STORE_OK) {
        e = memory_mailbox_find(m, box, uid);
        if (e)
            show_entry(m, e, visit, context);
        else
            status = STORE_NONE;
    }
    memory_unlock(m);
    return status;
}

/* The body stays while its entries are shown, but those may change if the visitor asks for more. */
enum store_status memory_list_places(struct store *store, const struct id128 *message,
                                     store_entry_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    struct memory_body *body;
    enum store_status status = STORE_NONE;
    bool more = true;

    memory_lock(m);
    body = memory_body_find(m, message);
    if (body && body->entries) {
        status = STORE_OK;
        body->held++;
        for (struct memory_entry *e = body->entries, *next; status == STORE_OK && more && e;
             e = next) {
            next = e->sibling;
            status = memory_mailbox_take(m, e->mailbox);
            if (status == STORE_OK && e->taken)
                more = show_entry(m, e, visit, context);
        }
        body->held--;
        memory_body_release(m, body);
    }
    memory_unlock(m);
    return status;
}

enum store_status memory_list_tombstones(struct store *store, uint64_t mailbox, uint64_t since,
                                         store_entry_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    struct memory_mailbox *box;
    bool more = true;

    memory_lock(m);
    box = memory_names_mailbox(m, mailbox);
    if (box && box->floor && since <= box->floor) {
        memory_unlock(m);
        return STORE_TOO_OLD;
    }
    for (uint32_t i = 0; box && more && i < box->tombstones_count; i++) {
        const struct memory_tombstone *t = &box->tombstones[box->tombstones_first + i];
        struct store_entry entry = {.mailbox = mailbox,
                                    .uid = t->uid,
                                    .modseq = t->modseq,
                                    .message = t->message,
                                    .saved_ms = t->deleted_ms};

        if (t->modseq >= since)
            more = visit(context, &entry);
    }
    memory_unlock(m);
    return STORE_OK;
}
