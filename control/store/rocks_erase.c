/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"
#include "control/store/store_erase.h"

/*
 * The account's row and name go first, in one batch with the row of the erasure: from then on no
 * delivery finds it, and each later step needs that row alone. The last step removes it.
 */
enum { STEP = 256 };

static void put_erasure(struct rocks_batch *b, const struct store_erasure *row,
                        const struct store_reason *reason)
{
    struct store_key key = store_key_id(STORE_TABLE_ERASURE, row->account);
    uint8_t bytes[STORE_ERASURE_ROW];
    struct writer w = writer_of(bytes, sizeof(bytes));

    store_erasure_put(&w, row, reason);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    b->durable = true;
}

static void log_step(struct rocks_batch *b, enum store_audit_action action,
                     const struct store_erasure *e, const struct store_reason *reason)
{
    struct store_audit row = {.action = (uint8_t)action,
                              .account = e->account,
                              .size = e->octets,
                              .count = e->messages,
                              .address = e->key,
                              .for_ = *reason};

    rocks_audit_put(b, &row);
}

static void delete_id(struct rocks_batch *b, enum store_table table, uint64_t id)
{
    struct store_key key = store_key_id(table, id);

    rocks_value_delete(b->r, b->rows, ROCKS_INDEX, rocks_key(&key));
}

/* ---- the beginning ---- */

/* Mailboxes beside the two fixed ones are emptied like those that their owner deleted. */
static enum store_status begin_folders(struct rocks_batch *b, uint64_t account)
{
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;

    rocks_names_walk(&walk, b->r, ROCKS_NAME_MAILBOX, account);
    while (status == STORE_OK && rocks_walk_next(&walk)) {
        struct store_row_mailbox row;
        uint64_t mailbox;

        if (!store_row_read_number(walk.value, &mailbox))
            status = STORE_CORRUPT;
        else
            status = rocks_value_mailbox(b->r, mailbox, &row);
        if (status == STORE_OK && row.place == STORE_FOLDER)
            rocks_gone_put(b, mailbox, &row);
        else if (status == STORE_NONE)
            status = STORE_OK;
    }
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

struct beginning {
    struct span key;
    const struct store_reason *reason;
    uint64_t account, inbox;
};

static enum store_status begin(struct rocks_batch *b, void *context)
{
    struct beginning *x = context;
    struct store_row_account row;
    struct store_erasure e = {.account = x->account, .key = x->key};
    enum store_status status = rocks_audit_begin(b);

    if (status == STORE_OK)
        status = rocks_value_account(b->r, x->account, &row);
    if (status == STORE_OK)
        status = begin_folders(b, x->account);
    if (status != STORE_OK)
        return status;
    e.inbox = x->inbox = row.inbox;
    e.quarantine = row.quarantine;
    rocks_names_drop(b->r, b->rows, ROCKS_NAME_ACCOUNT, 0, x->key);
    delete_id(b, STORE_TABLE_ACCOUNT, x->account);
    delete_id(b, STORE_TABLE_USAGE, x->account);
    put_erasure(b, &e, x->reason);
    log_step(b, STORE_AUDIT_ERASE, &e, x->reason);
    return STORE_OK;
}

static void tell(struct rocks *r, const struct beginning *x)
{
    uint64_t mailbox = 0;

    store_watched_tell(&r->store, x->inbox);
    if (!rocks_db_use(r))
        return;
    while (rocks_gone_find(r, mailbox + 1, x->account, &mailbox) == STORE_OK)
        store_watched_tell(&r->store, mailbox);
    rocks_db_release(r);
}

enum store_status rocks_erase(struct store *store, struct span key,
                              const struct store_reason *reason, uint64_t *account_out)
{
    struct rocks *r = (struct rocks *)store;
    struct beginning x = {.key = key, .reason = reason};
    enum store_status status;

    if (!store_reason_valid(reason) || key.len > STORE_NAME)
        return STORE_FAILED;
    status = rocks_names_find(store, key, &x.account);
    /* Somebody may have been faster: begin() looks again, under the lock of changes. */
    if (status == STORE_OK)
        status = rocks_apply_one(r, begin, &x);
    if (status == STORE_OK)
        tell(r, &x);
    *account_out = x.account;
    return status;
}

/* ---- a step ---- */

static bool is_own(struct rocks_batch *b, const struct store_erasure *e, uint64_t mailbox)
{
    struct store_row_mailbox row;

    return mailbox == e->inbox || mailbox == e->quarantine ||
           (rocks_value_mailbox(b->r, mailbox, &row) == STORE_OK && row.account == e->account);
}

/* True when the body will be kept because of others, as seen from the account's last reference to
 * it. */
static enum store_status keeps(struct rocks_batch *b, const struct store_erasure *e,
                               const struct id128 *message, bool *keeps_out)
{
    struct store_key prefix = store_key_message(STORE_TABLE_REFERENCE, message);
    bool others = false, own = false;
    struct rocks_walk walk;

    rocks_walk_begin(&walk, b->r, ROCKS_INDEX, &prefix, NULL);
    while (rocks_walk_next(&walk)) {
        struct id128 id;
        uint64_t mailbox;
        uint32_t uid;

        if (!store_key_read_reference(walk.key, &id, &mailbox, &uid))
            continue;
        if (!is_own(b, e, mailbox))
            others = true;
        else
            own |= !rocks_delete_noted(b, mailbox, uid);
    }
    *keeps_out = others && !own;
    return rocks_walk_end(&walk);
}

static enum store_status remove_one(struct rocks_batch *b, struct store_erasure *e, struct span key,
                                    struct span value)
{
    struct store_entry entry;
    struct rocks_gone gone;
    bool kept = false;
    enum store_status status = STORE_OK;

    if (!store_key_read_entry(key, &entry.mailbox, &entry.uid) ||
        !store_row_read_entry(value, &entry))
        return STORE_CORRUPT;
    gone =
        (struct rocks_gone){.message = entry.message, .mailbox = entry.mailbox, .uid = entry.uid};
    if (!rocks_delete_note(b, gone))
        return STORE_FAILED;
    status = keeps(b, e, &entry.message, &kept);
    if (status != STORE_OK)
        return status;
    rocks_delete_rows(b, &gone);
    e->messages++;
    e->octets += entry.size;
    e->shared += kept;
    e->shared_octets += kept ? entry.size - entry.prefix_len : 0;
    return STORE_OK;
}

static enum store_status remove_entries(struct rocks_batch *b, struct store_erasure *e,
                                        uint64_t mailbox, uint32_t *left)
{
    struct store_key prefix = store_key_id(STORE_TABLE_ENTRY, mailbox);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;

    rocks_walk_begin(&walk, b->r, ROCKS_INDEX, &prefix, NULL);
    while (status == STORE_OK && *left > 0 && rocks_walk_next(&walk)) {
        status = remove_one(b, e, walk.key, walk.value);
        --*left;
    }
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

static enum store_status remove_folders(struct rocks_batch *b, struct store_erasure *e,
                                        uint32_t *left)
{
    uint64_t mailbox = 0;
    enum store_status status = STORE_OK;

    while (status == STORE_OK && *left > 0) {
        status = rocks_gone_find(b->r, mailbox + 1, e->account, &mailbox);
        if (status == STORE_OK)
            status = remove_entries(b, e, mailbox, left);
        if (status == STORE_OK && *left > 0)
            rocks_gone_forget(b, mailbox);
    }
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status finish(struct rocks_batch *b, const struct store_erasure *e,
                                const struct store_reason *reason)
{
    enum store_status status = rocks_names_drop_all(b->r, b->rows, ROCKS_NAME_MAILBOX, e->account);

    if (status == STORE_OK)
        status = rocks_names_drop_all(b->r, b->rows, ROCKS_NAME_SUBSCRIPTION, e->account);
    rocks_gone_forget(b, e->inbox);
    rocks_gone_forget(b, e->quarantine);
    rocks_value_delete_range(b->r, b->rows, STORE_TABLE_IMPORTED, e->account);
    delete_id(b, STORE_TABLE_ERASURE, e->account);
    if (status == STORE_OK)
        log_step(b, STORE_AUDIT_ERASED, e, reason);
    b->durable = true;
    return status;
}

struct step {
    struct store_erasure e;
    uint8_t key[STORE_NAME];
    bool done;
};

static enum store_status step(struct rocks_batch *b, void *context)
{
    struct step *s = context;
    struct store_key prefix = store_key_table(STORE_TABLE_ERASURE);
    struct store_reason reason;
    struct rocks_walk walk;
    uint32_t left = STEP;
    enum store_status status = rocks_audit_begin(b);

    rocks_walk_begin(&walk, b->r, ROCKS_INDEX, &prefix, NULL);
    if (status == STORE_OK && !rocks_walk_next(&walk))
        status = STORE_NONE;
    else if (status == STORE_OK && (!store_key_read_id(walk.key, &s->e.account) ||
                                    !store_erasure_read(walk.value, &s->e, &reason)))
        status = STORE_CORRUPT;
    if (status == STORE_OK)
        status = remove_entries(b, &s->e, s->e.inbox, &left);
    if (status == STORE_OK)
        status = remove_entries(b, &s->e, s->e.quarantine, &left);
    if (status == STORE_OK)
        status = remove_folders(b, &s->e, &left);
    if (status == STORE_OK && left == 0)
        put_erasure(b, &s->e, &reason);
    else if (status == STORE_OK)
        status = finish(b, &s->e, &reason);
    s->done = left > 0;
    if (status == STORE_OK) {
        memcpy(s->key, s->e.key.data, s->e.key.len);
        s->e.key.data = s->key;
    }
    rocks_walk_end(&walk);
    return status;
}

enum store_status rocks_erase_step(struct store *store, store_erasure_visit *visit, void *context,
                                   bool *done_out)
{
    struct step s = {.done = false};
    enum store_status status = rocks_apply_one((struct rocks *)store, step, &s);

    *done_out = status == STORE_OK && s.done;
    if (status == STORE_OK)
        visit(context, &s.e);
    return status;
}
