/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/session/session_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataplane/handoff/gauge_table.h"
#include "dataplane/handoff/known_table.h"
#include "dataplane/handoff/window_table.h"

/* Control, played by a model: what it is asked, what it keeps. */

static struct world_message *find_message(struct world *w, uint32_t index)
{
    return &w->messages[w->view_messages[index]];
}

static enum job_status model_write(struct world *w, struct job *job)
{
    const struct job_store_write *a = &job->store_write;

    w->writes++;
    if (w->write_status != JOB_OK)
        return w->write_status;
    if (w->row_count == WORLD_ROWS)
        return JOB_DISK_FULL;
    w->rows[w->row_count].id = a->message;
    w->rows[w->row_count].row = a->row;
    w->rows[w->row_count].len = a->chunk->len;
    w->rows[w->row_count].bytes = malloc(a->chunk->len);
    memcpy(w->rows[w->row_count++].bytes, a->chunk->data, a->chunk->len);
    return JOB_OK;
}

static void append(struct world_message *m, struct span bytes)
{
    m->bytes = realloc(m->bytes, m->len + bytes.len + 1);
    if (bytes.len)
        memcpy(m->bytes + m->len, bytes.data, bytes.len);
    m->len += bytes.len;
    m->bytes[m->len] = 0; /* for tests that look for text in it */
}

/* Rows come in any order. */
static bool append_row(struct world *w, struct world_message *m, const struct id128 *id,
                       uint32_t row)
{
    for (uint32_t i = 0; i < w->row_count; i++)
        if (memcmp(&w->rows[i].id, id, sizeof(*id)) == 0 && w->rows[i].row == row) {
            append(m, span_of(w->rows[i].bytes, w->rows[i].len));
            return true;
        }
    return false;
}

static void drop_rows(struct world *w, const struct id128 *id)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < w->row_count; i++) {
        if (memcmp(&w->rows[i].id, id, sizeof(*id)) == 0)
            free(w->rows[i].bytes);
        else
            w->rows[kept++] = w->rows[i];
    }
    w->row_count = kept;
}

static enum job_status model_commit(struct world *w, struct message *message)
{
    struct world_message *m = &w->messages[w->message_count];

    if (w->commit_status != JOB_OK)
        return w->commit_status;
    if (w->message_count == WORLD_MESSAGES)
        return JOB_DISK_FULL;
    w->message_count++;
    w->commits++;
    m->id = message->id;
    m->deliveries = message->deliveries;
    m->tls_optional = message->envelope.tls_optional;
    for (uint32_t i = 0; i < message->deliveries && i < 4; i++) {
        m->accounts[i] = message->delivery[i].account;
        m->places[i] = message->delivery[i].place;
        snprintf(m->folders[i], sizeof(m->folders[i]), "%.*s",
                 (int)message->delivery[i].folder.len,
                 (const char *)message->delivery[i].folder.data);
    }
    m->make = message->delivery[0].make;
    m->junk = message->delivery[0].junk;
    append(m, message->delivery[0].prefix);
    m->prefix = m->len;
    for (uint32_t row = 0; row < message->rows_written; row++)
        if (!append_row(w, m, &message->id, row))
            abort();
    drop_rows(w, &message->id);
    for (const struct chunk *c = message->rest; c; c = c->next)
        append(m, span_of(c->data, c->len));
    if (m->len - m->prefix != message->size)
        abort();
    if (w->forgets) {
        free(m->bytes);
        *m = (struct world_message){0};
        w->message_count--;
    }
    return JOB_OK;
}

static void model_open(struct world *w, struct job *job)
{
    w->view = (struct pop3_mailbox){.entries = w->entries, .marks = w->marks, .uid_validity = 7};
    memset(w->marks, 0, sizeof(w->marks));
    w->open = job->mailbox_open;
    for (uint32_t i = 0; i < w->message_count; i++) {
        if (w->messages[i].deleted || w->messages[i].places[0] == MESSAGE_QUARANTINE)
            continue;
        w->view_messages[w->view.count] = i;
        w->entries[w->view.count++] = (struct pop3_entry){.size = w->messages[i].len, .uid = i + 1};
        w->view.octets += w->messages[i].len;
    }
    w->views++;
    job->mailbox_open.view_out = &w->view;
}

/* The rest of the message and whole ones behind it, as much as is asked for, in memory of its own,
 * which is overwritten once it is unpinned. */
static struct world_batch *gather(struct world *w, const struct job_mailbox_read *job)
{
    struct world_message *m = find_message(w, job->index);
    struct world_batch *batch = malloc(sizeof(*batch) + job->most);

    batch->len = m->len - job->offset;
    memcpy(batch->bytes, m->bytes + job->offset, batch->len);
    for (uint32_t i = job->index + 1; i < w->view.count; i++) {
        m = find_message(w, i);
        if (!m->len || batch->len + m->len > job->most)
            break;
        memcpy(batch->bytes + batch->len, m->bytes, m->len);
        batch->len += m->len;
    }
    w->batches++;
    return batch;
}

/* Or pieces of at most 10000 bytes, each with a pin of its own. Pins of batches are odd. */
static void model_read(struct world *w, struct job *job)
{
    struct job_mailbox_read *a = &job->mailbox_read;
    struct world_message *m = find_message(w, a->index);

    w->reads++;
    w->pins++;
    if (m->len - a->offset <= a->most) {
        struct world_batch *batch = gather(w, a);

        a->bytes_out = span_of(batch->bytes, batch->len);
        a->pin_out = (char *)batch + 1;
        return;
    }
    a->bytes_out = span_head(span_skip(span_of(m->bytes, m->len), a->offset), 10000);
    a->pin_out = (void *)((uintptr_t)&m->bytes[a->offset] & ~(uintptr_t)1);
}

static void model_unpin(struct world *w, struct job *job)
{
    w->pins -= job->mailbox_unpin.count;
    for (uint32_t i = 0; i < job->mailbox_unpin.count; i++) {
        struct world_batch *batch = (void *)((uintptr_t)job->mailbox_unpin.pins[i] - 1);

        if (!((uintptr_t)job->mailbox_unpin.pins[i] & 1))
            continue;
        memset(batch->bytes, '!', batch->len);
        free(batch);
        w->batches--;
    }
}

static void model_delete(struct world *w, struct job *job)
{
    for (uint32_t i = 0; i < w->view.count; i++)
        if (job->mailbox_delete.marked[i / 8] & 1 << i % 8)
            find_message(w, i)->deleted = true;
}

/* The token "good" and the certificate for alice are hers. */
static enum job_status model_identity(const struct world *w, struct job_account_identity *a)
{
    static const struct span alice = {(const uint8_t *)"alice@example.test", 18};

    a->account_out = 1;
    a->delay_ms_out = w->login_delay_ms;
    a->why_out = w->login_why;
    a->name_len_out = (uint16_t)alice.len;
    memcpy(a->name, alice.data, alice.len);
    return span_equal(a->shown, a->token ? span_text("good") : alice) &&
                   (!a->identity.len || span_equal(a->identity, alice))
               ? w->login_status
               : JOB_REFUSED;
}

static enum job_status model(struct world *w, struct job *job)
{
    switch (job->kind) {
    case JOB_STORE_WRITE:
        return model_write(w, job);
    case JOB_STORE_COMMIT:
        if (atomic_load(&job->cancelled))
            return JOB_CANCELLED;
        return model_commit(w, job->store_commit.message);
    case JOB_STORE_DISCARD:
        w->discards++;
        drop_rows(w, &job->store_discard.message);
        return JOB_OK;
    case JOB_GREYLIST:
        w->greylist_asked++;
        return w->greylist_status;
    case JOB_DIRECTORY_ADDRESS:
    case JOB_DIRECTORY_SENDER:
        return w->directory_status;
    case JOB_ACCOUNT_LOGIN:
        job->account_login.account_out = 1;
        job->account_login.delay_ms_out = w->login_delay_ms;
        job->account_login.why_out = w->login_why;
        return span_equal(job->account_login.password, span_text("secret")) ? w->login_status
                                                                            : JOB_REFUSED;
    case JOB_ACCOUNT_SALT:
        job->account_salt.iterations_out = 4096;
        job->account_salt.salt_len_out = 4;
        memcpy(job->account_salt.salt_out, "salt", 4);
        memcpy(job->account_salt.nonce_out, "0123456789abcdefg", SCRAM_SERVER_NONCE);
        return JOB_OK;
    case JOB_ACCOUNT_PROOF:
        job->account_proof.account_out = 1;
        job->account_proof.delay_ms_out = w->login_delay_ms;
        job->account_proof.why_out = w->login_why;
        memset(job->account_proof.signature_out, 0, SCRAM_KEY_MAX);
        return job->account_proof.proof[0] ? JOB_REFUSED : w->login_status;
    case JOB_ACCOUNT_IDENTITY:
        return model_identity(w, &job->account_identity);
    case JOB_MAILBOX_OPEN:
        if (w->open_status == JOB_OK && w->views && !w->shared)
            return JOB_REFUSED;
        if (w->open_status == JOB_OK)
            model_open(w, job);
        return w->open_status;
    case JOB_MAILBOX_READ:
        if (w->read_status == JOB_OK)
            model_read(w, job);
        return w->read_status;
    case JOB_MAILBOX_UNPIN:
        model_unpin(w, job);
        return JOB_OK;
    case JOB_MAILBOX_DELETE:
        model_delete(w, job);
        return JOB_OK;
    case JOB_MAILBOX_CLOSE:
        /* A view whose pins are still out must not be closed. */
        if (w->pins)
            abort();
        w->views--;
        return JOB_OK;
    }
    if (job->kind >= JOB_IMAP_OPEN && job->kind <= JOB_IMAP_CLOSE && w->imap)
        return w->imap(w, job);
    return JOB_FAILED;
}

/* Control's part within the worker's turn, as over a store in memory; the test may want it later.
 */
static bool model_near(void *context, struct job *job)
{
    struct world *w = context;

    /* A mailbox is opened and closed by its thread, behind the pins that went there. */
    if (w->hold || w->late || job->kind == JOB_MAILBOX_OPEN || job->kind == JOB_MAILBOX_CLOSE)
        return false;
    job->status = (uint8_t)model(w, job);
    return true;
}

void world_control_near(struct world *w)
{
    w->near = true;
    handoff_near(w->handoff, SERVICE_STORE, model_near, w);
    handoff_near(w->handoff, SERVICE_READ, model_near, w);
}

static void answer_done(struct world *w)
{
    for (uint32_t i = 0; i < w->done_count; i++)
        job_answer(w->handoff, w->done[i], (enum job_status)w->done[i]->status);
    w->done_count = 0;
}

uint32_t world_control(struct world *w)
{
    struct job *jobs[8];
    struct record *records[8];
    uint32_t done = 0, n;

    for (int s = 0; s < SERVICES && !w->hold; s++)
        while ((n = service_take(w->handoff, (enum service)s, jobs, 8)) != 0)
            for (uint32_t i = 0; i < n; i++, done++) {
                jobs[i]->status = (uint8_t)model(w, jobs[i]);
                w->done[w->done_count++] = jobs[i];
            }
    if (!w->late)
        answer_done(w);
    n = record_collect(w->handoff, records, 8);
    for (uint32_t i = 0; i < n; i++) {
        w->message_records += records[i]->kind == RECORD_MESSAGE;
        w->connection_records += records[i]->kind == RECORD_CONNECTION;
        if (w->record_count < 8)
            w->records[w->record_count++] = *records[i];
        record_return(w->handoff, records[i]);
    }
    return done + n;
}

void world_control_fini(struct world *w)
{
    handoff_free(w->handoff);
    directory_free(w->settings.directory);
    gauge_table_free(w->settings.limits.gauges);
    known_table_free(w->settings.greylist.known);
    window_table_free(w->settings.limits.windows);
    mailbox_table_free(w->settings.mailboxes);
    for (uint32_t i = 0; i < w->message_count; i++)
        free(w->messages[i].bytes);
    for (uint32_t i = 0; i < w->row_count; i++)
        free(w->rows[i].bytes);
}
