/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"

#include <stdlib.h>

#include "control/base/clock.h"

/* What IMAP does to messages; all of it under `changing`. */

enum store_status memory_change_enter(struct memory *m, uint64_t mailbox,
                                      struct memory_mailbox **box_out)
{
    struct memory_mailbox *box = memory_names_mailbox(m, mailbox);

    *box_out = box;
    if (!box || box->account->erasure)
        return STORE_NONE;
    return box->place == MESSAGE_QUARANTINE ? STORE_FAILED : memory_mailbox_take(m, box);
}

static bool ascend(const uint32_t *uids, uint32_t count)
{
    if (count > STORE_UIDS)
        return false;
    for (uint32_t i = 1; i < count; i++)
        if (uids[i] <= uids[i - 1])
            return false;
    return true;
}

/* ---- flags ---- */

struct span memory_entry_keywords(const struct memory *m, const struct memory_entry *e)
{
    const uint8_t *at =
        e->marks ? memory_arena_at(&m->arena, e->marks) : e->bytes + e->prefix + e->verdict;

    return span_of(at, e->keywords);
}

void memory_entry_free(struct memory *m, struct memory_entry *e)
{
    if (e->marks)
        memory_arena_give(&m->arena, memory_arena_at(&m->arena, e->marks));
    memory_arena_give(&m->arena, e);
}

static enum store_status check_marks(const struct store_mark *mark, struct memory_mailbox *box)
{
    size_t len = box->keywords.len;
    uint32_t count = box->keywords.count;
    enum store_status status = mark->count > STORE_UIDS ? STORE_FAILED : STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < mark->count; i++) {
        if (i > 0 && mark->rows[i].uid <= mark->rows[i - 1].uid)
            status = STORE_FAILED;
        else
            status = store_keywords_add(&box->keywords, mark->rows[i].keywords);
    }
    if (status != STORE_OK) {
        box->keywords.len = len;
        box->keywords.count = count;
    }
    return status;
}

/* A piece for the keywords of each message that gets some; *refs_out ends with free(). */
static enum store_status make_marks(struct memory *m, const struct store_mark *mark,
                                    const struct memory_mailbox *box, uint32_t **refs_out)
{
    uint32_t *refs = calloc(mark->count + 1, sizeof(*refs));

    *refs_out = refs;
    for (uint32_t i = 0; refs && i < mark->count; i++) {
        struct span keywords = mark->rows[i].keywords;
        void *piece;

        if (keywords.len == 0 || !memory_mailbox_find(m, box, mark->rows[i].uid))
            continue;
        piece = memory_arena_take(&m->arena, &m->own.lane, keywords.len);
        if (!piece) {
            while (i-- > 0)
                if (refs[i])
                    memory_arena_give(&m->arena, memory_arena_at(&m->arena, refs[i]));
            return STORE_DISK_FULL;
        }
        memcpy(piece, keywords.data, keywords.len);
        refs[i] = memory_arena_ref(&m->arena, piece);
    }
    return refs ? STORE_OK : STORE_FAILED;
}

static void put_mark(struct memory *m, struct memory_entry *e, const struct store_mark_row *row,
                     uint32_t ref)
{
    if (e->marks)
        memory_arena_give(&m->arena, memory_arena_at(&m->arena, e->marks));
    e->marks = ref;
    e->keywords = (uint32_t)row->keywords.len;
    e->flags = row->flags;
}

enum store_status memory_change_mark(struct memory *m, struct store_mark *mark)
{
    struct memory_mailbox *box;
    uint32_t *refs = NULL;
    uint64_t modseq;
    enum store_status status = memory_change_enter(m, mark->mailbox, &box);

    if (status == STORE_OK)
        status = check_marks(mark, box);
    if (status == STORE_OK)
        status = make_marks(m, mark, box, &refs);
    if (status != STORE_OK) {
        free(refs);
        return status;
    }
    modseq = box->modseq + 1;
    for (uint32_t i = 0; i < mark->count; i++) {
        struct memory_entry *e = memory_mailbox_find(m, box, mark->rows[i].uid);

        mark->rows[i].gone_out = e == NULL;
        if (!e)
            continue;
        put_mark(m, e, &mark->rows[i], refs[i]);
        e->modseq = box->modseq = modseq;
    }
    mark->modseq_out = box->modseq;
    free(refs);
    return STORE_OK;
}

/* ---- expunge ---- */

enum store_status memory_change_expunge(struct memory *m, struct store_expunge *expunge)
{
    struct memory_mailbox *box;
    enum store_status status = memory_change_enter(m, expunge->mailbox, &box);

    expunge->gone_out = 0;
    if (status == STORE_OK && !ascend(expunge->uids, expunge->count))
        status = STORE_FAILED;
    if (status != STORE_OK)
        return status;
    for (uint32_t i = 0; i < expunge->count; i++) {
        struct memory_entry *e = memory_mailbox_find(m, box, expunge->uids[i]);

        if (!e)
            continue;
        memory_mailbox_delete(m, e, true);
        expunge->gone_out++;
    }
    expunge->modseq_out = box->modseq;
    if (expunge->gone_out == 0)
        return STORE_OK;
    memory_full_freed(m, box->account);
    store_watched_tell(&m->store, box->id);
    return STORE_OK;
}

/* ---- copy and move ---- */

struct copying {
    struct memory *m;
    struct store_copy *copy;
    struct memory_mailbox *from, *to;
    struct memory_entry **made; /* of each UID; NULL: it was not there */
    uint64_t octets;
};

static struct memory_entry *make_copy(struct copying *c, const struct memory_entry *e)
{
    struct span keywords = memory_entry_keywords(c->m, e);
    struct memory_entry *copy =
        memory_arena_take(&c->m->arena, &c->m->own.lane, sizeof(*copy) + e->prefix + keywords.len);

    if (!copy)
        return NULL;
    *copy = (struct memory_entry){.body = e->body,
                                  .mailbox = c->to,
                                  .saved_ms = clock_wall_ms(),
                                  .prefix = e->prefix,
                                  .keywords = e->keywords,
                                  .flags = e->flags,
                                  .delivery = e->delivery,
                                  .form = e->form};
    memcpy(copy->bytes, e->bytes, e->prefix);
    if (keywords.len)
        memcpy(copy->bytes + e->prefix, keywords.data, keywords.len);
    return copy;
}

static enum store_status make_copies(struct copying *c)
{
    c->made = calloc(c->copy->count + 1, sizeof(struct memory_entry *));
    if (!c->made)
        return STORE_FAILED;
    for (uint32_t i = 0; i < c->copy->count; i++) {
        const struct memory_entry *e = memory_mailbox_find(c->m, c->from, c->copy->uids[i]);
        enum store_status status;

        if (!e)
            continue;
        status = store_keywords_add(&c->to->keywords, memory_entry_keywords(c->m, e));
        if (status == STORE_OK && !(c->made[i] = make_copy(c, e)))
            status = STORE_DISK_FULL;
        if (status != STORE_OK)
            return status;
        c->octets += memory_mailbox_size(e);
    }
    return STORE_OK;
}

static void unmake_copies(struct copying *c)
{
    for (uint32_t i = 0; c->made && i < c->copy->count; i++)
        if (c->made[i])
            memory_arena_give(&c->m->arena, c->made[i]);
}

static void push_copies(struct copying *c)
{
    for (uint32_t i = 0; i < c->copy->count; i++) {
        struct memory_entry *copy = c->made[i];

        c->copy->uids_out[i] = 0;
        if (!copy)
            continue;
        copy->sibling = copy->body->entries;
        copy->body->entries = copy;
        c->copy->uids_out[i] = memory_mailbox_push(c->m, copy);
        if (c->copy->move)
            memory_mailbox_delete(c->m, memory_mailbox_find(c->m, c->from, c->copy->uids[i]), true);
    }
}

static enum store_status copy_all(struct copying *c)
{
    struct memory_mailbox *counter = memory_mailbox_counter(c->to);
    uint64_t quota = c->copy->move ? 0 : atomic_load(&c->to->account->quota);
    size_t len = c->to->keywords.len;
    uint32_t count = c->to->keywords.count;
    enum store_status status =
        memory_mailbox_open(c->to, c->copy->count) ? make_copies(c) : STORE_FAILED;

    if (status == STORE_OK && !memory_mailbox_reserve(counter, c->octets, quota))
        status = STORE_FULL;
    if (status != STORE_OK) {
        unmake_copies(c);
        c->to->keywords.len = len;
        c->to->keywords.count = count;
        return status;
    }
    push_copies(c);
    return memory_mailbox_take(c->m, c->to);
}

enum store_status memory_change_copy(struct memory *m, struct store_copy *copy)
{
    struct copying c = {.m = m, .copy = copy};
    enum store_status status = memory_change_enter(m, copy->from, &c.from);

    if (status == STORE_OK)
        status = memory_change_enter(m, copy->to, &c.to);
    if (status == STORE_OK &&
        (c.from->account != c.to->account || !ascend(copy->uids, copy->count)))
        status = STORE_FAILED;
    if (status == STORE_OK)
        status = copy_all(&c);
    free(c.made);
    if (status != STORE_OK)
        return status;
    copy->modseq_out = c.to->modseq;
    copy->from_modseq_out = c.from->modseq;
    if (c.octets == 0)
        return STORE_OK;
    store_watched_tell(&m->store, copy->to);
    if (copy->move && copy->from != copy->to)
        store_watched_tell(&m->store, copy->from);
    return STORE_OK;
}
