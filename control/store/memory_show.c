/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/store/memory.h"
#include "control/store/store_row.h"

#include <stdlib.h>

enum store_status memory_show_message(struct store *store, const struct id128 *message,
                                      store_message_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    struct store_message *shown = calloc(1, sizeof(*shown));
    struct memory_body *body;
    enum store_status status = STORE_NONE;

    if (!shown)
        return STORE_FAILED;
    memory_lock(m);
    body = memory_body_find(m, message);
    if (body && body->entries) {
        shown->id = body->id;
        shown->size = body->size;
        shown->rows = (uint32_t)((body->size + CHUNK_LARGE_DATA - 1) / CHUNK_LARGE_DATA);
        shown->received_ms = body->received_ms;
        shown->tree = span_of(body->bytes + body->envelope, body->tree);
        status = store_row_read_envelope(span_of(body->bytes, body->envelope), shown)
                     ? STORE_OK
                     : STORE_CORRUPT;
        if (status == STORE_OK)
            visit(context, shown);
    }
    memory_unlock(m);
    free(shown);
    return status;
}

/* The entry's body, held, and a copy of its prefix. */
static enum store_status hold(struct memory *m, uint64_t mailbox, uint32_t uid,
                              struct memory_body **body_out, struct writer *prefix_out)
{
    struct memory_mailbox *box = memory_names_mailbox(m, mailbox);
    enum store_status status = box ? memory_mailbox_take(m, box) : STORE_NONE;
    struct memory_entry *e = status == STORE_OK ? memory_mailbox_find(m, box, uid) : NULL;

    if (!e)
        return status == STORE_OK ? STORE_NONE : status;
    *prefix_out = writer_of(malloc(e->prefix + 1u), e->prefix);
    if (!prefix_out->data)
        return STORE_FAILED;
    writer_span_put(prefix_out, span_of(e->bytes, e->prefix));
    *body_out = e->body;
    e->body->held++;
    return STORE_OK;
}

enum store_status memory_show_bytes(struct store *store, uint64_t mailbox, uint32_t uid,
                                    store_bytes_visit *visit, void *context)
{
    struct memory *m = memory_of(store);
    struct memory_body *body;
    struct writer prefix;
    enum store_status status;
    bool more = true;

    memory_lock(m);
    status = hold(m, mailbox, uid, &body, &prefix);
    memory_unlock(m);
    if (status != STORE_OK)
        return status;
    /* Whoever takes the bytes may take long. */
    if (prefix.len)
        more = visit(context, writer_span(&prefix));
    for (const struct memory_piece *piece = body->first; more && piece; piece = piece->next)
        more = visit(context, span_of(piece->data, piece->len));
    free(prefix.data);
    memory_lock(m);
    body->held--;
    memory_body_release(m, body);
    memory_unlock(m);
    return STORE_OK;
}
