/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

#include <stdlib.h>

/* The most messages that make room for one, and that a batch may have removed when one more is to
 * make room. A flood of small ones then defers a large one rather than making a batch without
 * bound. */
enum { EVICT_MAX = 256, GONE_MAX = 4096 };

/* An entry of the account's quarantine. */
static enum store_status read_entry(struct rocks_batch *b, const struct rocks_account *account,
                                    uint32_t uid, struct rocks_entry *q)
{
    return rocks_entry_read(b, account->row.quarantine, uid, q);
}

/* The row of the log. Its address is what the envelope says, as far as that can be read. */
static void log_change(struct rocks_batch *b, const struct rocks_account *account,
                       const struct rocks_entry *q, const struct store_quarantine *change)
{
    struct store_key key = store_key_message(STORE_TABLE_ENVELOPE, &q->entry.message);
    struct store_message message = {.deliveries = 0};
    struct rocks_value envelope;
    struct store_audit row = {.action = change->action,
                              .account = account->id,
                              .message = q->entry.message,
                              .uid = q->entry.uid,
                              .uid_new = change->uid_out,
                              .size = q->entry.size,
                              .rule = q->entry.verdict,
                              .for_ = change->reason};

    if (rocks_value_get(b->r, b->r->read, ROCKS_INDEX, rocks_key(&key), &envelope) == STORE_OK &&
        store_row_read_envelope(envelope.bytes, &message) && q->entry.delivery < message.deliveries)
        row.address = message.delivery[q->entry.delivery].recipient;
    rocks_audit_put(b, &row);
    rocks_value_free(&envelope);
}

static bool note(struct rocks_batch *b, const struct rocks_entry *q, bool moved)
{
    struct rocks_gone gone = {.message = q->entry.message,
                              .mailbox = q->entry.mailbox,
                              .uid = q->entry.uid,
                              .moved = moved};

    return rocks_delete_note(b, gone);
}

static void take_out(struct rocks_batch *b, struct rocks_account *account,
                     const struct rocks_entry *q)
{
    struct rocks_gone gone = {
        .message = q->entry.message, .mailbox = q->entry.mailbox, .uid = q->entry.uid};
    struct rocks_box box = rocks_batch_fixed(account, MESSAGE_QUARANTINE);

    rocks_delete_entry(b, &box, &gone, q->entry.size);
}

/* ---- release ---- */

static enum store_status check_inbox(const struct rocks_account *account, uint64_t size)
{
    if (account->state[MESSAGE_INBOX].uid_next == UINT32_MAX)
        return STORE_FAILED;
    if (account->row.quota_octets && account->usage.octets + size > account->row.quota_octets)
        return STORE_FULL;
    return STORE_OK;
}

static void count_in(struct rocks_account *account, uint64_t size)
{
    struct rocks_box inbox = rocks_batch_fixed(account, MESSAGE_INBOX);

    inbox.state->uid_next++;
    inbox.state->modseq++;
    rocks_batch_count(&inbox, size);
    rocks_full_taken(account);
}

static enum store_status move(struct rocks_batch *b, struct rocks_account *account,
                              struct rocks_entry *q, struct store_quarantine *change)
{
    struct store_entry entry;
    enum store_status status = rocks_entry_read_flags(b, q);

    if (status == STORE_OK)
        status = rocks_entry_read_prefix(b, q);
    entry = q->entry;
    entry.mailbox = account->row.inbox;
    entry.uid = account->state[MESSAGE_INBOX].uid_next;
    entry.modseq = account->state[MESSAGE_INBOX].modseq + 1;
    entry.saved_ms = b->now_ms;
    entry.verdict = span_of(NULL, 0);
    if (status == STORE_OK &&
        !(rocks_entry_put(b, &entry, q->prefix_row.bytes) && note(b, q, true)))
        status = STORE_FAILED;
    if (status == STORE_OK) {
        change->uid_out = entry.uid;
        count_in(account, entry.size);
        take_out(b, account, q);
        log_change(b, account, q, change);
    }
    return status;
}

enum store_status rocks_quarantine_release(struct rocks_batch *b, struct store_quarantine *change)
{
    struct rocks_account *account;
    struct rocks_entry q = {.row = {.slice = NULL}};
    enum store_status status = rocks_audit_begin(b);

    if (!store_reason_valid(&change->reason) || change->action != STORE_AUDIT_RELEASE)
        return STORE_FAILED;
    if (status == STORE_OK)
        status = rocks_batch_account(b, change->account, MESSAGE_QUARANTINE, &account);
    if (status == STORE_OK)
        status = rocks_batch_account(b, change->account, MESSAGE_INBOX, &account);
    if (status == STORE_OK)
        status = read_entry(b, account, change->uid, &q);
    if (status == STORE_OK)
        status = check_inbox(account, q.entry.size);
    if (status == STORE_OK)
        status = move(b, account, &q, change);
    rocks_entry_free(&q);
    return status;
}

/* ---- deletion ---- */

static enum store_status drop(struct rocks_batch *b, struct rocks_account *account,
                              struct rocks_entry *q, const struct store_quarantine *change)
{
    if (!note(b, q, false))
        return STORE_FAILED;
    log_change(b, account, q, change);
    take_out(b, account, q);
    return STORE_OK;
}

enum store_status rocks_quarantine_drop(struct rocks_batch *b,
                                        const struct store_quarantine *change)
{
    struct rocks_account *account;
    struct rocks_entry q = {.row = {.slice = NULL}};
    enum store_status status = rocks_audit_begin(b);

    if (!store_reason_valid(&change->reason) ||
        (change->action != STORE_AUDIT_DELETE && change->action != STORE_AUDIT_EXPIRE))
        return STORE_FAILED;
    if (status == STORE_OK)
        status = rocks_batch_account(b, change->account, MESSAGE_QUARANTINE, &account);
    if (status == STORE_OK)
        status = read_entry(b, account, change->uid, &q);
    if (status == STORE_OK)
        status = drop(b, account, &q, change);
    rocks_entry_free(&q);
    return status;
}

/* ---- its quota ---- */

void rocks_quarantine_limit(struct store *store, const struct store_quarantine_limits *limits)
{
    struct rocks *r = (struct rocks *)store;

    pthread_mutex_lock(&r->changing);
    r->limits = *limits;
    pthread_mutex_unlock(&r->changing);
}

/* How many octets are over the limit once `octets` more are there. */
static uint64_t excess(const struct rocks_batch *b, const struct rocks_account *account,
                       uint64_t octets)
{
    uint64_t quota = b->r->limits.quota_octets;
    uint64_t total = account->state[MESSAGE_QUARANTINE].octets + octets;

    return quota && total > quota ? total - quota : 0;
}

/*
 * Goes over the oldest entries until `need` octets are found, at most EVICT_MAX of them, and calls
 * `visit`, which may be NULL, for each. *found_out may be less. What came in this batch does not
 * show, and is not evicted.
 */
static enum store_status
oldest(struct rocks_batch *b, struct rocks_account *account, uint64_t need,
       void (*visit)(struct rocks_batch *, struct rocks_account *, uint32_t), uint64_t *found_out)
{
    struct store_key prefix = store_key_id(STORE_TABLE_ENTRY, account->row.quarantine);
    struct rocks_walk walk;
    enum store_status status = STORE_OK, ended;

    *found_out = 0;
    rocks_walk_begin(&walk, b->r, ROCKS_INDEX, &prefix, NULL);
    for (uint32_t n = 0; n < EVICT_MAX && *found_out < need && rocks_walk_next(&walk);) {
        struct store_entry entry;

        if (!store_key_read_entry(walk.key, &entry.mailbox, &entry.uid) ||
            !store_row_read_entry(walk.value, &entry)) {
            status = STORE_CORRUPT;
            break;
        }
        if (rocks_delete_noted(b, entry.mailbox, entry.uid))
            continue;
        n++;
        *found_out += entry.size;
        if (visit)
            visit(b, account, entry.uid);
    }
    ended = rocks_walk_end(&walk);
    return status == STORE_OK ? ended : status;
}

enum store_status rocks_quarantine_ask(struct rocks_batch *b, struct rocks_account *account,
                                       uint64_t octets)
{
    uint64_t need = excess(b, account, octets), found;
    enum store_status status;

    if (need == 0)
        return STORE_OK;
    if (b->r->limits.full == STORE_QUARANTINE_DEFER || b->gone_count > GONE_MAX)
        return STORE_FULL;
    status = rocks_audit_begin(b);
    if (status == STORE_OK)
        status = oldest(b, account, need, NULL, &found);
    if (status != STORE_OK || found >= need)
        return status;
    /* One alone may be larger than the limit. */
    return found == account->state[MESSAGE_QUARANTINE].octets ? STORE_OK : STORE_FULL;
}

static void evict(struct rocks_batch *b, struct rocks_account *account, uint32_t uid)
{
    struct store_quarantine change = {
        .action = STORE_AUDIT_EVICT,
        .reason = {.who = span_text("engine"), .why = span_text("the quarantine was full")}};
    struct rocks_entry q;

    if (read_entry(b, account, uid, &q) == STORE_OK)
        drop(b, account, &q, &change);
    rocks_entry_free(&q);
}

void rocks_quarantine_evict(struct rocks_batch *b, struct rocks_account *account, uint64_t octets)
{
    uint64_t need = excess(b, account, octets), found;

    if (need > 0)
        oldest(b, account, need, evict, &found);
}
