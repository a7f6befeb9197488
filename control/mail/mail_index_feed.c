/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/statvfs.h>

#include "control/base/clock.h"
#include "control/mail/mail_index_part.h"
#include "proto/base/tally.h"

/*
 * What a mailbox has and the index has not, and the other way round. Each step looks anew, so a
 * change that comes meanwhile is seen by this step or makes another one.
 */
enum {
    LISTED = 128,               /* messages that are listed at a time */
    LOST = 512,                 /* removals, likewise */
    COMPARED = 1024,            /* UIDs, likewise */
    RETRY_MS = 60000,           /* until what the store could not show is tried again */
    ROOM_MIN = 16 * 1024 * 1024 /* beside the reserve */
};

enum step { STEP_OVER, STEP_MORE, STEP_FAILED };

/* ---- those that wait ---- */

static bool take_mailbox(void *context, const struct store_mailbox *m)
{
    struct store_mailbox *out = context;

    *out = *m;
    out->name = out->keywords = span_of(NULL, 0);
    return true;
}

enum store_status index_feed_show(struct mail_index *index, uint64_t mailbox,
                                  struct store_mailbox *mailbox_out)
{
    return store_mailbox_show(index->options.store, mailbox, take_mailbox, mailbox_out);
}

static void change(_Atomic uint64_t *total, uint64_t before, uint64_t now)
{
    atomic_store(total, atomic_load(total) + now - before);
}

static void set_behind(struct mail_index *index, struct index_pending *p, uint64_t messages,
                       uint64_t indexed)
{
    uint64_t behind = messages > indexed ? messages - indexed : 0;

    change(&index->lag, p->behind, behind);
    p->behind = behind;
}

static void put_shown(struct mail_index *index, const struct store_mailbox *m)
{
    struct index_pending *p;
    struct mail_index_known known = {0};

    for (uint32_t i = 0; i < index->pending_count; i++)
        if (index->pending[i].mailbox == m->id)
            return;
    if (index->pending_count == INDEX_PENDING) {
        index->scan = true;
        return;
    }
    p = &index->pending[index->pending_count++];
    *p = (struct index_pending){.mailbox = m->id, .account = m->account};
    if (index->catalogue)
        mail_index_catalogue_find(index->catalogue, m->id, &known);
    if (p->account == 0)
        p->account = known.account;
    set_behind(index, p, m->messages, known.indexed);
    atomic_store(&index->waiting, index->pending_count);
    atomic_store(&index->caught_up, false);
}

void index_feed_put(struct mail_index *index, uint64_t mailbox, uint64_t account)
{
    struct store_mailbox m = {.id = mailbox, .account = account};

    index_feed_show(index, mailbox, &m);
    if (m.place != MESSAGE_QUARANTINE)
        put_shown(index, &m);
}

struct account_walk {
    struct mail_index *index;
    uint32_t seen;
};

static bool put_one(void *context, const struct store_mailbox *m)
{
    struct account_walk *w = context;

    w->seen++;
    if (m->place != MESSAGE_QUARANTINE)
        put_shown(w->index, m);
    return true;
}

enum store_status index_feed_account(struct mail_index *index, uint64_t account)
{
    struct account_walk w = {.index = index};
    enum store_status status = store_mailboxes(index->options.store, account, put_one, &w);

    return status == STORE_OK && w.seen == 0 ? STORE_NONE : status;
}

/* ---- what has changed unseen ---- */

static bool put_changed(void *context, const struct store_mailbox *m)
{
    struct mail_index *index = context;
    struct mail_index_known k;

    if (m->place == MESSAGE_QUARANTINE)
        return true;
    if (!mail_index_catalogue_find(index->catalogue, m->id, &k) ||
        k.uid_validity != m->uid_validity || k.uid_next != m->uid_next || k.messages != m->messages)
        put_shown(index, m);
    return index->pending_count < INDEX_PENDING && !atomic_load(&index->stop);
}

static void put_gone(struct mail_index *index)
{
    struct mail_index_known known[LISTED];
    uint64_t last = 0;
    uint32_t count;

    while ((count = mail_index_catalogue_walk(index->catalogue, last, known, LISTED)) > 0) {
        for (uint32_t i = 0; i < count && index->pending_count < INDEX_PENDING; i++) {
            struct store_mailbox m = {.id = known[i].mailbox, .account = known[i].account};

            if (index_feed_show(index, m.id, &m) == STORE_NONE)
                put_shown(index, &m);
        }
        last = known[count - 1].mailbox;
        if (index->pending_count == INDEX_PENDING || atomic_load(&index->stop))
            return;
    }
}

void index_feed_scan(struct mail_index *index)
{
    if (!index->catalogue && index_folder_open(index) != MAIL_INDEX_FINE) {
        index->scan_from = clock_monotonic_ms() + RETRY_MS;
        return;
    }
    index->scan = false;
    if (index->scan_failed) {
        index->scan_failed = false;
        index->scan = true;
        index->scan_from = clock_monotonic_ms() + RETRY_MS;
        return;
    }
    if (store_mailboxes(index->options.store, 0, put_changed, index) != STORE_OK) {
        index->scan_failed = true;
        index->scan = true;
    } else {
        put_gone(index);
    }
    /* What was found is looked at once more when it is done; nothing is, at last. */
    index->scan |= index->pending_count > 0;
    if (!index->scan)
        index_folder_sweep(index);
}

/* ---- out of the index ---- */

/* Messages of a mailbox that is gone, or is another one now. */
static enum step empty(struct mail_index_file *file, uint64_t mailbox, uint64_t until_ns)
{
    struct mail_index_entry entries[LISTED];
    uint32_t count;
    bool removed;

    do {
        if (mail_index_file_entries(file, mailbox, 0, entries, LISTED, &count) != MAIL_INDEX_FINE)
            return STEP_FAILED;
        for (uint32_t i = 0; i < count; i++)
            if (mail_index_file_remove(file, mailbox, entries[i].uid, &removed) != MAIL_INDEX_FINE)
                return STEP_FAILED;
        if (clock_monotonic_ns() > until_ns)
            return STEP_MORE;
    } while (count > 0);
    mail_index_file_set(file, mailbox, NULL);
    return STEP_OVER;
}

/* False: the account is gone, or is being erased. */
static bool is_there(struct mail_index *index, uint64_t account)
{
    struct store_quota quota;

    return store_quota(index->options.store, account, &quota) != STORE_NONE;
}

static enum step forget(struct mail_index *index, struct index_pending *p, uint64_t until_ns)
{
    struct mail_index_file *file;
    enum step step = STEP_OVER;

    if (p->account == 0)
        return STEP_OVER;
    if (!is_there(index, p->account)) {
        index_folder_drop(index, p->account);
        return STEP_OVER;
    }
    file = index_folder_file(index, p->account, false);
    if (file) {
        if (mail_index_file_begin(file) == MAIL_INDEX_FINE)
            step = empty(file, p->mailbox, until_ns);
        if (mail_index_file_fault(file) == MAIL_INDEX_FINE)
            mail_index_file_commit(file);
        if (index_folder_settle(index, p->account) != MAIL_INDEX_FINE)
            return STEP_FAILED;
        index_folder_measure(index, p->account);
    }
    if (step == STEP_OVER)
        index_folder_forget(index, p->mailbox);
    return step;
}

struct lost {
    uint32_t count;
    uint32_t uids[LOST];
    uint64_t modseqs[LOST];
};

static bool note_lost(void *context, const struct store_entry *e)
{
    struct lost *l = context;

    l->uids[l->count] = e->uid;
    l->modseqs[l->count++] = e->modseq;
    return l->count < LOST;
}

/* A mailbox under work. */
struct work {
    struct mail_index *index;
    struct index_pending *pending;
    struct mail_index_file *file;
    struct store_mailbox shown;
    struct mail_index_box box;
    uint64_t until_ns;
};

/* Somebody else's turn. */
static bool is_late(const struct mail_index *index, uint64_t until_ns)
{
    return clock_monotonic_ns() > until_ns || atomic_load(&index->hurry) ||
           atomic_load(&index->stop);
}

static enum step remove_one(struct work *w, uint32_t uid)
{
    bool removed;

    if (mail_index_file_remove(w->file, w->shown.id, uid, &removed) != MAIL_INDEX_FINE)
        return STEP_FAILED;
    w->box.messages -= removed && w->box.messages > 0;
    tally_add(&w->index->removed, removed);
    return is_late(w->index, w->until_ns) ? STEP_MORE : STEP_OVER;
}

static void compare_all(struct work *w)
{
    w->pending->compare_uid = 1;
    w->pending->compare_modseq = w->shown.modseq;
}

struct present {
    uint32_t uids[COMPARED];
    uint32_t count, last;
};

static bool note_present(void *context, const struct store_entry *e)
{
    struct present *p = context;

    if (e->uid > p->last)
        return false;
    p->uids[p->count++] = e->uid;
    return p->count < COMPARED;
}

/* Of UIDs that ascend, those that the index has and the mailbox has not. */
static enum step compare(struct work *w)
{
    struct mail_index_entry entries[COMPARED];
    struct present there = {.count = 0};
    uint32_t count;
    enum step step = STEP_OVER;

    if (mail_index_file_entries(w->file, w->shown.id, w->pending->compare_uid, entries, COMPARED,
                                &count) != MAIL_INDEX_FINE)
        return STEP_FAILED;
    if (count == 0) {
        w->pending->compare_uid = 0;
        w->pending->compared = true;
        w->box.modseq = w->pending->compare_modseq;
        return STEP_OVER;
    }
    there.last = entries[count - 1].uid;
    if (store_entries_from(w->index->options.store, w->shown.id, entries[0].uid, note_present,
                           &there) != STORE_OK)
        return STEP_MORE;
    for (uint32_t i = 0, at = 0; i < count && step != STEP_FAILED; i++) {
        while (at < there.count && there.uids[at] < entries[i].uid)
            at++;
        if (at == there.count || there.uids[at] != entries[i].uid)
            step = remove_one(w, entries[i].uid);
    }
    w->pending->compare_uid = there.last + 1;
    return step == STEP_FAILED ? step : STEP_MORE;
}

static enum step remove_lost(struct work *w)
{
    struct lost lost = {.count = 0};
    enum store_status status;
    enum step step = STEP_OVER;

    if (w->pending->compare_uid)
        return compare(w);
    if (w->box.modseq >= w->shown.modseq)
        return STEP_OVER;
    status = store_tombstones(w->index->options.store, w->shown.id, w->box.modseq, note_lost,
                              &lost);
    if (status == STORE_TOO_OLD) {
        compare_all(w);
        return STEP_MORE;
    }
    if (status != STORE_OK)
        return STEP_OVER;
    for (uint32_t i = 0; i < lost.count && step == STEP_OVER; i++) {
        step = remove_one(w, lost.uids[i]);
        w->box.modseq = lost.modseqs[i];
    }
    if (step == STEP_OVER && lost.count < LOST)
        w->box.modseq = w->shown.modseq;
    return step == STEP_OVER && lost.count == LOST ? STEP_MORE : step;
}

/* ---- into the index ---- */

struct listed {
    uint32_t count;
    uint32_t uids[LISTED];
    uint8_t emails[LISTED][MAIL_INDEX_EMAIL];
};

static bool note_listed(void *context, const struct store_entry *e)
{
    struct listed *l = context;
    struct writer w = writer_of(l->emails[l->count], MAIL_INDEX_EMAIL);

    writer_span_put(&w, span_of(e->email_base.bytes, sizeof(e->email_base.bytes)));
    writer_uint(&w, e->email_delivery, 2);
    l->uids[l->count++] = e->uid;
    return l->count < LISTED;
}

/* Reads the message; false: it has gone meanwhile. */
static bool add_document(struct work *w, uint32_t uid, const uint8_t *email)
{
    struct mail_index *index = w->index;
    const struct store_reading *reading;
    enum store_status status =
        store_reading_open(index->options.store, w->shown.id, uid, &reading);

    if (status == STORE_NONE)
        return false;
    if (status == STORE_OK) {
        status = mail_index_text_read(&index->text, index->options.store, reading,
                                      index->options.text_max);
        store_reading_close(index->options.store, reading);
    }
    if (status == STORE_OK) {
        mail_index_file_add(w->file, w->shown.id, uid, email, &index->text);
    } else {
        tally_add(&index->faults[MAIL_INDEX_UNREAD], 1);
        mail_index_file_add_unread(w->file, w->shown.id, uid);
    }
    return true;
}

static enum step add_new(struct work *w)
{
    struct listed l;

    do {
        l.count = 0;
        if (store_entries_from(w->index->options.store, w->shown.id, w->box.uid_next, note_listed,
                               &l) != STORE_OK)
            return STEP_FAILED;
        for (uint32_t i = 0; i < l.count; i++) {
            bool there = false;

            mail_index_file_link(w->file, w->shown.id, l.uids[i], l.emails[i], &there);
            if (!there)
                there = add_document(w, l.uids[i], l.emails[i]);
            if (mail_index_file_fault(w->file) != MAIL_INDEX_FINE)
                return STEP_FAILED;
            w->box.uid_next = l.uids[i] + 1;
            w->box.messages += there;
            tally_add(&w->index->added, there);
            if (is_late(w->index, w->until_ns))
                return STEP_MORE;
        }
    } while (l.count == LISTED);
    if (w->box.uid_next < w->shown.uid_next)
        w->box.uid_next = w->shown.uid_next;
    return STEP_OVER;
}

/* ---- a mailbox ---- */

static enum step begin(struct work *w)
{
    if (mail_index_file_begin(w->file) != MAIL_INDEX_FINE ||
        mail_index_file_box(w->file, w->shown.id, &w->box) != MAIL_INDEX_FINE)
        return STEP_FAILED;
    if (w->box.uid_validity && w->box.uid_validity != w->shown.uid_validity) {
        enum step step = empty(w->file, w->shown.id, w->until_ns);

        if (step != STEP_OVER)
            return step;
        w->box.uid_validity = 0;
    }
    if (w->box.uid_validity == 0)
        w->box = (struct mail_index_box){.uid_validity = w->shown.uid_validity,
                                         .uid_next = 1,
                                         .modseq = w->shown.modseq};
    return STEP_OVER;
}

static enum step bring_up(struct work *w)
{
    enum step step = remove_lost(w);

    if (step == STEP_OVER)
        step = add_new(w);
    /* A loss of power may have taken a removal from the index that the store has. */
    if (step == STEP_OVER && !w->pending->compared && w->box.messages > w->shown.messages) {
        compare_all(w);
        step = STEP_MORE;
    }
    return step;
}

static void note(struct work *w, bool over)
{
    struct mail_index_known known = {.mailbox = w->shown.id,
                                     .account = w->shown.account,
                                     .uid_validity = w->shown.uid_validity,
                                     .uid_next = over ? w->shown.uid_next : 0,
                                     .messages = w->shown.messages,
                                     .indexed = w->box.messages};

    index_folder_note(w->index, &known);
    index_folder_measure(w->index, w->shown.account);
    set_behind(w->index, w->pending, w->shown.messages, w->box.messages);
}

static enum step work_on(struct mail_index *index, struct index_pending *p, uint64_t until_ns)
{
    struct work w = {.index = index, .pending = p, .until_ns = until_ns};
    enum store_status status = index_feed_show(index, p->mailbox, &w.shown);
    enum step step;

    if (status == STORE_NONE)
        return forget(index, p, until_ns);
    if (status != STORE_OK) {
        tally_add(&index->faults[MAIL_INDEX_UNREAD], 1);
        index->scan = index->scan_failed = true;
        return STEP_OVER;
    }
    if (w.shown.place == MESSAGE_QUARANTINE)
        return STEP_OVER;
    if (!is_there(index, w.shown.account)) {
        index_folder_drop(index, w.shown.account);
        return STEP_OVER;
    }
    /* Most accounts have mailboxes that are empty; only those with mail have a file. */
    if (w.shown.messages == 0 && !index_folder_has(index, w.shown.account)) {
        note(&w, true);
        return STEP_OVER;
    }
    w.file = index_folder_file(index, w.shown.account, true);
    if (!w.file)
        return STEP_FAILED;
    step = begin(&w);
    if (step == STEP_OVER) {
        step = bring_up(&w);
        if (step != STEP_FAILED)
            mail_index_file_set(w.file, w.shown.id, &w.box);
    }
    if (mail_index_file_fault(w.file) == MAIL_INDEX_FINE)
        mail_index_file_commit(w.file);
    if (index_folder_settle(index, w.shown.account) != MAIL_INDEX_FINE)
        return STEP_FAILED;
    if (step == STEP_FAILED) {
        /* The store could not list it. */
        tally_add(&index->faults[MAIL_INDEX_UNREAD], 1);
        index->scan = index->scan_failed = true;
        return STEP_OVER;
    }
    index->pause_ms = 0;
    note(&w, step == STEP_OVER);
    return step;
}

static bool has_room(struct mail_index *index)
{
    struct statvfs st;

    if (statvfs(index->path, &st) != 0 ||
        (uint64_t)st.f_bavail * st.f_frsize >= index->options.reserve + ROOM_MIN)
        return true;
    index_folder_failed(index, MAIL_INDEX_DISK_FULL, "");
    return false;
}

void index_feed_step(struct mail_index *index, uint64_t until_ns)
{
    struct index_pending p;
    enum step step;

    if (!has_room(index))
        return;
    if (index->pending_at >= index->pending_count)
        index->pending_at = 0;
    p = index->pending[index->pending_at];
    /* Work on it may make others pending, or drop all of them. */
    step = work_on(index, &p, until_ns);
    for (uint32_t i = 0; i < index->pending_count; i++) {
        if (index->pending[i].mailbox != p.mailbox)
            continue;
        if (step == STEP_OVER) {
            set_behind(index, &p, 0, 0);
            index->pending[i] = index->pending[--index->pending_count];
        } else {
            index->pending[i] = p;
            index->pending_at = i + 1;
        }
        break;
    }
    atomic_store(&index->waiting, index->pending_count);
}
