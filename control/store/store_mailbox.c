/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/store_ops.h"

static bool is_name(struct span name)
{
    return name.len > 0 && name.len <= STORE_NAME;
}

enum store_status store_mailbox_find(struct store *store, uint64_t account, struct span name,
                                     uint64_t *mailbox_out)
{
    return is_name(name) ? store->ops->mailbox_find(store, account, name, mailbox_out) : STORE_NONE;
}

enum store_status store_mailbox_show(struct store *store, uint64_t mailbox,
                                     store_mailbox_visit *visit, void *context)
{
    return store->ops->mailbox_show(store, mailbox, visit, context);
}

enum store_status store_mailbox_create(struct store *store, uint64_t account, struct span name,
                                       uint16_t uses, uint64_t *mailbox_out)
{
    return is_name(name) ? store->ops->mailbox_create(store, account, name, uses, mailbox_out)
                         : STORE_FAILED;
}

enum store_status store_mailbox_delete(struct store *store, uint64_t mailbox)
{
    return store->ops->mailbox_delete(store, mailbox);
}

/* ---- the inbox renamed: it stays, and all that is in it moves ---- */

enum { MOVED = 1000 }; /* in one change */

struct inbox {
    uint64_t account;
    uint8_t place;
    uint32_t uid_next; /* what comes from now on stays */
    uint32_t uids[MOVED], moved[MOVED];
    uint32_t count;
};

static bool see_mailbox(void *context, const struct store_mailbox *m)
{
    struct inbox *inbox = context;

    inbox->account = m->account;
    inbox->place = m->place;
    inbox->uid_next = m->uid_next;
    return true;
}

static bool see_entry(void *context, const struct store_entry *entry)
{
    struct inbox *inbox = context;

    if (entry->uid >= inbox->uid_next)
        return false;
    inbox->uids[inbox->count++] = entry->uid;
    return inbox->count < MOVED;
}

static enum store_status move_some(struct store *store, uint64_t from, uint64_t to,
                                   struct inbox *inbox)
{
    struct store_copy copy = {
        .from = from, .to = to, .uids = inbox->uids, .uids_out = inbox->moved, .move = true};
    struct store_change change = {.kind = STORE_COPY, .copy = &copy};
    enum store_status status;

    inbox->count = 0;
    status = store_entries(store, from, see_entry, inbox);
    copy.count = inbox->count;
    if (status != STORE_OK || inbox->count == 0)
        return status;
    store_apply(store, &change, 1);
    return change.status_out;
}

static enum store_status rename_inbox(struct store *store, uint64_t mailbox, struct inbox *inbox,
                                      struct span name)
{
    uint64_t to;
    enum store_status status = store_mailbox_create(store, inbox->account, name, 0, &to);

    do
        if (status == STORE_OK)
            status = move_some(store, mailbox, to, inbox);
    while (status == STORE_OK && inbox->count > 0);
    return status;
}

enum store_status store_mailbox_rename(struct store *store, uint64_t mailbox, struct span name)
{
    struct inbox inbox = {.count = 0};
    enum store_status status;

    if (!is_name(name))
        return STORE_FAILED;
    status = store_mailbox_show(store, mailbox, see_mailbox, &inbox);
    if (status != STORE_OK)
        return status;
    return inbox.place == MESSAGE_INBOX ? rename_inbox(store, mailbox, &inbox, name)
                                        : store->ops->mailbox_rename(store, mailbox, name);
}

enum store_status store_mailbox_use(struct store *store, uint64_t mailbox, uint16_t uses)
{
    return store->ops->mailbox_use(store, mailbox, uses);
}

enum store_status store_subscribe(struct store *store, uint64_t account, struct span name,
                                  bool subscribed)
{
    return is_name(name) ? store->ops->subscribe(store, account, name, subscribed) : STORE_FAILED;
}

enum store_status store_subscriptions(struct store *store, uint64_t account,
                                      store_name_visit *visit, void *context)
{
    return store->ops->subscriptions(store, account, visit, context);
}

enum store_status store_quota(struct store *store, uint64_t account, struct store_quota *quota_out)
{
    return store->ops->quota(store, account, quota_out);
}

enum store_status store_sync(struct store *store)
{
    return store->ops->sync(store);
}

enum store_status store_reading_open(struct store *store, uint64_t mailbox, uint32_t uid,
                                     const struct store_reading **reading_out)
{
    return store->ops->reading_open(store, mailbox, uid, reading_out);
}

enum store_status store_reading_read(struct store *store, const struct store_reading *reading,
                                     uint64_t offset, struct span *bytes_out, void **pin_out)
{
    return store->ops->reading_read(store, reading, offset, bytes_out, pin_out);
}

void store_reading_close(struct store *store, const struct store_reading *reading)
{
    store->ops->reading_close(store, reading);
}
