/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/session/session_world.h"
#include "tests/session/world_link.h"

#include "dataplane/handoff/gauge_table.h"
#include "dataplane/handoff/known_table.h"
#include "dataplane/handoff/window_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

static struct ip_address server_address, client_address;

static struct tcp_options tcp_options_of(uint8_t key)
{
    return (struct tcp_options){.connections = 64,
                                .half_open = 16,
                                .receive_window = 256 * 1024,
                                .send_limit = 256 * 1024,
                                .mss_v4 = 1460,
                                .mss_v6 = 1440,
                                .time_wait_ms = 1000,
                                .secret = {key}};
}

struct world *world_new(struct rule_generation *rules, const uint32_t chunks[CHUNK_CLASSES])
{
    return world_new_with(rules, chunks, 16, 16);
}

static struct world *new_world(struct rule_generation *rules, const uint32_t chunks[CHUNK_CLASSES],
                               uint32_t jobs, uint32_t records, uint32_t connections)
{
    struct world *w = calloc(1, sizeof(*w));
    struct tcp_options server = tcp_options_of(1), client = tcp_options_of(2);

    ip_address_parse(span_text("198.18.0.2"), &server_address);
    ip_address_parse(span_text("198.18.0.1"), &client_address);
    w->jobs = jobs;
    w->now = 1000000;
    w->wall_ms = 1800000000000ull;
    w->handoff =
        handoff_new(&(struct handoff_options){.workers = 1, .jobs = jobs, .records = records});
    w->pool = chunk_pool_new(chunks ? chunks : (uint32_t[]){256, 256, 64});
    w->client_pool = chunk_pool_new((uint32_t[]){256, 1024, 1024});
    w->tcp = tcp_new(&server, w->pool);
    w->client = tcp_new(&client, w->client_pool);
    world_settings(w, rules);
    rcu_register_thread();
    w->sessions = sessions_new(&(struct sessions_options){.tcp = w->tcp,
                                                          .pool = w->pool,
                                                          .port = handoff_port_of(w->handoff, 0),
                                                          .connections = connections});
    world_run(w);
    return w;
}

struct world *world_new_with(struct rule_generation *rules, const uint32_t chunks[CHUNK_CLASSES],
                             uint32_t jobs, uint32_t records)
{
    return new_world(rules, chunks, jobs, records, 32);
}

struct world *world_new_small(const uint32_t chunks[CHUNK_CLASSES], uint32_t connections)
{
    return new_world(NULL, chunks, 16, 16, connections);
}

/* ---- control ---- */

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
    for (uint32_t i = 0; i < message->deliveries && i < 4; i++) {
        m->accounts[i] = message->delivery[i].account;
        m->places[i] = message->delivery[i].place;
    }
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

/* Pieces of at most 10000 bytes, each with a pin of its own. */
static void model_read(struct world *w, struct job *job)
{
    struct world_message *m = find_message(w, job->mailbox_read.index);

    job->mailbox_read.bytes_out =
        span_head(span_skip(span_of(m->bytes, m->len), job->mailbox_read.offset), 10000);
    job->mailbox_read.pin_out = &m->bytes[job->mailbox_read.offset];
    w->pins++;
}

static void model_delete(struct world *w, struct job *job)
{
    for (uint32_t i = 0; i < w->view.count; i++)
        if (job->mailbox_delete.marked[i / 8] & 1 << i % 8)
            find_message(w, i)->deleted = true;
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
    case JOB_ACCOUNT_LOGIN:
        job->account_login.account_out = 1;
        job->account_login.delay_ms_out = w->login_delay_ms;
        job->account_login.why_out = w->login_why;
        return span_equal(job->account_login.password, span_text("secret")) ? w->login_status
                                                                            : JOB_REFUSED;
    case JOB_MAILBOX_OPEN:
        if (w->open_status == JOB_OK && w->views)
            return JOB_REFUSED;
        if (w->open_status == JOB_OK)
            model_open(w, job);
        return w->open_status;
    case JOB_MAILBOX_READ:
        if (w->read_status == JOB_OK)
            model_read(w, job);
        return w->read_status;
    case JOB_MAILBOX_UNPIN:
        w->pins -= job->mailbox_unpin.count;
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
    return JOB_FAILED;
}

static void answer_done(struct world *w)
{
    for (uint32_t i = 0; i < w->done_count; i++)
        job_answer(w->handoff, w->done[i], (enum job_status)w->done[i]->status);
    w->done_count = 0;
}

static uint32_t control(struct world *w)
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
        if (records[i]->kind != RECORD_NONE && w->record_count < 8)
            w->records[w->record_count++] = *records[i];
        record_return(w->handoff, records[i]);
    }
    return done + n;
}

/* ---- turns ---- */

static void read_text(struct world *w, struct tcp_conn *conn)
{
    struct span s;

    while ((s = tcp_peek(conn)).len) {
        size_t n = s.len < WORLD_TEXT - 1 - w->text_len ? s.len : WORLD_TEXT - 1 - w->text_len;

        memcpy(w->text + w->text_len, s.data, n);
        w->text_len += n;
        w->text[w->text_len] = 0;
        w->swallowed += s.len - n;
        tcp_consume(w->client, conn, (uint32_t)s.len);
    }
}

static void client_turn(struct world *w)
{
    struct tcp_conn *conn;

    while ((conn = tcp_ready(w->client)) != NULL) {
        uint32_t events = tcp_events(conn);

        if (!w->deaf)
            read_text(w, conn);
        if ((events & TCP_EVENT_EOF) && conn == w->conn) {
            w->closed = true;
            tcp_shutdown(w->client, conn);
        }
        if (events & TCP_EVENT_CLOSED) {
            if (conn == w->conn) {
                w->closed = true;
                w->conn = NULL;
            }
            for (int i = 0; i < WORLD_CLIENTS; i++)
                if (w->others[i] == conn)
                    w->others[i] = NULL;
            tcp_forget(w->client, conn);
        }
    }
    tcp_settle(w->client);
    tcp_timers(w->client, w->now);
}

uint32_t world_turn(struct world *w)
{
    static struct world_frame frames[4096];
    uint32_t n = world_link_frames(w->client, w->now, frames, 4096), done = n;

    for (uint32_t i = 0; i < n; i++)
        tcp_receive(w->tcp, &frames[i].packet, w->now);
    done += sessions_turn(w->sessions, (struct turn_time){.now = w->now, .wall_ms = w->wall_ms});
    tcp_settle(w->tcp);
    tcp_timers(w->tcp, w->now);
    /* The worker's account of itself, so that shares of a burst can be taken. */
    handoff_cycles(handoff_port_of(w->handoff, 0))->stage[STAGE_tcp] += 1000;
    handoff_cycles(handoff_port_of(w->handoff, 0))->busy += 1000;
    n = world_link_frames(w->tcp, w->now, frames, 4096);
    for (uint32_t i = 0; i < n; i++)
        tcp_receive(w->client, &frames[i].packet, w->now);
    done += n;
    client_turn(w);
    rcu_quiescent_state();
    done += control(w);
    w->now += 1000;
    w->wall_ms += 1;
    return done;
}

void world_run(struct world *w)
{
    /* Delayed acknowledgements need a while. */
    for (int quiet = 0; quiet < 50;)
        quiet = world_turn(w) ? 0 : quiet + 1;
}

void world_wait(struct world *w, uint64_t milliseconds)
{
    for (uint64_t t = 0; t < milliseconds; t += 100) {
        w->now += 100000;
        w->wall_ms += 100;
        world_turn(w);
    }
    world_run(w);
}

struct tcp_conn *world_open(struct world *w, uint16_t port)
{
    static uint16_t next = 1024;

    next = next < 60000 ? next + 1 : 1024;
    return tcp_connect(w->client, &client_address, next, &server_address, port, w->now);
}

void world_connect(struct world *w, uint16_t port)
{
    w->text_len = 0;
    w->text[0] = 0;
    w->swallowed = 0;
    w->closed = false;
    w->conn = world_open(w, port);
    world_run(w);
}

void world_say_bytes(struct world *w, struct span bytes)
{
    while (bytes.len && w->conn) {
        size_t n = w->step && w->step < bytes.len ? w->step : bytes.len;

        if (n > tcp_send_room(w->conn))
            n = tcp_send_room(w->conn);
        if (n == 0) {
            if (world_turn(w) == 0 && tcp_send_room(w->conn) == 0 && w->hold)
                return;
            continue;
        }
        sendq_copy(tcp_sendq(w->conn), w->client_pool, span_head(bytes, n));
        tcp_send(w->client, w->conn);
        bytes = span_skip(bytes, n);
        world_turn(w);
    }
    world_run(w);
}

void world_say(struct world *w, const char *text)
{
    world_say_bytes(w, span_text(text));
}

void world_close(struct world *w)
{
    if (w->conn)
        tcp_shutdown(w->client, w->conn);
    world_run(w);
}

void world_reset(struct world *w)
{
    struct tcp_conn *conn = w->conn;

    w->conn = NULL;
    if (conn) {
        tcp_abort(w->client, conn);
        tcp_forget(w->client, conn);
    }
    world_run(w);
}

static bool like(const char *text, const char *pattern)
{
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            for (; *text; text++)
                if (like(text, pattern + 1))
                    return true;
            continue;
        }
        if (*text++ != *pattern)
            return false;
    }
    return *text == 0;
}

bool world_expect(struct world *w, const char *expected)
{
    bool ok = like(w->text, expected);

    if (!ok)
        printf("# got \"%.600s\"\n# expected \"%s\"\n", w->text, expected);
    w->text_len = 0;
    w->text[0] = 0;
    return ok;
}

/* Every job is free again. */
static bool jobs_are_back(struct world *w)
{
    struct handoff_port *port = handoff_port_of(w->handoff, 0);
    uint32_t n = 0;

    while (job_take(port))
        n++;
    if (n != w->jobs)
        printf("# %u of %u jobs are free\n", n, w->jobs);
    return n == w->jobs;
}

static bool given_back(struct world *w)
{
    bool ok = jobs_are_back(w);

    for (int c = 0; c < CHUNK_CLASSES; c++) {
        if (chunk_used(w->pool, c) == 0)
            continue;
        printf("# %u chunks of class %d are out\n", chunk_used(w->pool, c), c);
        ok = false;
    }
    if (gauge_table_sum(w->settings.limits.gauges)) {
        printf("# gauges of sessions were not given back\n");
        ok = false;
    }
    if (sessions_count(w->sessions) || w->pins || w->views) {
        printf("# %u sessions, %u pins, %u views are left\n", sessions_count(w->sessions), w->pins,
               w->views);
        ok = false;
    }
    return ok;
}

bool world_free(struct world *w)
{
    bool ok;

    w->hold = w->late = w->deaf = false;
    world_close(w);
    world_wait(w, 5000);
    ok = given_back(w);
    free(settings_publish(w->handoff, NULL));
    sessions_free(w->sessions);
    tcp_free(w->tcp);
    tcp_free(w->client);
    chunk_pool_free(w->pool);
    chunk_pool_free(w->client_pool);
    rcu_unregister_thread();
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
    free(w);
    return ok;
}
