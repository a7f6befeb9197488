/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_pop3.h"
#include "dataplane/session/session_tls.h"

/* A message, or the top of one, on its way out: piece by piece as views into the store's memory. */

/* All that is to be sent was asked for. */
static bool is_whole(const struct retrieval *r)
{
    return r->top.done || r->offset >= r->view->entries[r->index].size;
}

void session_pop3_fetch(struct sessions *ss, struct session *s, const struct pop3_action *a)
{
    struct retrieval *r = s->pop3;

    (void)ss;
    r->index = a->index;
    r->offset = 0;
    r->stuff = (struct pop3_stuff){0};
    pop3_top_init(&r->top, a->lines);
    if (r->view->entries[r->index].size)
        r->wanted = JOB_MAILBOX_READ;
    else
        pop3_server_answer(&s->pop3_server, POP3_REPLY_OK);
}

void session_pop3_fetched(struct sessions *ss, struct session *s, const struct job *job)
{
    struct retrieval *r = s->pop3;
    bool ok = job->status == JOB_OK && job->mailbox_read.bytes_out.len;

    if (job->status == JOB_OK) {
        r->offset += job->mailbox_read.bytes_out.len;
        r->piece = pop3_top_take(&r->top, job->mailbox_read.bytes_out);
        r->pin = job->mailbox_read.pin_out;
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

/* Queues one run; the last run of a piece carries the pin, since acknowledgements come in order. */
static bool queue_run(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    bool last = r->piece.len == 0;

    if (!sendq_view(tcp_sendq(s->conn), ss->options.pool, r->queued,
                    last ? SENDQ_PIN : SENDQ_STATIC, last ? r->pin : NULL)) {
        ss->counters->chunks_short++;
        session_stall(ss, s);
        return false;
    }
    if (last) {
        r->pin = NULL;
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

/* Records have a copy of the bytes, so what holds them in the store goes back at once. */
static bool seal_piece(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;

    while (r->queued.len || r->piece.len)
        if (tcp_send_room(s->conn) == 0 || !seal_run(ss, s))
            return false;
    if (!r->pin)
        return true;
    r->unpin[r->unpin_count++] = r->pin;
    r->pin = NULL;
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
