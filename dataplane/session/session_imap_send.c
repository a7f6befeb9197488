/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_imap.h"
#include "dataplane/session/session_pack.h"
#include "dataplane/session/session_tls.h"

/*
 * What control has written on its way out: text in a chunk that the send queue takes over, and
 * bytes of messages as views into the store's memory. Under TLS, or compressed, both are made
 * anew, and nothing is kept.
 */

/* Text that fills less of its chunk is copied behind what was said before, and the chunk is free
 * again. */
enum { COPIED_MAX = 1024 };

static void give_out(struct sessions *ss, struct imap_work *w)
{
    chunk_give(ss->options.pool, w->out);
    w->out = NULL;
}

void session_imap_take(struct sessions *ss, struct session *s, const struct job_imap *answer)
{
    struct imap_work *w = s->work;

    w->out = answer->out;
    w->piece = answer->bytes_out;
    w->pin = answer->pin_out;
    w->more = answer->more_out;
    w->bad = answer->bad_out;
    w->accepted = answer->append_out;
    w->stored = answer->stored_out;
    w->state = answer->state_out;
    if (w->out && w->out->len == 0)
        give_out(ss, w);
}

static bool no_memory(struct sessions *ss, struct session *s)
{
    ss->counters->chunks_short++;
    session_stall(ss, s);
    return false;
}

/* ---- in the clear ---- */

static bool queue_text(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;
    struct span text = chunk_unread(w->out);

    if (text.len <= COPIED_MAX && writer_room(&ss->out) >= text.len) {
        writer_span_put(&ss->out, text);
        give_out(ss, w);
        return true;
    }
    if (!session_flush(ss, s))
        return false;
    if (!sendq_view(tcp_sendq(s->conn), ss->options.pool, text, SENDQ_CHUNK, w->out))
        return no_memory(ss, s);
    w->out = NULL;
    w->queued_bytes += text.len;
    s->bytes_out += text.len;
    return true;
}

static bool queue_piece(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;

    if (!session_flush(ss, s))
        return false;
    if (!sendq_view(tcp_sendq(s->conn), ss->options.pool, w->piece, SENDQ_PIN, w->pin))
        return no_memory(ss, s);
    w->pins++;
    w->queued_bytes += w->piece.len;
    s->bytes_out += w->piece.len;
    w->piece = span_of(NULL, 0);
    w->pin = NULL;
    return true;
}

/* ---- under TLS, or compressed ---- */

/* One record, or a piece, of what comes first. */
static bool seal_run(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;
    struct span left = w->out ? chunk_unread(w->out) : w->piece;
    struct span run = span_head(left, TLS_PLAIN_MAX);

    if (s->packed && !session_pack_write(ss, s, run, false)) {
        /* What the compressor has taken cannot be taken back. */
        ss->counters->chunks_short++;
        session_abort(ss, s, "no memory for an answer");
        return false;
    }
    if (!s->packed && !session_tls_write(ss, s, run))
        return no_memory(ss, s);
    w->queued_bytes += run.len;
    s->bytes_out += run.len;
    if (w->out) {
        w->out->start += (uint32_t)run.len;
        if (w->out->start == w->out->len)
            give_out(ss, w);
    } else {
        w->piece = span_skip(w->piece, run.len);
    }
    return true;
}

/* A record has a copy of the bytes, so what holds them goes back at once. */
static bool unpin_piece(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;

    if (!w->pin || w->piece.len)
        return true;
    if (w->unpin_count == IMAP_PINS_A_JOB && !session_imap_collect(ss, s))
        return false;
    w->unpin[w->unpin_count++] = w->pin;
    w->pin = NULL;
    return true;
}

static bool seal(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;

    if (w->out && w->out->len <= COPIED_MAX && writer_room(&ss->out) >= w->out->len) {
        writer_span_put(&ss->out, chunk_unread(w->out));
        give_out(ss, w);
    }
    if ((w->out || w->piece.len) && !session_flush(ss, s))
        return false;
    while (w->out || w->piece.len)
        if (tcp_send_room(s->conn) == 0 || !seal_run(ss, s))
            return false;
    return unpin_piece(ss, s);
}

bool session_imap_send(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;
    bool sent;

    if (!w->out && !w->piece.len && !w->pin)
        return true;
    if (s->tls || s->packed)
        sent = seal(ss, s);
    else if (tcp_send_room(s->conn) == 0)
        sent = session_flush(ss, s) && false;
    else
        sent = (!w->out || queue_text(ss, s)) && (!w->piece.len || queue_piece(ss, s));
    if (s->conn)
        tcp_send(ss->options.tcp, s->conn);
    return sent;
}

/* ---- pins ---- */

static bool unpin(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;
    struct job *job;

    if (w->unpin_count == 0)
        return true;
    job = session_job(ss, s, JOB_MAILBOX_UNPIN);
    if (!job)
        return false;
    job->generation = SESSION_NOBODY;
    job->mailbox_unpin.count = w->unpin_count;
    memcpy(job->mailbox_unpin.pins, w->unpin, w->unpin_count * sizeof(void *));
    w->unpin_count = 0;
    job_submit(ss->options.port, job);
    return true;
}

bool session_imap_collect(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;
    struct tcp_conn *conn = s->conn ? s->conn : w->ended;

    while (conn && w->pins) {
        void *pin;

        if (w->unpin_count == IMAP_PINS_A_JOB && !unpin(ss, s))
            return false;
        pin = sendq_released(tcp_sendq(conn), ss->options.pool);
        if (!pin)
            break;
        w->unpin[w->unpin_count++] = pin;
        w->pins--;
    }
    if (w->ended && w->pins == 0) {
        tcp_set_user(w->ended, NULL);
        tcp_forget(ss->options.tcp, w->ended);
        w->ended = NULL;
    }
    return unpin(ss, s);
}
