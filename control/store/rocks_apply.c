/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/rocks_batch.h"

enum store_status rocks_apply_write(struct store *store, const struct id128 *message, uint32_t row,
                                    struct span bytes)
{
    struct rocks *r = (struct rocks *)store;
    uint8_t head[STORE_ROW_HEAD];
    struct writer head_writer = writer_of(head, sizeof(head));
    struct store_key key, pending;
    rocksdb_writebatch_t *batch;
    uint64_t there = 0;
    enum store_status status;

    if (bytes.len != CHUNK_LARGE_DATA)
        return STORE_FAILED;
    pthread_mutex_lock(&r->changing);
    status = rocks_heal(r);
    if (status != STORE_OK || !rocks_db_use(r)) {
        pthread_mutex_unlock(&r->changing);
        return status == STORE_OK ? STORE_FAILED : status;
    }
    pending = store_key_pending(r->incarnation, message);
    status = rocks_value_number(r, ROCKS_INDEX, rocks_key(&pending), &there);
    if (status == STORE_NONE)
        status = STORE_OK;
    if (status == STORE_OK && there != row)
        status = STORE_FAILED;
    if (status == STORE_OK && !rocks_room(r, bytes.len))
        status = STORE_DISK_FULL;
    if (status == STORE_OK) {
        const char *pieces[2] = {(const char *)head, (const char *)bytes.data};
        const size_t lens[2] = {sizeof(head), bytes.len};
        const char *key_piece = (const char *)key.bytes;

        store_row_put_head(&head_writer);
        key = store_key_row(r->incarnation, message, row);
        batch = rocksdb_writebatch_create();
        rocksdb_writebatch_putv_cf(batch, r->family[ROCKS_BODY], 1, &key_piece, &key.len, 2, pieces,
                                   lens);
        rocks_value_put_number(r, batch, ROCKS_INDEX, rocks_key(&pending), (uint64_t)row + 1);
        status = rocks_db_write(r, batch);
        rocksdb_writebatch_destroy(batch);
        r->sick = status != STORE_OK;
        r->ill = status;
    }
    rocks_db_release(r);
    pthread_mutex_unlock(&r->changing);
    return status;
}

static void apply_each(struct rocks_batch *b, struct store_change *changes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct store_change *c = &changes[i];

        switch ((enum store_change_kind)c->kind) {
        case STORE_COMMIT:
            c->status_out = rocks_commit(b, c->message);
            break;
        case STORE_DELETE:
            c->status_out = rocks_delete_marked(b, rocks_view_of(c->view), c->marked);
            break;
        case STORE_DISCARD:
            rocks_delete_pending(b, &c->discarded);
            c->status_out = STORE_OK;
            break;
        case STORE_RELEASE:
            c->status_out = rocks_quarantine_release(b, c->quarantine);
            break;
        case STORE_DROP:
            c->status_out = rocks_quarantine_drop(b, c->quarantine);
            break;
        case STORE_IMPORT:
            c->status_out = rocks_import(b, c->import);
            break;
        case STORE_MARK:
            c->status_out = rocks_mark(b, c->mark);
            break;
        case STORE_EXPUNGE:
            c->status_out = rocks_expunge(b, c->expunge);
            break;
        case STORE_COPY:
            c->status_out = rocks_copy(b, c->copy);
            break;
        case STORE_APPEND:
            c->status_out = rocks_append(b, c->append);
            break;
        }
    }
    rocks_delete_bodies(b);
}

static void answer_all(struct store_change *changes, uint32_t count, enum store_status status)
{
    for (uint32_t i = 0; i < count; i++)
        changes[i].status_out = status;
}

/* Those that were possible get the fate of the batch. */
static void answer_good(struct store_change *changes, uint32_t count, enum store_status status)
{
    for (uint32_t i = 0; i < count; i++)
        if (changes[i].status_out == STORE_OK)
            changes[i].status_out = status;
}

/* Takes the locks and makes an empty batch for so many messages; what answers STORE_OK is ended by
 * finish(). */
static enum store_status begin(struct rocks *r, struct rocks_batch *batch, uint32_t messages)
{
    enum store_status status;

    pthread_mutex_lock(&r->changing);
    status = rocks_heal(r);
    if (status == STORE_OK && !rocks_db_use(r))
        status = STORE_FAILED;
    if (status == STORE_OK && !rocks_batch_init(batch, r, messages)) {
        rocks_db_release(r);
        status = STORE_FAILED;
    }
    if (status != STORE_OK)
        pthread_mutex_unlock(&r->changing);
    return status;
}

/* Writes the batch unless `status` says that nothing came of it. */
static enum store_status finish(struct rocks *r, struct rocks_batch *batch,
                                enum store_status status)
{
    bool write = status == STORE_OK;

    if (write)
        status = rocks_batch_write(batch);
    rocks_db_release(r);
    if (write && status != STORE_OK && batch->durable) {
        status = rocks_heal_batch(r, status, batch->messages, batch->message_count);
    } else if (write && status != STORE_OK) {
        r->sick = true;
        r->ill = status;
    }
    if (status == STORE_OK) {
        rocks_full_tell(batch);
        rocks_batch_tell(batch);
    }
    rocks_batch_fini(batch);
    pthread_mutex_unlock(&r->changing);
    return status;
}

/* How many messages they may bring. */
static uint32_t count_messages(const struct store_change *changes, uint32_t count)
{
    uint32_t messages = count;

    for (uint32_t i = 0; i < count; i++)
        if (changes[i].kind == STORE_APPEND && changes[i].append->count <= STORE_APPENDS)
            messages += changes[i].append->count;
    return messages;
}

void rocks_apply(struct store *store, struct store_change *changes, uint32_t count)
{
    struct rocks *r = (struct rocks *)store;
    struct rocks_batch batch;
    enum store_status status;

    if (count == 0)
        return;
    status = begin(r, &batch, count_messages(changes, count));
    if (status != STORE_OK) {
        answer_all(changes, count, status);
        return;
    }
    apply_each(&batch, changes, count);
    answer_good(changes, count, finish(r, &batch, STORE_OK));
}

enum store_status rocks_apply_one(struct rocks *r, rocks_change *change, void *context)
{
    struct rocks_batch batch;
    enum store_status status = begin(r, &batch, 0);

    if (status != STORE_OK)
        return status;
    status = change(&batch, context);
    if (status == STORE_OK)
        rocks_delete_bodies(&batch);
    return finish(r, &batch, status);
}
