/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/base/clock.h"
#include "control/store/memory.h"
#include "control/store/store_row.h"

#include <stdlib.h>

/* A message on its way in. */
struct adding {
    struct memory *m;
    struct memory_adder *adder;
    struct message *message;
    uint32_t flags;
    struct span keywords;
    uint64_t hash; /* of its id */
    struct memory_pending *pending;
    struct memory_body *body;
    struct memory_mailbox *boxes[MESSAGE_DELIVERIES];
    struct memory_entry *entries[MESSAGE_DELIVERIES];
    uint32_t reserved, made; /* deliveries whose octets are reserved, whose entries are made */
};

/* ---- is it possible? ---- */

static enum store_status check_message(const struct message *m)
{
    uint64_t bytes = (uint64_t)m->rows_written * CHUNK_LARGE_DATA;

    if (m->deliveries > MESSAGE_DELIVERIES ||
        store_row_envelope_size(m) + m->tree.len > MEMORY_SEGMENT - sizeof(struct memory_body))
        return STORE_FAILED;

    for (const struct chunk *c = m->rest; c; c = c->next)
        bytes += c->len;
    return bytes == m->size && m->size / CHUNK_LARGE_DATA < UINT32_MAX ? STORE_OK : STORE_FAILED;
}

/* Under `changing`, as all that has one. NULL: it is gone, or somebody else's. */
static struct memory_mailbox *find_folder(struct memory *m, const struct memory_account *account,
                                          const struct message_delivery *d)
{
    struct memory_mailbox *box = memory_names_mailbox(m, d->mailbox_out);

    return box && box->account == account && box->place == STORE_FOLDER ? box : NULL;
}

static enum store_status find_box(struct adding *a, uint32_t i)
{
    const struct message_delivery *d = &a->message->delivery[i];
    struct memory_account *account;

    if (d->place > MESSAGE_QUARANTINE || d->prefix.len + a->keywords.len > MEMORY_SEGMENT / 2)
        return STORE_FAILED;
    account = memory_names_account(a->m, d->account);
    if (!account || account->id != d->account)
        return STORE_NONE;
    a->boxes[i] = d->place == MESSAGE_INBOX && d->mailbox_out ? find_folder(a->m, account, d) : NULL;
    if (!a->boxes[i])
        a->boxes[i] = &account->mailboxes[d->place];
    return memory_mailbox_open(a->boxes[i], MESSAGE_DELIVERIES) ? STORE_OK : STORE_FAILED;
}

static enum store_status check(struct adding *a)
{
    enum store_status status = a->message->deliveries ? check_message(a->message) : STORE_FAILED;

    for (uint32_t i = 0; status == STORE_OK && i < a->message->deliveries; i++)
        status = find_box(a, i);
    return status;
}

static void unreserve(struct adding *a)
{
    while (a->reserved > 0) {
        a->reserved--;
        memory_mailbox_unreserve(memory_mailbox_counter(a->boxes[a->reserved]),
                                 store_row_size(a->message, &a->message->delivery[a->reserved]));
    }
}

static uint64_t limit_of(const struct adding *a, const struct memory_mailbox *box)
{
    return atomic_load_explicit(box->place == MESSAGE_QUARANTINE ? &a->m->quarantine_octets
                                                                 : &box->account->quota,
                                memory_order_relaxed);
}

/* All or none. Another message that just so fits may be refused because of one that in the end
 * finds no room in another mailbox: it comes again. */
static bool reserve(struct adding *a)
{
    for (; a->reserved < a->message->deliveries; a->reserved++) {
        struct memory_mailbox *box = a->boxes[a->reserved];

        if (!memory_mailbox_reserve(memory_mailbox_counter(box),
                                    store_row_size(a->message, &a->message->delivery[a->reserved]),
                                    limit_of(a, box))) {
            unreserve(a);
            return false;
        }
    }
    return true;
}

/* ---- its pieces ---- */

static bool make_body(struct adding *a)
{
    struct memory_pending *p = a->pending;
    struct memory_filling f = {.left = a->message->size};

    a->body = memory_body_new(a->m, &a->adder->lane, a->message);
    if (!a->body)
        return false;
    f.end = &a->body->first;
    if (p) {
        f.end = &p->last->next;
        f.left -= (uint64_t)p->rows * CHUNK_LARGE_DATA;
        a->body->first = p->first;
    }
    for (const struct chunk *c = a->message->rest; c; c = c->next)
        if (!memory_body_add(a->m, &a->adder->lane, &f, span_of(c->data, c->len)))
            return false;
    return true;
}

static uint8_t *append(uint8_t *at, struct span bytes)
{
    if (bytes.len)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static bool make_entry(struct adding *a, uint32_t i, uint64_t now_ms, uint8_t form)
{
    const struct message_delivery *d = &a->message->delivery[i];
    struct span verdict = span_head(a->message->verdict, STORE_ROW_VERDICT);
    struct memory_entry *entry;

    if (d->place != MESSAGE_QUARANTINE)
        verdict.len = 0;
    entry = memory_arena_take(&a->m->arena, &a->adder->lane,
                              sizeof(*entry) + d->prefix.len + verdict.len + a->keywords.len);
    if (!entry)
        return false;
    *entry = (struct memory_entry){.sibling = a->body->entries,
                                   .body = a->body,
                                   .mailbox = a->boxes[i],
                                   .saved_ms = now_ms,
                                   .prefix = (uint32_t)d->prefix.len,
                                   .keywords = (uint32_t)a->keywords.len,
                                   .flags = a->flags,
                                   .delivery = (uint16_t)i,
                                   .verdict = (uint8_t)verdict.len,
                                   .form = form};
    append(append(append(entry->bytes, d->prefix), verdict), a->keywords);
    a->body->entries = a->entries[i] = entry;
    return true;
}

/* What was pending stays so. */
static void unmake(struct adding *a)
{
    while (a->made > 0)
        memory_arena_give(&a->m->arena, a->entries[--a->made]);
    if (!a->body)
        return;
    memory_body_free_pieces(a->m, a->pending ? a->pending->last->next : a->body->first);
    if (a->pending)
        a->pending->last->next = NULL;
    memory_arena_give(&a->m->arena, a->body);
    a->body = NULL;
}

static bool make(struct adding *a)
{
    uint64_t now_ms = clock_wall_ms();
    uint8_t form = store_row_form(a->message);
    bool ok = make_body(a);

    while (ok && a->made < a->message->deliveries) {
        ok = make_entry(a, a->made, now_ms, form);
        a->made += ok;
    }
    if (!ok)
        unmake(a);
    return ok;
}

/* From the first line on others see it. False: no room for its id. */
static bool publish(struct adding *a)
{
    if (!memory_ids_add(&a->m->ids, a->hash, memory_arena_ref(&a->m->arena, a->body)))
        return false;
    for (uint32_t i = 0; i < a->message->deliveries; i++)
        a->message->delivery[i].uid_out = memory_mailbox_push(a->m, a->entries[i]);
    for (uint32_t i = 0; a->m->store.watched.visit && i < a->message->deliveries; i++)
        store_watched_tell(&a->m->store, a->boxes[i]->id);
    if (a->pending) {
        atomic_fetch_sub_explicit(&a->m->pending_rows, a->pending->rows, memory_order_relaxed);
        memory_arena_give(&a->m->arena, a->pending);
    }
    return true;
}

/* The message's rows written ahead, if they are the ones it says. */
static bool take_pending(struct adding *a)
{
    if (a->message->rows_written == 0)
        return true;
    a->pending = memory_pending_take(a->adder, &a->message->id);
    if (a->pending && a->pending->rows == a->message->rows_written)
        return true;
    if (a->pending)
        memory_pending_put(a->adder, a->pending);
    a->pending = NULL;
    return false;
}

/* Room is reserved. */
static enum store_status add(struct adding *a)
{
    enum store_status status = STORE_OK;

    if (!take_pending(a)) {
        status = STORE_FAILED;
    } else if (!make(a) || !publish(a)) {
        unmake(a);
        if (a->pending)
            memory_pending_put(a->adder, a->pending);
        status = STORE_DISK_FULL;
    }
    if (status != STORE_OK)
        unreserve(a);
    return status;
}

static void begin(struct adding *a, struct memory *m, struct memory_adder *adder,
                  struct message *message)
{
    a->m = m;
    a->adder = adder;
    a->message = message;
    a->flags = 0;
    a->keywords = span_of(NULL, 0);
    a->pending = NULL;
    a->body = NULL;
    a->reserved = a->made = 0;
    a->hash = memory_ids_hash(&message->id);
    memory_ids_prefetch(&m->ids, a->hash);
}

/* ---- by a worker ---- */

/* False also when the account has been full: it is to be said that it is not any more. And where a
 * folder is to be looked for: names are not read without the lock. */
static bool is_plain(const struct adding *a)
{
    struct memory_ids_search search = {.hash = a->hash};

    for (uint32_t i = 0; i < a->message->deliveries; i++)
        if (a->message->delivery[i].folder.len || a->message->delivery[i].junk ||
            atomic_load_explicit(&a->boxes[i]->account->full_ms, memory_order_relaxed))
            return false;
    return memory_ids_next(&a->m->ids, &search) == 0;
}

bool memory_commit_near(struct store *store, uint16_t worker, struct message *message,
                        enum store_status *status_out)
{
    struct memory *m = memory_of(store);
    struct adding a;

    if (worker >= MEMORY_LANES)
        return false;
    begin(&a, m, &m->adders[worker], message);
    *status_out = check(&a);
    if (*status_out != STORE_OK)
        return true;
    if (!is_plain(&a) || !reserve(&a)) {
        memory_pending_hand(m, a.adder, &message->id);
        return false;
    }
    *status_out = add(&a);
    return true;
}

bool memory_write_near(struct store *store, uint16_t worker, const struct id128 *message,
                       uint32_t row, struct span bytes, enum store_status *status_out)
{
    struct memory *m = memory_of(store);

    if (worker >= MEMORY_LANES)
        return false;
    *status_out = memory_pending_write(m, &m->adders[worker], message, row, bytes);
    return true;
}

bool memory_discard_near(struct store *store, uint16_t worker, const struct id128 *message)
{
    struct memory *m = memory_of(store);

    return worker < MEMORY_LANES && memory_pending_discard(m, &m->adders[worker], message);
}

/* ---- by who holds `changing` ---- */

/* Of a quarantine that makes room: all of them are asked before any does. */
static enum store_status reserve_slowly(struct adding *a)
{
    enum store_status status = STORE_OK;

    for (; a->reserved < a->message->deliveries; a->reserved++) {
        struct memory_mailbox *box = a->boxes[a->reserved];
        uint64_t size = store_row_size(a->message, &a->message->delivery[a->reserved]);
        struct memory_mailbox *counter = memory_mailbox_counter(box);
        bool fits = memory_mailbox_reserve(counter, size, limit_of(a, box));
        enum store_status asked = fits ? STORE_OK
                                  : box->place == MESSAGE_QUARANTINE
                                      ? memory_quarantine_ask(a->m, box->account, size)
                                      : STORE_FULL;

        if (!fits && counter->place == MESSAGE_INBOX)
            memory_full_found(box->account, size);
        if (asked != STORE_OK)
            status = asked;
        /* All that are full are found at once. */
        if (!fits)
            memory_mailbox_reserve(counter, size, 0);
    }
    if (status != STORE_OK)
        unreserve(a);
    return status;
}

static void tell(const struct adding *a)
{
    for (uint32_t i = 0; i < a->message->deliveries; i++)
        if (atomic_load_explicit(&a->boxes[i]->account->full_ms, memory_order_relaxed))
            memory_full_say(a->m, a->boxes[i]->account);
}

enum store_status memory_commit(struct memory *m, struct message *message, uint32_t flags,
                                struct span keywords)
{
    struct adding a;
    enum store_status status;

    memory_pending_accept(m);
    begin(&a, m, &m->own, message);
    a.flags = flags;
    a.keywords = keywords;
    status = check(&a);
    if (status == STORE_OK && memory_body_find(m, &message->id))
        status = STORE_FAILED;
    if (status == STORE_OK) {
        status = reserve_slowly(&a);
        if (status == STORE_FULL)
            tell(&a);
    }
    if (status == STORE_OK)
        status = add(&a);
    for (uint32_t i = 0; status == STORE_OK && i < message->deliveries; i++) {
        struct memory_mailbox *box = a.boxes[i];

        message->delivery[i].mailbox_out = box->place == STORE_FOLDER ? box->id : 0;
        /* Folders have nothing that was pushed and not taken over: only who holds this adds to
         * them. Without memory for it now the next who asks does it. */
        if (box->place == STORE_FOLDER)
            (void)memory_mailbox_take(m, box);
        if (box->place == MESSAGE_QUARANTINE)
            memory_quarantine_evict(m, box->account, message->delivery[i].uid_out);
        else
            memory_full_taken(m, box->account);
    }
    return status;
}

/* ---- into one mailbox ---- */

/* A body and its entry, of which nobody knows yet. */
static enum store_status prepare(struct adding *a, struct memory_mailbox *box,
                                 const struct store_append_row *row)
{
    struct memory_entry *entry;
    enum store_status status = check_message(row->message);

    if (status != STORE_OK || row->message->deliveries != 0 ||
        memory_body_find(a->m, &row->message->id) || row->keywords.len > MEMORY_SEGMENT / 2)
        return STORE_FAILED;
    status = store_keywords_add(&box->keywords, row->keywords);
    if (status != STORE_OK)
        return status;
    if (!take_pending(a))
        return STORE_FAILED;
    if (!make_body(a))
        return STORE_DISK_FULL;
    entry = memory_arena_take(&a->m->arena, &a->adder->lane, sizeof(*entry) + row->keywords.len);
    if (!entry)
        return STORE_DISK_FULL;
    *entry = (struct memory_entry){.body = a->body,
                                   .mailbox = box,
                                   .saved_ms = clock_wall_ms(),
                                   .keywords = (uint32_t)row->keywords.len,
                                   .flags = row->flags,
                                   .form = store_row_form(row->message)};
    append(entry->bytes, row->keywords);
    a->body->entries = a->entries[0] = entry;
    a->made = 1;
    return memory_ids_add(&a->m->ids, a->hash, memory_arena_ref(&a->m->arena, a->body))
               ? STORE_OK
               : STORE_DISK_FULL;
}

static void unprepare(struct adding *a, bool known)
{
    if (known)
        memory_ids_remove(&a->m->ids, a->hash, memory_arena_ref(&a->m->arena, a->body));
    unmake(a);
    if (a->pending)
        memory_pending_put(a->adder, a->pending);
}

static enum store_status append_all(struct memory *m, struct memory_mailbox *box,
                                    struct store_append *x, struct adding *all)
{
    uint64_t octets = 0;
    uint32_t n = 0;
    enum store_status status = STORE_OK;

    for (; status == STORE_OK && n < x->count; n++) {
        begin(&all[n], m, &m->own, x->rows[n].message);
        status = prepare(&all[n], box, &x->rows[n]);
        octets += x->rows[n].message->size;
    }
    if (status == STORE_OK && !memory_mailbox_reserve(memory_mailbox_counter(box), octets,
                                                      atomic_load(&box->account->quota)))
        status = STORE_FULL;
    for (uint32_t i = 0; status != STORE_OK && i < n; i++)
        unprepare(&all[i], i + 1 < n || status == STORE_FULL);
    for (uint32_t i = 0; status == STORE_OK && i < n; i++) {
        x->rows[i].uid_out = memory_mailbox_push(m, all[i].entries[0]);
        if (!all[i].pending)
            continue;
        atomic_fetch_sub_explicit(&m->pending_rows, all[i].pending->rows, memory_order_relaxed);
        memory_arena_give(&m->arena, all[i].pending);
    }
    return status == STORE_OK ? memory_mailbox_take(m, box) : status;
}

enum store_status memory_append(struct memory *m, struct store_append *x)
{
    struct memory_mailbox *box;
    struct adding *all;
    size_t len;
    uint32_t count;
    enum store_status status = memory_change_enter(m, x->mailbox, &box);

    if (status != STORE_OK || x->count > STORE_APPENDS || !memory_mailbox_open(box, x->count))
        return status == STORE_OK ? STORE_FAILED : status;
    all = calloc(x->count + 1, sizeof(*all));
    if (!all)
        return STORE_FAILED;
    len = box->keywords.len;
    count = box->keywords.count;
    memory_pending_accept(m);
    status = append_all(m, box, x, all);
    free(all);
    if (status != STORE_OK) {
        box->keywords.len = len;
        box->keywords.count = count;
        return status;
    }
    x->modseq_out = box->modseq;
    if (x->count > 0)
        store_watched_tell(&m->store, box->id);
    return STORE_OK;
}
