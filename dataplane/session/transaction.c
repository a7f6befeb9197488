/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/transaction.h"

#include "dataplane/session/session_more.h"
#include "dataplane/session/session_peer.h"
#include "dataplane/session/transaction_submission.h"

#include <string.h>

enum { WRITES_OUT = 4 };

_Static_assert(sizeof(struct transaction) <= BUDGET_TRANSACTION, "room is left in its chunk");

void *transaction_memory(struct sessions *ss, struct transaction *tx, size_t size)
{
    struct chunk *c = tx->arena;
    void *memory;

    size = (size + 7) & ~(size_t)7;
    if (size > CHUNK_LARGE_DATA)
        return NULL;
    if (chunk_room(c) < size) {
        c = chunk_take(ss->options.pool, CHUNK_LARGE);
        if (!c)
            return NULL;
        c->next = tx->arena;
        tx->arena = c;
    }
    memory = c->data + c->len;
    c->len += (uint32_t)size;
    return memory;
}

bool transaction_copy(struct sessions *ss, struct transaction *tx, struct span bytes,
                      struct span *copy_out)
{
    void *memory = bytes.len ? transaction_memory(ss, tx, bytes.len) : NULL;

    *copy_out = span_of(memory, memory ? bytes.len : 0);
    if (memory)
        memcpy(memory, bytes.data, bytes.len);
    return copy_out->len == bytes.len;
}

static void pin_rules(struct sessions *ss, struct transaction *tx)
{
    tx->rules = ss->rules;
    if (tx->rules)
        generation_pin(tx->rules, handoff_worker(ss->options.port));
}

static bool begin_match(struct sessions *ss, struct transaction *tx)
{
    void *memory;

    pin_rules(ss, tx);
    transaction_subject_begin(tx);
    if (!tx->rules)
        return true;
    memory = transaction_memory(ss, tx, rule_match_size(tx->rules->set));
    if (!memory)
        return false;
    tx->match =
        rule_match_init(memory, tx->rules->set, tx->rules->pools[handoff_worker(ss->options.port)]);
    return true;
}

static void begin_message(struct sessions *ss, struct session *s, struct transaction *tx)
{
    struct message *m = &tx->message;
    struct record_peer peer;

    session_peer(s, &peer);
    m->id = id128_next(&ss->ids, ss->time.wall_ms);
    m->envelope.helo = session_name(s);
    m->envelope.client = peer.client;
    m->envelope.client_port = peer.client_port;
    m->envelope.authenticated = session_peer_login(s);
    record_reset(tx->record, RECORD_MESSAGE);
    tx->record->message.id = m->id;
    tx->record->message.connection = s->id;
    tx->record->message.began_ms = ss->time.wall_ms;
    tx->record->message.esmtp = s->esmtp;
    /* Now, because the EHLO that ends a transaction brings another name. */
    tx->record->message.helo = record_put(tx->record, m->envelope.helo, SESSION_NAME_MAX);
    tx->record->message.client_name =
        record_put(tx->record, session_peer_name(s), SESSION_CLIENT_NAME);
    tx->record->message.login = record_put(tx->record, session_peer_login(s), SESSION_NAME_MAX);
    tx->record->message.peer = peer;
}

static void log_client(struct sessions *ss, const struct session *s, enum log_message message)
{
    struct record_peer peer;

    session_peer(s, &peer);
    session_log(ss, message, &peer.client);
}

struct transaction *transaction_begin(struct sessions *ss, struct session *s,
                                      enum smtp_reply_id *why_out)
{
    struct chunk *home = chunk_take(ss->options.pool, CHUNK_LARGE);
    struct transaction *tx;

    *why_out = SMTP_REPLY_NO_RESOURCES;
    if (!home) {
        ss->counters->chunks_refused++;
        log_client(ss, s, LOG_MESSAGE_chunks_short);
        return NULL;
    }
    _Static_assert(offsetof(struct chunk, data) % 8 == 0, "a transaction is aligned in its chunk");
    tx = (struct transaction *)home->data;
    memset(tx, 0, offsetof(struct transaction, message.delivery));
    home->len = (sizeof(*tx) + 7) & ~7u;
    tx->arena = home;
    tx->verdict.rule = RULE_NONE;
    tx->named_rule = RULE_NONE;
    tx->record = record_take(ss->options.port);
    if (!tx->record) {
        ss->counters->records_refused++;
        log_client(ss, s, LOG_MESSAGE_records_short);
        chunk_give(ss->options.pool, home);
        return NULL;
    }
    begin_message(ss, s, tx);
    transaction_stamp_begin(ss, tx);
    if (!begin_match(ss, tx) || !transaction_content_begin(ss, tx)) {
        ss->counters->chunks_refused++;
        tx->reply = SMTP_REPLY_NO_RESOURCES;
        transaction_end(ss, s, tx);
        return NULL;
    }
    ss->counters->messages_begun++;
    *why_out = SMTP_REPLY_NONE;
    return tx;
}

/* ---- the record ---- */

struct record_text transaction_rule_id(struct transaction *tx, int32_t rule)
{
    if (rule == RULE_NONE || !tx->match)
        return (struct record_text){0};
    /* Recipients mostly have the same one. */
    if (rule != tx->named_rule) {
        tx->named =
            record_put(tx->record, rule_set_rule(tx->rules->set, (size_t)rule)->id, RULE_ID_MAX);
        tx->named_rule = rule;
    }
    return tx->named;
}

static void record_rules(struct sessions *ss, struct transaction *tx)
{
    struct record_message *m = &tx->record->message;
    uint32_t hits[RECORD_RULES];
    struct rule_pool *pool;

    if (!tx->match)
        return;
    pool = tx->rules->pools[handoff_worker(ss->options.port)];
    m->rule_count = (uint32_t)rule_match_hits(tx->match, hits, RECORD_RULES);
    ss->counters->rule_hits += m->rule_count;
    rule_pool_note(pool, tx->match, ss->time.wall_ms);
    if (tx->stamped)
        rule_pool_measured(pool);
    for (uint32_t i = 0; i < m->rule_count && i < RECORD_RULES; i++)
        m->rules[i] =
            record_put(tx->record, rule_set_rule(tx->rules->set, hits[i])->id, RULE_ID_MAX);
    m->rule = transaction_rule_id(tx, tx->verdict.rule);
    m->verdict = (uint8_t)tx->verdict.action;
    m->score = (int32_t)tx->verdict.score;
}

static void record_reply(struct transaction *tx)
{
    struct record_message *m = &tx->record->message;
    uint8_t text[SMTP_REPLY_MAX];
    struct writer w = writer_of(text, sizeof(text));

    if (tx->observed) {
        m->code = tx->observed->code;
        m->reply = record_put(tx->record, tx->observed->reply, 512);
    }
    if (tx->reply == SMTP_REPLY_NONE || tx->observed)
        return;
    smtp_reply_put(&w, tx->reply, tx->reply_text);
    m->code = smtp_reply_row(tx->reply)->code;
    m->reply = record_put(tx->record, span_head(writer_span(&w), w.len > 2 ? w.len - 2 : 0), 512);
}

static void fill_record(struct sessions *ss, struct session *s, struct transaction *tx)
{
    struct record *r = tx->record;
    struct record_message *m = &r->message;

    m->ended_ms = ss->time.wall_ms;
    m->end_of_data_us = tx->end_us ? ss->time.now - tx->end_us : 0;
    m->commit_us = tx->commit_us;
    m->sender = record_put(r, tx->message.envelope.sender, ADDRESS_PATH_MAX);
    record_reply(tx);
    record_rules(ss, tx);
    m->anomalies = tx->anomalies;
    m->size = tx->message.size;
    m->subject = record_put(r, tx->subject, 256);
    m->from = record_put(r, tx->from, 256);
    m->message_id = record_put(r, tx->message_id, 256);
    for (int i = 0; i < RECORD_HEADS; i++)
        m->heads[i] = record_put(r, tx->heads[i], RECORD_HEAD_MAX);
    for (int i = 0; i < RECORD_RECEIVED; i++)
        m->received[i] = record_put(r, tx->trace[i], RECORD_RECEIVED_MAX);
    /* Last, because it is the longest and may fill the arena. A tree that does not fit whole is
     * left out whole. */
    if (tx->message.tree.len <= (size_t)(RECORD_ARENA - r->used))
        m->tree = record_put(r, tx->message.tree, RECORD_ARENA);
    else
        r->cut = true;
    transaction_digest_record(ss, tx);
    transaction_stamp_end(ss, tx);
}

/* ---- the body ---- */

/* A step, and what was held back before it. */
static size_t keep_room(const struct transaction *tx)
{
    return SESSION_STEP + (tx->submission ? transaction_submission_held(tx) : 0);
}

bool transaction_ready(struct sessions *ss, struct session *s, struct transaction *tx)
{
    struct chunk_pool *pool = ss->options.pool;

    if (tx->failed)
        return true;
    transaction_write(ss, s, tx);
    if (tx->rows || tx->writes >= WRITES_OUT) {
        /* The answer to a write brings the session back; without any out, only the next turn can.
         */
        if (tx->writes == 0)
            session_stall(ss, s);
        return false;
    }
    if (tx->keep && (chunk_room(tx->keep) >= keep_room(tx) || tx->keep->next))
        return true;
    if (!tx->keep) {
        tx->keep = chunk_take(pool, CHUNK_MEDIUM);
        if (tx->keep && !tx->keep->next)
            tx->keep->next = chunk_take(pool, CHUNK_LARGE);
    } else {
        tx->keep->next = chunk_take(pool, CHUNK_LARGE);
    }
    if (tx->keep && tx->keep->next)
        return true;
    ss->counters->chunks_short++;
    session_stall(ss, s);
    return false;
}

/* The chunk being filled is full, or a small first one: go on in the spare one that hangs from it.
 */
static void next_chunk(struct sessions *ss, struct transaction *tx)
{
    struct chunk *full = tx->keep, *fresh = full->next;

    full->next = NULL;
    tx->keep = fresh;
    if (full->class == CHUNK_LARGE && tx->hold) {
        tx->hold = false;
        tx->first = full;
        tx->message.rows_written = 1;
        return;
    }
    if (full->class == CHUNK_LARGE) {
        *(tx->rows ? &tx->rows_last->next : &tx->rows) = full;
        tx->rows_last = full;
        return;
    }
    /* A body of more than a small chunk: every row but the last must be full, so it starts over in
     * a large one. */
    memcpy(fresh->data, full->data, full->len);
    fresh->len = full->len;
    chunk_give(ss->options.pool, full);
}

void transaction_keep(struct sessions *ss, struct session *s, struct transaction *tx,
                      struct span bytes)
{
    tx->message.size += bytes.len;
    while (bytes.len) {
        uint32_t n = chunk_room(tx->keep);

        if (n == 0) {
            next_chunk(ss, tx);
            continue;
        }
        if (n > bytes.len)
            n = (uint32_t)bytes.len;
        memcpy(tx->keep->data + tx->keep->len, bytes.data, n);
        tx->keep->len += n;
        bytes = span_skip(bytes, n);
    }
    if (tx->rows)
        transaction_write(ss, s, tx);
}

enum smtp_reply_id transaction_read(struct sessions *ss, struct transaction *tx,
                                    struct span *text_out)
{
    struct span bytes;

    if (!tx->unread)
        return SMTP_REPLY_NONE;
    bytes = span_of(tx->keep->data + tx->keep->len - tx->unread, tx->unread);
    tx->unread = 0;
    return transaction_content_feed(ss, tx, bytes, text_out);
}

/* True when the piece will lie behind what is unread, wherever that moves. */
static bool lies_behind(const struct transaction *tx, size_t len)
{
    return tx->keep->class != CHUNK_LARGE || chunk_room(tx->keep) >= len;
}

enum smtp_reply_id transaction_take(struct sessions *ss, struct session *s, struct transaction *tx,
                                    struct span bytes, struct span *text_out)
{
    const bool behind = lies_behind(tx, bytes.len);
    enum smtp_reply_id row;

    if (!behind || tx->unread + bytes.len > SESSION_STEP) {
        row = transaction_read(ss, tx, text_out);
        if (row != SMTP_REPLY_NONE)
            return row;
    }
    transaction_keep(ss, s, tx, bytes);
    transaction_stamp(ss, STAGE_keep);
    if (!behind)
        return transaction_content_feed(ss, tx, bytes, text_out);
    tx->unread += (uint32_t)bytes.len;
    return SMTP_REPLY_NONE;
}

void transaction_write(struct sessions *ss, struct session *s, struct transaction *tx)
{
    while (tx->rows && tx->writes < WRITES_OUT) {
        struct job *job = session_job(ss, s, JOB_STORE_WRITE);
        struct chunk *row = tx->rows;

        if (!job)
            return;
        tx->rows = row->next;
        row->next = NULL;
        job->store_write =
            (struct job_store_write){.message = tx->message.id,
                                     .row = row == tx->late ? 0 : tx->message.rows_written++,
                                     .chunk = row};
        tx->writes++;
        job_submit(ss->options.port, job);
    }
}

void transaction_release(struct transaction *tx)
{
    if (!tx->first)
        return;
    if (!tx->rows)
        tx->rows_last = tx->first;
    tx->first->next = tx->rows;
    tx->rows = tx->late = tx->first;
    tx->first = NULL;
}

void transaction_close(struct sessions *ss, struct transaction *tx)
{
    if (tx->keep) {
        /* The spare one was not needed. */
        chunk_give(ss->options.pool, tx->keep->next);
        tx->keep->next = NULL;
    }
    tx->message.rest = tx->keep;
    tx->message.received_ms = ss->time.wall_ms;
}

bool transaction_commit(struct sessions *ss, struct session *s, struct transaction *tx)
{
    struct job *job = session_job(ss, s, JOB_STORE_COMMIT);

    if (!job)
        return false;
    transaction_close(ss, tx);
    tx->step = TRANSACTION_COMMITTING;
    tx->asked_us = ss->time.now;
    tx->commit = job;
    job->store_commit.message = &tx->message;
    ss->counters->commits_parked++;
    job_submit(ss->options.port, job);
    return true;
}

static void discard_rows(struct sessions *ss, struct transaction *tx)
{
    struct job_store_discard what = {.message = tx->message.id, .rows = tx->message.rows_written};

    if (what.rows == 0 || tx->committed)
        return;
    ss->discards[ss->discard_count++] = what;
}

bool transaction_may_end(struct sessions *ss, struct session *s, const struct transaction *tx)
{
    if (tx->message.rows_written == 0 || tx->committed ||
        ss->discard_count < sizeof(ss->discards) / sizeof(ss->discards[0]))
        return true;
    session_stall(ss, s);
    return false;
}

static void give_back(struct sessions *ss, struct transaction *tx)
{
    struct chunk_pool *pool = ss->options.pool;

    /* Its memory is somebody else's from here on: no stamp may go there. */
    if (ss->stamping == tx)
        transaction_stamp_off(ss);
    if (tx->match)
        rule_match_fini(tx->match);
    if (tx->rules)
        generation_unpin(tx->rules, handoff_worker(ss->options.port));
    chunk_give(pool, tx->rows);
    chunk_give(pool, tx->first);
    chunk_give(pool, tx->keep);
    chunk_give(pool, tx->arena);
}

void transaction_end(struct sessions *ss, struct session *s, struct transaction *tx)
{
    fill_record(ss, s, tx);
    record_give(ss->options.port, tx->record, true);
    discard_rows(ss, tx);
    give_back(ss, tx);
}

void transaction_forget(struct sessions *ss, struct transaction *tx)
{
    discard_rows(ss, tx);
    transaction_drop(ss, tx);
}

void transaction_drop(struct sessions *ss, struct transaction *tx)
{
    transaction_digest_record(ss, tx);
    record_give(ss->options.port, tx->record, false);
    give_back(ss, tx);
}
