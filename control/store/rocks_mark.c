/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

bool rocks_uids_ascend(const uint32_t *uids, uint32_t count)
{
    if (count > STORE_UIDS)
        return false;
    for (uint32_t i = 1; i < count; i++)
        if (uids[i] <= uids[i - 1])
            return false;
    return true;
}

enum store_status rocks_batch_folder(struct rocks_batch *b, uint64_t mailbox,
                                     struct rocks_box *box_out)
{
    enum store_status status = rocks_batch_box(b, mailbox, box_out);

    return status == STORE_OK && box_out->place == MESSAGE_QUARANTINE ? STORE_FAILED : status;
}

/* ---- flags ---- */

static enum store_status check_marks(struct rocks_batch *b, const struct store_mark *mark)
{
    enum store_status status = mark->count > STORE_UIDS ? STORE_FAILED : STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < mark->count; i++) {
        if (i > 0 && mark->rows[i].uid <= mark->rows[i - 1].uid)
            return STORE_FAILED;
        status = rocks_keywords_add(b, mark->mailbox, mark->rows[i].keywords);
    }
    return status;
}

/* A row of flags stands beside each entry, so that one alone is looked up. */
static enum store_status put_mark(struct rocks_batch *b, uint64_t mailbox,
                                  struct store_mark_row *row, uint64_t modseq)
{
    struct store_key key = store_key_flags(mailbox, row->uid);
    struct store_entry entry = {.mailbox = mailbox,
                                .uid = row->uid,
                                .modseq = modseq,
                                .flags = row->flags,
                                .keywords = row->keywords};
    struct rocks_value value;
    enum store_status status;

    row->gone_out = rocks_delete_noted(b, mailbox, row->uid);
    if (row->gone_out)
        return STORE_OK;
    status = rocks_value_get(b->r, b->r->read, ROCKS_FLAGS, rocks_key(&key), &value);
    rocks_value_free(&value);
    row->gone_out = status == STORE_NONE;
    if (status == STORE_OK && !rocks_entry_put_flags(b, &entry))
        return STORE_FAILED;
    return status == STORE_NONE ? STORE_OK : status;
}

static enum store_status put_marks(struct rocks_batch *b, struct store_mark *mark,
                                   const struct rocks_box *box)
{
    uint64_t modseq = box->state->modseq + 1;
    enum store_status status = STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < mark->count; i++) {
        status = put_mark(b, mark->mailbox, &mark->rows[i], modseq);
        if (status == STORE_OK && !mark->rows[i].gone_out) {
            box->state->modseq = modseq;
            *box->changed = true;
        }
    }
    mark->modseq_out = box->state->modseq;
    if (status != STORE_OK || box->state->modseq != modseq)
        return status;
    if (mark->sync)
        b->durable = true;
    else
        rocks_lazy_mark(b, modseq);
    return STORE_OK;
}

enum store_status rocks_mark(struct rocks_batch *b, struct store_mark *mark)
{
    struct rocks_box box;
    struct rocks_point point;
    enum store_status status = rocks_batch_folder(b, mark->mailbox, &box);

    if (status == STORE_OK)
        status = check_marks(b, mark);
    if (status != STORE_OK)
        return status;
    point = rocks_batch_point(b, &box, &box);
    return rocks_batch_settle(b, &point, put_marks(b, mark, &box));
}

/* ---- expunge ---- */

static enum store_status expunge_one(struct rocks_batch *b, const struct rocks_box *box,
                                     uint32_t uid, uint32_t *gone)
{
    struct rocks_entry e;
    enum store_status status = rocks_entry_read(b, box->id, uid, &e);

    if (status == STORE_OK) {
        struct rocks_gone reference = {.message = e.entry.message, .mailbox = box->id, .uid = uid};

        if (rocks_delete_note(b, reference)) {
            rocks_delete_entry(b, box, &reference, e.entry.size);
            ++*gone;
        } else {
            status = STORE_FAILED;
        }
    }
    rocks_entry_free(&e);
    return status == STORE_NONE ? STORE_OK : status;
}

enum store_status rocks_expunge(struct rocks_batch *b, struct store_expunge *expunge)
{
    struct rocks_box box;
    struct rocks_point point;
    enum store_status status = rocks_batch_folder(b, expunge->mailbox, &box);

    expunge->gone_out = 0;
    if (status == STORE_OK && !rocks_uids_ascend(expunge->uids, expunge->count))
        status = STORE_FAILED;
    if (status != STORE_OK)
        return status;
    point = rocks_batch_point(b, &box, &box);
    for (uint32_t i = 0; status == STORE_OK && i < expunge->count; i++)
        status = expunge_one(b, &box, expunge->uids[i], &expunge->gone_out);
    expunge->modseq_out = box.state->modseq;
    return rocks_batch_settle(b, &point, status);
}
