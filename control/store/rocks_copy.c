/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

/* ---- copy and move ---- */

struct copying {
    struct store_copy *copy;
    struct rocks_box from, to;
};

/* What all that is there needs in its new place. */
static enum store_status check_copy(struct rocks_batch *b, struct copying *c)
{
    const struct store_row_account *account = &c->to.account->row;
    uint64_t octets = 0;
    uint32_t there = 0;
    enum store_status status = STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < c->copy->count; i++) {
        struct rocks_entry e;

        status = rocks_entry_read(b, c->from.id, c->copy->uids[i], &e);
        if (status == STORE_OK && c->from.id != c->to.id) {
            status = rocks_entry_read_flags(b, &e);
            if (status == STORE_OK)
                status = rocks_keywords_add(b, c->to.id, e.entry.keywords);
        }
        if (status == STORE_OK) {
            octets += e.entry.size;
            there++;
        }
        rocks_entry_free(&e);
        if (status == STORE_NONE)
            status = STORE_OK;
    }
    if (status == STORE_OK && there >= UINT32_MAX - c->to.state->uid_next)
        return STORE_FAILED;
    if (status == STORE_OK && !c->copy->move && account->quota_octets &&
        c->to.account->usage.octets + octets > account->quota_octets)
        return STORE_FULL;
    return status;
}

static enum store_status put_copy(struct rocks_batch *b, struct copying *c, struct rocks_entry *e)
{
    struct store_entry copy = e->entry;
    struct rocks_gone gone = {
        .message = e->entry.message, .mailbox = c->from.id, .uid = e->entry.uid, .moved = true};

    copy.mailbox = c->to.id;
    copy.uid = c->to.state->uid_next++;
    copy.modseq = ++c->to.state->modseq;
    copy.saved_ms = b->now_ms;
    copy.uidl = span_of(NULL, 0);
    if (!rocks_entry_put(b, &copy, e->prefix_row.bytes))
        return STORE_FAILED;
    rocks_batch_count(&c->to, copy.size);
    /* So that the body stays, whatever else this batch does to it. */
    if (!c->copy->move)
        gone.mailbox = 0;
    if (!rocks_delete_note(b, gone))
        return STORE_FAILED;
    if (c->copy->move)
        rocks_delete_entry(b, &c->from, &gone, copy.size);
    return STORE_OK;
}

static enum store_status copy_one(struct rocks_batch *b, struct copying *c, uint32_t i)
{
    struct rocks_entry e;
    uint32_t uid = c->to.state->uid_next;
    enum store_status status = rocks_entry_read(b, c->from.id, c->copy->uids[i], &e);

    if (status == STORE_OK)
        status = rocks_entry_read_flags(b, &e);
    if (status == STORE_OK)
        status = rocks_entry_read_prefix(b, &e);
    if (status == STORE_OK)
        status = put_copy(b, c, &e);
    c->copy->uids_out[i] = status == STORE_OK ? uid : 0;
    rocks_entry_free(&e);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status rocks_copy(struct rocks_batch *b, struct store_copy *copy)
{
    struct copying c = {.copy = copy};
    struct rocks_point point;
    enum store_status status = rocks_batch_folder(b, copy->from, &c.from);

    if (status == STORE_OK)
        status = rocks_batch_folder(b, copy->to, &c.to);
    if (status == STORE_OK &&
        (c.from.account != c.to.account || !rocks_uids_ascend(copy->uids, copy->count)))
        status = STORE_FAILED;
    if (status == STORE_OK && !rocks_room(b->r, 0))
        status = STORE_DISK_FULL;
    if (status == STORE_OK)
        status = check_copy(b, &c);
    if (status != STORE_OK)
        return status;
    point = rocks_batch_point(b, &c.from, &c.to);
    for (uint32_t i = 0; status == STORE_OK && i < copy->count; i++)
        status = copy_one(b, &c, i);
    b->durable = true;
    copy->modseq_out = c.to.state->modseq;
    copy->from_modseq_out = c.from.state->modseq;
    return rocks_batch_settle(b, &point, status);
}

/* ---- append ---- */

static enum store_status check_append(struct rocks_batch *b, const struct store_append *append,
                                      const struct rocks_box *box)
{
    uint64_t quota = box->account->row.quota_octets, octets = 0;
    enum store_status status = append->count > STORE_APPENDS ? STORE_FAILED : STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < append->count; i++) {
        const struct store_append_row *row = &append->rows[i];

        if (row->message->deliveries != 0)
            return STORE_FAILED;
        for (uint32_t k = 0; k < i; k++)
            if (memcmp(&row->message->id, &append->rows[k].message->id, sizeof(struct id128)) == 0)
                return STORE_FAILED;
        octets += row->message->size;
        status = rocks_commit_check(b, row->message);
        if (status == STORE_OK)
            status = rocks_keywords_add(b, append->mailbox, row->keywords);
    }
    if (status == STORE_OK && append->count >= UINT32_MAX - box->state->uid_next)
        return STORE_FAILED;
    if (status == STORE_OK && quota && box->account->usage.octets + octets > quota)
        return STORE_FULL;
    return status;
}

static enum store_status append_one(struct rocks_batch *b, const struct rocks_box *box,
                                    struct store_append_row *row)
{
    const struct message *m = row->message;
    uint8_t head[STORE_ROW_HEAD];
    struct writer prefix = writer_of(head, sizeof(head));
    struct store_entry entry = {
        .mailbox = box->id,
        .uid = box->state->uid_next,
        .message = m->id,
        .thread = m->id,
        .email_base = m->id,
        .incarnation = b->r->incarnation,
        .size = m->size,
        .internal_ms = m->received_ms,
        .saved_ms = b->now_ms,
        .modseq = box->state->modseq + 1,
        .flags = row->flags,
        .keywords = row->keywords,
        .form = store_row_form(m),
    };

    store_row_put_head(&prefix);
    if (rocks_commit_put(b, m) != STORE_OK || !rocks_entry_put(b, &entry, writer_span(&prefix)))
        return STORE_FAILED;
    row->uid_out = box->state->uid_next++;
    box->state->modseq++;
    rocks_batch_count(box, m->size);
    return STORE_OK;
}

enum store_status rocks_append(struct rocks_batch *b, struct store_append *append)
{
    struct rocks_box box;
    struct rocks_point point;
    enum store_status status = rocks_batch_folder(b, append->mailbox, &box);

    if (status == STORE_OK)
        status = check_append(b, append, &box);
    if (status != STORE_OK)
        return status;
    point = rocks_batch_point(b, &box, &box);
    for (uint32_t i = 0; status == STORE_OK && i < append->count; i++)
        status = append_one(b, &box, &append->rows[i]);
    append->modseq_out = box.state->modseq;
    return rocks_batch_settle(b, &point, status);
}
