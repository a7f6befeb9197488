/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/base/clock.h"
#include "control/store/memory.h"
#include "control/store/store_row.h"

/* The most messages that make room for one, as in rocks_quarantine.c. */
enum { EVICT_MAX = 256 };

/* The row of the log, of the entry that was under `uid` in the quarantine. Its address is what the
 * envelope says. There is room for it. */
static void log_change(struct memory *m, const struct memory_entry *e, uint32_t uid,
                       const struct store_quarantine *change)
{
    static struct store_message message; /* under `changing` */
    struct store_audit row = {.action = change->action,
                              .account = e->mailbox->account->id,
                              .message = e->body->id,
                              .uid = uid,
                              .uid_new = change->uid_out,
                              .size = memory_mailbox_size(e),
                              .rule = span_of(e->bytes + e->prefix, e->verdict),
                              .for_ = change->reason};

    if (store_row_read_envelope(span_of(e->body->bytes, e->body->envelope), &message) &&
        e->delivery < message.deliveries)
        row.address = message.delivery[e->delivery].recipient;
    memory_audit_put(m, &row);
}

static enum store_status find(struct memory *m, const struct store_quarantine *change,
                              struct memory_entry **entry_out)
{
    struct memory_account *account = memory_names_account(m, change->account);
    struct memory_mailbox *box;
    enum store_status status;

    if (!account || account->id != change->account)
        return STORE_NONE;
    box = &account->mailboxes[MESSAGE_QUARANTINE];
    status = memory_mailbox_take(m, box);
    if (status != STORE_OK)
        return status;
    *entry_out = memory_mailbox_find(m, box, change->uid);
    return *entry_out ? STORE_OK : STORE_NONE;
}

/* ---- release ---- */

/* The same entry, under a new name. */
static void move(struct memory *m, struct memory_entry *e, struct store_quarantine *change)
{
    struct memory_account *account = e->mailbox->account;
    uint32_t uid = e->uid;

    memory_mailbox_remove(e, true);
    e->mailbox = &account->mailboxes[MESSAGE_INBOX];
    e->saved_ms = clock_wall_ms();
    e->taken = false;
    change->uid_out = memory_mailbox_push(m, e);
    log_change(m, e, uid, change);
    if (e->keywords)
        memmove(e->bytes + e->prefix, e->bytes + e->prefix + e->verdict, e->keywords);
    e->verdict = 0;
    memory_full_taken(m, account);
}

enum store_status memory_quarantine_release(struct memory *m, struct store_quarantine *change)
{
    struct memory_entry *e;
    struct memory_mailbox *inbox;
    uint64_t quota;
    enum store_status status;

    if (!store_reason_valid(&change->reason) || change->action != STORE_AUDIT_RELEASE ||
        !memory_audit_begin(m, 1))
        return STORE_FAILED;
    status = find(m, change, &e);
    if (status != STORE_OK)
        return status;
    inbox = &e->mailbox->account->mailboxes[MESSAGE_INBOX];
    quota = atomic_load(&inbox->account->quota);
    if (!memory_mailbox_open(inbox, MESSAGE_DELIVERIES))
        return STORE_FAILED;
    if (!memory_mailbox_reserve(inbox, memory_mailbox_size(e), quota))
        return STORE_FULL;
    move(m, e, change);
    return STORE_OK;
}

/* ---- deletion ---- */

static void drop(struct memory *m, struct memory_entry *e, const struct store_quarantine *change)
{
    log_change(m, e, e->uid, change);
    memory_mailbox_delete(m, e, true);
}

enum store_status memory_quarantine_drop(struct memory *m, const struct store_quarantine *change)
{
    struct memory_entry *e;
    enum store_status status;

    if (!store_reason_valid(&change->reason) ||
        (change->action != STORE_AUDIT_DELETE && change->action != STORE_AUDIT_EXPIRE) ||
        !memory_audit_begin(m, 1))
        return STORE_FAILED;
    status = find(m, change, &e);
    if (status == STORE_OK)
        drop(m, e, change);
    return status;
}

/* ---- its quota ---- */

void memory_quarantine_limit(struct store *store, const struct store_quarantine_limits *limits)
{
    struct memory *m = memory_of(store);

    memory_lock(m);
    atomic_store(&m->quarantine_octets, limits->quota_octets);
    m->quarantine_full = limits->full;
    memory_unlock(m);
}

static uint64_t excess(const struct memory *m, const struct memory_mailbox *box, uint64_t octets)
{
    uint64_t quota = atomic_load(&m->quarantine_octets);
    uint64_t total = atomic_load(&box->octets) + octets;

    return quota && total > quota ? total - quota : 0;
}

enum store_status memory_quarantine_ask(struct memory *m, struct memory_account *account,
                                        uint64_t octets)
{
    struct memory_mailbox *box = &account->mailboxes[MESSAGE_QUARANTINE];
    uint64_t need = excess(m, box, octets), found = 0;
    struct memory_entry *e = NULL;
    enum store_status status = memory_mailbox_take(m, box);

    if (status != STORE_OK)
        return status;
    if (m->quarantine_full == STORE_QUARANTINE_DEFER)
        return need ? STORE_FULL : STORE_OK;
    for (uint32_t n = 0; n < EVICT_MAX && found < need; n++) {
        e = memory_mailbox_from(m, box, e ? e->uid + 1 : 0);
        /* One alone may be larger than the limit. */
        if (!e)
            return STORE_OK;
        found += memory_mailbox_size(e);
    }
    return found >= need ? STORE_OK : STORE_FULL;
}

void memory_quarantine_evict(struct memory *m, struct memory_account *account, uint32_t kept)
{
    static const struct store_quarantine change = {
        .action = STORE_AUDIT_EVICT,
        .reason = {.who = {(const uint8_t *)"engine", sizeof("engine") - 1},
                   .why = {(const uint8_t *)"the quarantine was full",
                           sizeof("the quarantine was full") - 1}}};
    struct memory_mailbox *box = &account->mailboxes[MESSAGE_QUARANTINE];

    if (m->quarantine_full == STORE_QUARANTINE_DEFER || memory_mailbox_take(m, box) != STORE_OK)
        return;
    for (uint32_t n = 0; n < EVICT_MAX && excess(m, box, 0) > 0; n++) {
        struct memory_entry *e = memory_mailbox_from(m, box, 0);

        if (!e || e->uid >= kept || !memory_audit_begin(m, 1))
            return;
        drop(m, e, &change);
    }
}
