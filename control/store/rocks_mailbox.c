/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"
#include "control/store/store_mailbox.h"

/* ---- looking ---- */

enum store_status rocks_mailbox_find(struct store *store, uint64_t account, struct span name,
                                     uint64_t *mailbox_out)
{
    struct rocks *r = (struct rocks *)store;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = rocks_names_look(r, ROCKS_NAME_MAILBOX, account, name, mailbox_out);
    rocks_db_release(r);
    return status;
}

enum store_status rocks_mailbox_show(struct store *store, uint64_t mailbox,
                                     store_mailbox_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct store_mailbox shown = {.id = mailbox};
    enum store_status status;
    bool more;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = rocks_list_show(r, &shown, visit, context, &more);
    rocks_db_release(r);
    return status;
}

enum store_status rocks_mailbox_quota(struct store *store, uint64_t account,
                                      struct store_quota *quota_out)
{
    struct rocks *r = (struct rocks *)store;
    struct store_row_account row;
    struct store_row_usage usage;
    enum store_status status;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    status = rocks_value_account(r, account, &row);
    if (status == STORE_OK)
        status = rocks_must(rocks_value_usage(r, account, &usage));
    rocks_db_release(r);
    if (status == STORE_OK)
        *quota_out = (struct store_quota){
            .octets_max = row.quota_octets, .octets = usage.octets, .messages = usage.messages};
    return status;
}

enum store_status rocks_mailbox_subscriptions(struct store *store, uint64_t account,
                                              store_name_visit *visit, void *context)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_walk walk;
    enum store_status status;
    bool more = true;

    if (!rocks_db_use(r))
        return STORE_FAILED;
    rocks_names_walk(&walk, r, ROCKS_NAME_SUBSCRIPTION, account);
    while (more && rocks_walk_next(&walk))
        more = visit(context, rocks_names_of(&walk));
    status = rocks_walk_end(&walk);
    rocks_db_release(r);
    return status;
}

/* ---- changing ---- */

/* What is to be done to one mailbox, or one name. */
struct tree_change {
    uint64_t account, mailbox;
    struct span name;
    uint16_t uses;
    bool subscribed;
    struct store_row_mailbox row; /* of the mailbox */
    uint8_t old[STORE_NAME];      /* its name */
    size_t old_len;
};

static enum store_status check_account(struct rocks_batch *b, uint64_t account)
{
    struct store_row_account row;

    return rocks_value_account(b->r, account, &row);
}

/* LIMIT: there are as many as there may be. */
static enum store_status check_count(struct rocks_batch *b, enum rocks_name kind, uint64_t account)
{
    struct rocks_walk walk;
    uint32_t count = 0;
    enum store_status status;

    rocks_names_walk(&walk, b->r, kind, account);
    while (count < STORE_MAILBOXES && rocks_walk_next(&walk))
        count++;
    status = rocks_walk_end(&walk);
    return status == STORE_OK && count == STORE_MAILBOXES ? STORE_LIMIT : status;
}

static enum store_status create(struct rocks_batch *b, void *context)
{
    struct tree_change *c = context;
    struct store_row_mailbox row = {.account = c->account, .place = STORE_FOLDER, .uses = c->uses};
    uint64_t there;
    enum store_status status = check_account(b, c->account);

    if (status != STORE_OK)
        return status;
    status = rocks_names_look(b->r, ROCKS_NAME_MAILBOX, c->account, c->name, &there);
    if (status != STORE_NONE)
        return status == STORE_OK ? STORE_EXISTS : status;
    status = check_count(b, ROCKS_NAME_MAILBOX, c->account);
    /* UIDVALIDITY has 32 bits. */
    if (status != STORE_OK || b->r->next_id > UINT32_MAX)
        return status == STORE_OK ? STORE_FAILED : status;
    /* Whether it is on disk in the end or not, the id is not used again. */
    c->mailbox = b->r->next_id++;
    rocks_names_put_mailbox(b->r, b->rows, c->mailbox, &row, c->name);
    rocks_value_put_number(b->r, b->rows, ROCKS_META, span_text("next_id"), b->r->next_id);
    b->durable = true;
    return STORE_OK;
}

enum store_status rocks_mailbox_create(struct store *store, uint64_t account, struct span name,
                                       uint16_t uses, uint64_t *mailbox_out)
{
    struct tree_change c = {.account = account, .name = name, .uses = uses};
    enum store_status status = rocks_apply_one((struct rocks *)store, create, &c);

    if (status == STORE_OK)
        *mailbox_out = c.mailbox;
    return status;
}

/* The mailbox's row. FAILED: it is the quarantine, or one of the two when `folder` is wanted. */
static enum store_status read_row(struct rocks_batch *b, struct tree_change *c, bool folder)
{
    enum store_status status = rocks_value_mailbox(b->r, c->mailbox, &c->row);

    if (status == STORE_OK && c->row.place == STORE_ROW_GONE)
        return STORE_NONE;
    if (status == STORE_OK && folder && c->row.place != STORE_FOLDER)
        return STORE_FAILED;
    c->account = c->row.account;
    return status;
}

/* And its name, which stands in one place alone: among all of the account. */
static enum store_status read_name(struct rocks_batch *b, struct tree_change *c)
{
    struct rocks_walk walk;
    uint64_t mailbox = 0;
    enum store_status status = STORE_NONE, ended;

    rocks_names_walk(&walk, b->r, ROCKS_NAME_MAILBOX, c->account);
    while (status == STORE_NONE && rocks_walk_next(&walk)) {
        struct span name = rocks_names_of(&walk);

        if (!store_row_read_number(walk.value, &mailbox) || name.len > STORE_NAME)
            status = STORE_CORRUPT;
        if (status == STORE_CORRUPT || mailbox != c->mailbox)
            continue;
        memcpy(c->old, name.data, name.len);
        c->old_len = name.len;
        status = STORE_OK;
    }
    ended = rocks_walk_end(&walk);
    return ended == STORE_OK ? status : ended;
}

static enum store_status delete (struct rocks_batch *b, void *context) {
    struct tree_change *c = context; struct rocks_box box;
    enum store_status status = read_row(b, c, true);

    if (status == STORE_OK) status = read_name(b, c);
    if (status == STORE_OK) status = rocks_batch_box(b, c->mailbox, &box);
    if (status != STORE_OK) return status;
    rocks_names_drop(b->r, b->rows, ROCKS_NAME_MAILBOX, c->account, span_of(c->old, c->old_len));
    rocks_gone_put(b, c->mailbox, &c->row);
    rocks_batch_uncount_all(&box);
    return STORE_OK;
}

enum { STEPS_AT_ONCE = 16 };

enum store_status rocks_mailbox_delete(struct store *store, uint64_t mailbox)
{
    struct rocks *r = (struct rocks *)store;
    struct tree_change c = {.mailbox = mailbox};
    enum store_status status = rocks_apply_one(r, delete, &c);
    bool done = status != STORE_OK;

    if (status == STORE_OK)
        store_watched_tell(store, mailbox);
    /* What fails now, the collector does later. */
    for (int i = 0; i < STEPS_AT_ONCE && !done; i++)
        if (rocks_gone_step(r, mailbox, &done) != STORE_OK)
            break;
    return status;
}

static bool is_below(struct span name, struct span parent)
{
    return name.len > parent.len && name.data[parent.len] == STORE_SEPARATOR &&
           memcmp(name.data, parent.data, parent.len) == 0;
}

static bool is_moved(struct span name, struct span old)
{
    return span_equal(name, old) || is_below(name, old);
}

/* Goes over the mailbox and all below it: their old names out (`put` false: after a look whether
 * the new ones are free), or the new ones in. */
static enum store_status rename_all(struct rocks_batch *b, const struct tree_change *c, bool put)
{
    struct span old = span_of(c->old, c->old_len);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;

    rocks_names_walk(&walk, b->r, ROCKS_NAME_MAILBOX, c->account);
    while (status == STORE_OK && rocks_walk_next(&walk)) {
        struct span name = rocks_names_of(&walk);
        uint8_t bytes[STORE_NAME];
        struct writer renamed = writer_of(bytes, sizeof(bytes));
        uint64_t mailbox, there;

        if (!is_moved(name, old))
            continue;
        writer_span_put(&renamed, c->name);
        writer_span_put(&renamed, span_skip(name, old.len));
        if (renamed.full || !store_row_read_number(walk.value, &mailbox))
            status = STORE_FAILED;
        else if (put)
            rocks_names_put(b->r, b->rows, ROCKS_NAME_MAILBOX, c->account, writer_span(&renamed),
                            mailbox);
        else if (!is_moved(writer_span(&renamed), old) &&
                 rocks_names_look(b->r, ROCKS_NAME_MAILBOX, c->account, writer_span(&renamed),
                                  &there) != STORE_NONE)
            status = STORE_EXISTS;
        else
            rocks_value_delete(b->r, b->rows, ROCKS_NAMES, walk.key);
    }
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

static enum store_status rename_mailbox(struct rocks_batch *b, void *context)
{
    struct tree_change *c = context;
    enum store_status status = read_row(b, c, true);

    if (status == STORE_OK)
        status = read_name(b, c);
    if (status != STORE_OK)
        return status;
    if (span_equal(c->name, span_of(c->old, c->old_len)))
        return STORE_EXISTS;
    if (is_below(c->name, span_of(c->old, c->old_len)))
        return STORE_FAILED;
    /* Old names go out first: the new one of one mailbox may be the old one of another. */
    status = rename_all(b, c, false);
    if (status == STORE_OK)
        status = rename_all(b, c, true);
    b->durable = true;
    return status;
}

enum store_status rocks_mailbox_rename(struct store *store, uint64_t mailbox, struct span name)
{
    struct tree_change c = {.mailbox = mailbox, .name = name};

    return rocks_apply_one((struct rocks *)store, rename_mailbox, &c);
}

static enum store_status use(struct rocks_batch *b, void *context)
{
    struct tree_change *c = context;
    struct store_key key = store_key_id(STORE_TABLE_MAILBOX, c->mailbox);
    uint8_t bytes[STORE_ROW_SMALL];
    struct writer w = writer_of(bytes, sizeof(bytes));
    enum store_status status = read_row(b, c, false);

    if (status != STORE_OK)
        return status;
    c->row.uses = c->uses;
    store_row_put_mailbox(&w, &c->row);
    rocks_value_put(b->r, b->rows, ROCKS_INDEX, rocks_key(&key), writer_span(&w));
    b->durable = true;
    return STORE_OK;
}

enum store_status rocks_mailbox_use(struct store *store, uint64_t mailbox, uint16_t uses)
{
    struct tree_change c = {.mailbox = mailbox, .uses = uses};

    return rocks_apply_one((struct rocks *)store, use, &c);
}

static enum store_status subscribe(struct rocks_batch *b, void *context)
{
    struct tree_change *c = context;
    uint64_t there;
    enum store_status status = check_account(b, c->account);

    if (status != STORE_OK)
        return status;
    status = rocks_names_look(b->r, ROCKS_NAME_SUBSCRIPTION, c->account, c->name, &there);
    if (status != STORE_OK && status != STORE_NONE)
        return status;
    if (c->subscribed == (status == STORE_OK))
        return STORE_OK;
    b->durable = true;
    if (!c->subscribed) {
        rocks_names_drop(b->r, b->rows, ROCKS_NAME_SUBSCRIPTION, c->account, c->name);
        return STORE_OK;
    }
    status = check_count(b, ROCKS_NAME_SUBSCRIPTION, c->account);
    if (status == STORE_OK)
        rocks_names_put(b->r, b->rows, ROCKS_NAME_SUBSCRIPTION, c->account, c->name, 1);
    return status;
}

enum store_status rocks_mailbox_subscribe(struct store *store, uint64_t account, struct span name,
                                          bool subscribed)
{
    struct tree_change c = {.account = account, .name = name, .subscribed = subscribed};

    return rocks_apply_one((struct rocks *)store, subscribe, &c);
}
