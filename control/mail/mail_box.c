/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_box.h"

#include <stdlib.h>

#include "control/mail/mail_digest.h"
#include "control/mail/mail_words.h"
#include "control/store/store_mailbox.h"

enum { SETTLED_MIN = 4096 };

/* ---- reading ---- */

static bool set_state(void *context, const struct store_mailbox *m)
{
    struct mail_box *box = context;

    box->account = m->account;
    box->uid_validity = m->uid_validity;
    box->uid_next = m->uid_next;
    box->modseq = m->modseq;
    return true;
}

static bool has_room(struct mail_box *box)
{
    uint32_t cap = box->cap ? 2 * box->cap : 64;
    struct mail_message *more;

    if (box->count < box->cap)
        return true;
    more = realloc(box->messages, cap * sizeof(*more));
    if (!more)
        return false;
    box->messages = more;
    box->cap = cap;
    return true;
}

struct reading {
    struct mail_box *box;
    uint32_t most; /* messages that are read; 0: all */
    bool failed;
};

static bool add(void *context, const struct store_entry *e)
{
    struct reading *r = context;
    struct mail_box *box = r->box;
    uint32_t words = mail_box_words(box, e->keywords);

    if (words == UINT32_MAX || !has_room(box)) {
        r->failed = true;
        return false;
    }
    box->messages[box->count++] = (struct mail_message){.modseq = e->modseq,
                                                        .size = e->size,
                                                        .internal_ms = e->internal_ms,
                                                        .saved_ms = e->saved_ms,
                                                        .uid = e->uid,
                                                        .flags = e->flags,
                                                        .keywords = words};
    box->present++;
    box->octets += e->size;
    mail_counts_add(&box->counts, e->flags, e->size);
    if (e->uid >= box->uid_next)
        box->uid_next = e->uid + 1;
    if (e->modseq > box->modseq)
        box->modseq = e->modseq;
    return r->most == 0 || --r->most > 0;
}

static void lose(struct mail_box *box, uint32_t slot, uint64_t modseq)
{
    struct mail_message *m = &box->messages[slot];

    m->gone = ++box->losses;
    m->modseq = modseq;
    box->present--;
    box->octets -= m->size;
    mail_counts_take(&box->counts, m->flags, m->size);
    if (slot < box->first_gone)
        box->first_gone = slot;
}

static bool remove_one(void *context, const struct store_entry *e)
{
    struct mail_box *box = context;
    uint32_t slot = mail_box_slot(box, e->uid);

    if (slot < box->count && box->messages[slot].uid == e->uid && !box->messages[slot].gone)
        lose(box, slot, e->modseq);
    if (e->modseq > box->modseq)
        box->modseq = e->modseq;
    return true;
}

/* The store has forgotten some of what is gone: whatever is not there any more is. */
static bool is_there(void *context, const struct store_entry *e)
{
    uint32_t *next = context;

    *next = e->uid;
    return false;
}

static enum store_status compare_all(struct store *store, struct mail_box *box)
{
    enum store_status status = STORE_OK;

    for (uint32_t slot = 0; slot < box->count && status == STORE_OK; slot++) {
        uint32_t uid = box->messages[slot].uid, there = 0;

        status = store_entries_from(store, box->id, uid, is_there, &there);
        if (status == STORE_OK && there != uid && !box->messages[slot].gone)
            lose(box, slot, box->read_to + 1); /* or later */
    }
    return status;
}

static uint32_t next_uid(const struct mail_box *box)
{
    return box->count ? box->messages[box->count - 1].uid + 1 : 1;
}

static enum store_status read_on(struct store *store, struct mail_box *box)
{
    struct reading r = {.box = box};
    enum store_status status = store_tombstones(store, box->id, box->read_to + 1, remove_one, box);

    if (status == STORE_TOO_OLD)
        status = compare_all(store, box);
    if (status == STORE_OK)
        status = store_entries_from(store, box->id, next_uid(box), add, &r);
    if (status == STORE_OK && r.failed)
        status = STORE_FAILED;
    return status;
}

enum store_status mail_box_refresh(struct store *store, struct mail_box *box)
{
    enum store_status status = store_mailbox_show(store, box->id, set_state, box);
    /* What is lost while it is read has a higher one, and is read again. */
    uint64_t to = box->modseq;

    box->news = false;
    if (status == STORE_OK)
        status = read_on(store, box);
    if (status == STORE_OK)
        box->read_to = to;
    box->deleted = status == STORE_NONE;
    return status;
}

enum store_status mail_box_open(struct store *store, uint64_t mailbox, struct mail_box **box_out)
{
    struct mail_box *box = calloc(1, sizeof(*box));
    enum store_status status = STORE_FAILED;

    if (box) {
        box->id = mailbox;
        box->opening = true;
        box->first_gone = UINT32_MAX;
        box->words = mail_words_new();
    }
    /* Watched first, so that nothing is missed. */
    if (box && box->words && store_mailbox_watch(store, mailbox, true)) {
        status = store_mailbox_show(store, mailbox, set_state, box);
        box->read_to = box->modseq;
    }
    if (status == STORE_OK)
        *box_out = box;
    else if (box)
        mail_box_close(store, box);
    return status;
}

/* A loss meanwhile has a higher modification sequence than `read_to`, and is found later. */
enum store_status mail_box_read(struct store *store, struct mail_box *box, uint32_t most)
{
    struct reading r = {.box = box, .most = most};
    enum store_status status = store_entries_from(store, box->id, next_uid(box), add, &r);

    if (status == STORE_OK && r.failed)
        status = STORE_FAILED;
    if (status == STORE_OK)
        box->opening = most > 0 && r.most == 0;
    return status;
}

void mail_box_close(struct store *store, struct mail_box *box)
{
    store_mailbox_watch(store, box->id, false);
    mail_digests_forget(box);
    mail_words_free(box->words);
    free(box->messages);
    free(box);
}

uint32_t mail_box_words(struct mail_box *box, struct span keywords)
{
    return mail_words_put(box->words, keywords);
}

struct span mail_box_keywords(const struct mail_box *box, uint32_t words)
{
    return mail_words_get(box->words, words);
}

void mail_box_mark(struct mail_box *box, uint32_t slot, uint32_t flags, uint32_t words,
                   uint64_t modseq)
{
    struct mail_message *m = &box->messages[slot];

    if (!m->gone) {
        mail_counts_take(&box->counts, m->flags, m->size);
        mail_counts_add(&box->counts, flags, m->size);
    }
    m->flags = flags;
    m->keywords = words;
    m->modseq = modseq;
    if (modseq > box->modseq)
        box->modseq = modseq;
    box->changed = box->modseq;
}

static bool take_state(void *context, const struct store_mailbox *m)
{
    *(struct store_mailbox *)context = *m;
    return true;
}

enum store_status mail_box_tally(struct store *store, const struct mail_box *box,
                                 struct mail_tally *tally_out)
{
    struct store_mailbox now;
    enum store_status status = store_mailbox_show(store, box->id, take_state, &now);

    if (status != STORE_OK)
        return status;
    *tally_out = (struct mail_tally){
        .mailbox = box->id, .modseq = now.modseq, .uid_next = now.uid_next, .counts = box->counts};
    /* A loss that was not read yet would show in the number of messages. */
    return now.modseq == box->modseq && now.uid_next == box->uid_next &&
                   now.messages == box->present && now.octets == box->octets
               ? STORE_OK
               : STORE_BUSY;
}

/* ---- views ---- */

void mail_view_open(struct mail_view *view, struct mail_box *box, bool looks)
{
    *view = (struct mail_view){.next = box->views,
                               .box = box,
                               .slots = box->count,
                               .losses = box->losses,
                               .exists = box->present,
                               .modseq = box->modseq,
                               .number = ++box->view_last,
                               .looks = looks};
    if (box->views)
        box->views->prev = view;
    box->views = view;
    mail_view_claim(view);
}

void mail_view_claim(struct mail_view *view)
{
    struct mail_box *box = view->box;

    if (view->looks)
        return;
    for (uint32_t slot = mail_box_slot(box, box->recent_from); slot < box->count; slot++)
        box->messages[slot].recent = view->number;
    if (box->count && box->messages[box->count - 1].uid >= box->recent_from)
        box->recent_from = box->messages[box->count - 1].uid + 1;
}

bool mail_view_recent(const struct mail_view *v, const struct mail_message *m)
{
    return m->recent == v->number || (v->looks && m->uid >= v->box->recent_from);
}

uint32_t mail_view_recents(const struct mail_view *v)
{
    uint32_t count = 0;

    for (uint32_t slot = 0; slot < v->slots; slot++)
        count += mail_view_has(v, slot) && mail_view_recent(v, &v->box->messages[slot]);
    return count;
}

void mail_view_close(struct mail_view *view)
{
    if (view->next)
        view->next->prev = view->prev;
    if (view->prev)
        view->prev->next = view->next;
    else
        view->box->views = view->next;
    view->box = NULL;
}

uint32_t mail_box_slot(const struct mail_box *box, uint32_t uid)
{
    uint32_t low = 0, high = box->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (box->messages[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t mail_view_number(const struct mail_view *v, uint32_t slot)
{
    uint32_t number = slot + 1;

    for (uint32_t i = v->box->first_gone; i < slot; i++)
        number -= !mail_view_has(v, i);
    return number;
}

uint32_t mail_view_slot(const struct mail_view *v, uint32_t number)
{
    uint32_t slot = v->box->first_gone < number ? v->box->first_gone : number - 1;

    for (uint32_t seen = slot; slot < v->slots; slot++) {
        seen += mail_view_has(v, slot);
        if (seen == number)
            break;
    }
    return slot;
}

uint32_t mail_view_largest(const struct mail_view *v)
{
    for (uint32_t slot = v->slots; slot-- > 0;)
        if (mail_view_has(v, slot))
            return v->box->messages[slot].uid;
    return 0;
}

/* How many of the first slots are told to be gone, by all. */
void mail_box_settle(struct mail_box *box)
{
    uint32_t told = box->losses, kept = 0;

    for (const struct mail_view *v = box->views; v; v = v->next) {
        if (v->walked)
            return;
        if (v->losses < told)
            told = v->losses;
    }
    /* Not for one at a time in a large one: moving them costs as much as all messages. */
    if (box->present == box->count ||
        (box->count > SETTLED_MIN && (box->count - box->present) < box->count / 16))
        return;
    for (struct mail_view *v = box->views; v; v = v->next) {
        uint32_t slots = 0;

        for (uint32_t i = 0; i < v->slots; i++)
            slots += !(box->messages[i].gone && box->messages[i].gone <= told);
        v->slots = slots;
    }
    box->first_gone = UINT32_MAX;
    for (uint32_t i = 0; i < box->count; i++) {
        if (box->messages[i].gone && box->messages[i].gone <= told) {
            mail_digest_forget(box, &box->messages[i]);
            continue;
        }
        if (box->messages[i].gone && kept < box->first_gone)
            box->first_gone = kept;
        box->messages[kept++] = box->messages[i];
    }
    box->count = kept;
}
