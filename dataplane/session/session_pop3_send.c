/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_pop3.h"
#include "dataplane/session/session_tls.h"

/* A message, or the top of one, on its way out: piece by piece as views into the store's memory. */

/* All that is to be sent was taken. */
static bool is_whole(const struct retrieval *r)
{
    return r->top.done || r->offset >= r->view->entries[r->index].size;
}

/* What the batch has of the message. */
static void take_piece(struct sessions *ss, struct retrieval *r)
{
    uint64_t size = r->view->entries[r->index].size;
    struct span part = span_head(r->batch, size - r->offset);

    r->batch = span_skip(r->batch, part.len);
    r->offset += part.len;
    r->batch_index = r->offset < size ? r->index : r->index + 1;
    r->batch_offset = r->offset < size ? r->offset : 0;
    r->piece = pop3_top_take(&r->top, part);
    session_pop3_use(ss, r);
}

void session_pop3_fetch(struct sessions *ss, struct session *s, const struct pop3_action *a)
{
    struct retrieval *r = s->pop3;

    r->index = a->index;
    r->offset = 0;
    r->in_order = a->lines == POP3_LINES_ALL && r->index == r->next;
    if (a->lines == POP3_LINES_ALL)
        r->next = r->index + 1;
    if (a->lines == POP3_LINES_ALL && !r->in_order)
        r->window = 0;
    r->stuff = (struct pop3_stuff){0};
    pop3_top_init(&r->top, a->lines);
    if (r->view->entries[r->index].size == 0) {
        pop3_server_answer(&s->pop3_server, POP3_REPLY_OK);
    } else if (session_pop3_reach(ss, r)) {
        take_piece(ss, r);
        pop3_server_answer(&s->pop3_server, POP3_REPLY_OK);
    } else {
        r->wanted = JOB_MAILBOX_READ;
    }
}

void session_pop3_fetched(struct sessions *ss, struct session *s, const struct job *job)
{
    struct retrieval *r = s->pop3;
    bool ok = job->status == JOB_OK && job->mailbox_read.bytes_out.len;

    session_pop3_came(ss, r, ok ? job->mailbox_read.bytes_out.len : 0);
    if (job->status == JOB_OK)
        r->pin = job->mailbox_read.pin_out;
    if (ok) {
        r->batch = job->mailbox_read.bytes_out;
        take_piece(ss, r);
    }
    if (!ok && (r->sending || r->pin)) {
        /* The status line was sent long ago: only an end without the final dot tells the truth. Or
         * the store held nothing fast, which no message is. */
        if (s->conn)
            session_abort(ss, s, "store failed while a message was sent");
        return;
    }
    if (!r->sending)
        pop3_server_answer(&s->pop3_server, ok ? POP3_REPLY_OK : POP3_REPLY_SYS_TEMP);
}

/* Queues one run; the last run of a batch carries the pin, since acknowledgements come in order. */
static bool queue_run(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    bool last = r->piece.len == 0 && r->batch.len == 0;

    if (!sendq_view(tcp_sendq(s->conn), ss->options.pool, r->queued,
                    last ? SENDQ_PIN : SENDQ_STATIC, last ? r->pin : NULL)) {
        ss->counters->chunks_short++;
        session_stall(ss, s);
        return false;
    }
    if (last) {
        r->pin = NULL;
        r->batch_charge = 0;
        r->pins++;
    }
    r->queued_bytes += r->queued.len;
    s->bytes_out += r->queued.len;
    r->queued = span_of(NULL, 0);
    return true;
}

/* What is to be sent next, as much as a record holds. */
static struct span gather(struct sessions *ss, struct retrieval *r)
{
    struct writer w = session_tls_room(ss);

    while (writer_room(&w) &&
           (r->queued.len || pop3_stuff_next(&r->stuff, &r->piece, &r->queued))) {
        struct span head = span_head(r->queued, writer_room(&w));

        writer_span_put(&w, head);
        r->queued = span_skip(r->queued, head.len);
    }
    return writer_span(&w);
}

/* One record. False: no memory, and nothing has changed. */
static bool seal_run(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    struct pop3_stuff stuff = r->stuff;
    struct span piece = r->piece, queued = r->queued;
    struct span run = gather(ss, r);

    if (run.len == 0)
        return true;
    if (session_tls_write(ss, s, run)) {
        r->queued_bytes += run.len;
        s->bytes_out += run.len;
        return true;
    }
    r->stuff = stuff;
    r->piece = piece;
    r->queued = queued;
    ss->counters->chunks_short++;
    session_stall(ss, s);
    return false;
}

/* Records have a copy of the bytes, so what holds them in the store goes back with the last of the
 * batch. */
static bool seal_piece(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;

    while (r->queued.len || r->piece.len)
        if (tcp_send_room(s->conn) == 0 || !seal_run(ss, s))
            return false;
    if (!r->pin || r->batch.len)
        return true;
    if (r->unpin_count == PINS_A_JOB && !session_pop3_unpin(ss, s))
        return false;
    r->unpin[r->unpin_count++] = r->pin;
    r->pin = NULL;
    r->batch_charge = 0;
    session_pop3_settle(ss, r);
    return session_pop3_unpin(ss, s);
}

static bool queue_piece(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;

    while (r->queued.len || r->piece.len) {
        if (tcp_send_room(s->conn) == 0)
            return false;
        if (r->queued.len == 0 && !pop3_stuff_next(&r->stuff, &r->piece, &r->queued))
            break;
        if (!queue_run(ss, s))
            return false;
    }
    return true;
}

static void message_sent(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    struct span end = pop3_stuff_end(&r->stuff);

    writer_span_put(&ss->out, end);
    r->sending = false;
    s->messages++;
    if (r->top.done)
        ss->counters->pop3_tops++;
    else
        ss->counters->pop3_retrieved++;
    pop3_server_answer(&s->pop3_server, POP3_REPLY_OK);
}

bool session_pop3_send(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    bool queued = s->tls ? seal_piece(ss, s) : queue_piece(ss, s);

    tcp_send(ss->options.tcp, s->conn);
    if (!queued)
        return false;
    if (!is_whole(r)) {
        r->wanted = JOB_MAILBOX_READ;
        session_pop3_pursue(ss, s);
        return false;
    }
    message_sent(ss, s);
    return true;
}
