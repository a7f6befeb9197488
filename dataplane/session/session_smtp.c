/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/delivery.h"
#include "dataplane/session/recipient.h"
#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_envelope.h"
#include "dataplane/session/session_greet.h"
#include "dataplane/session/session_directory.h"
#include "dataplane/session/session_greylist.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_line.h"
#include "dataplane/session/session_peer.h"
#include "dataplane/session/session_smtp.h"
#include "dataplane/session/session_tls.h"
#include "dataplane/session/transaction_submission.h"

/*
 * The MX: the SMTP machine's actions turned into kept bytes, verdicts and jobs. Commands of
 * one connection are worked on until the machine wants more bytes or waits for control.
 */

enum progress {
    GO_ON, /* ask the machine for its next action */
    PAUSE, /* parked, or out of bytes, or out of memory */
};

static void answer(struct session *s, enum smtp_reply_id row, struct span text)
{
    smtp_server_answer(&s->smtp, row, text);
}

/* ---- the message ---- */

static void refuse_content(struct session *s, enum smtp_reply_id row, struct span text)
{
    struct transaction *tx = s->tx;

    tx->failed = true;
    tx->reply = (uint8_t)row;
    tx->reply_text = text;
    smtp_server_refuse(&s->smtp, row, text);
}

/* What was taken comes before what happens now. */
static void read_taken(struct sessions *ss, struct session *s)
{
    struct span text = {0};
    enum smtp_reply_id row;

    if (!s->tx || !s->tx->unread)
        return;
    transaction_stamp(ss, STAGE_smtp);
    row = transaction_read(ss, s->tx, &text);
    if (row != SMTP_REPLY_NONE)
        refuse_content(s, row, text);
}

static void take_text(struct sessions *ss, struct session *s, struct span bytes)
{
    struct span text = {0};
    enum smtp_reply_id row;

    if (s->tx->failed || bytes.len == 0)
        return;
    transaction_stamp(ss, STAGE_smtp);
    row = transaction_take(ss, s, s->tx, bytes, &text);
    if (row != SMTP_REPLY_NONE)
        refuse_content(s, row, text);
    /* At its end each chunk is answered. */
    if (smtp_reader_in_chunk(&s->smtp.reader))
        read_taken(ss, s);
}

/* Of what is submitted, fields that are nobody else's business are left out before anything sees
 * them. */
static void on_text(struct sessions *ss, struct session *s, struct span bytes)
{
    struct span out;

    ss->counters->message_bytes += bytes.len;
    if (!s->tx->submission) {
        take_text(ss, s, bytes);
        return;
    }
    while (transaction_submission_take(ss, s->tx, &bytes, &out))
        take_text(ss, s, out);
}

/* The reply to the data goes to the machine, and into the record. */
void session_smtp_conclude(struct sessions *ss, struct session *s, enum smtp_reply_id row,
                           struct span text)
{
    struct transaction *tx = s->tx;

    tx->step = TRANSACTION_OVER;
    tx->reply = (uint8_t)row;
    tx->reply_text = text;
    session_deadline(ss, s, ss->settings.command_timeout_ms);
    /* Where it fails for another reason than a verdict it fails for all, and one reply says so. */
    tx->each = tx->prdr && (row == SMTP_REPLY_ACCEPTED || row == SMTP_REPLY_RULE_REJECTED ||
                            row == SMTP_REPLY_RULE_DEFERRED);
    if (tx->each)
        answer(s, SMTP_REPLY_PRDR, span_of(NULL, 0));
    else
        answer(s, row, text);
}

/* What the message comes to for one recipient. */
static void answer_recipient(struct session *s, uint16_t index)
{
    struct transaction *tx = s->tx;
    const struct transaction_accepted *a = &tx->accepted[index];
    enum smtp_reply_id row = a->row == SMTP_REPLY_NONE ? SMTP_REPLY_ACCEPTED : a->row;

    if (a->recorded)
        tx->record->message.recipients[a->record].data_code = smtp_reply_row(row)->code;
    answer(s, row, a->text);
}

static void accept(struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;
    uint8_t *text = transaction_memory(ss, tx, ID128_TEXT + 16);
    struct writer w = writer_of(text, text ? ID128_TEXT + 16 : 0);

    writer_text(&w, "accepted as ");
    id128_put(&w, &tx->message.id);
    s->messages++;
    s->since = ss->time.now;
    session_smtp_conclude(ss, s, SMTP_REPLY_ACCEPTED, writer_span(&w));
}

void session_smtp_decide(struct sessions *ss, struct session *s, enum smtp_reply_id row)
{
    struct transaction *tx = s->tx;
    struct span text = {0};

    session_deadline(ss, s, ss->settings.end_timeout_ms);
    if (row == SMTP_REPLY_NONE && !recipient_all_there(ss, tx))
        row = SMTP_REPLY_RECIPIENT_GONE;
    if (row == SMTP_REPLY_NONE)
        row = delivery_judge(ss, tx, &text);
    if (row != SMTP_REPLY_NONE) {
        session_smtp_conclude(ss, s, row, text);
        return;
    }
    delivery_place(ss, tx);
    if (tx->message.deliveries == 0) {
        accept(ss, s);
        return;
    }
    if (tx->verdict.rule != RULE_NONE)
        tx->message.verdict = rule_set_rule(tx->rules->set, (size_t)tx->verdict.rule)->id;
    transaction_subject_settle(ss, tx);
    transaction_stamp(ss, STAGE_smtp);
    if (!delivery_prefixes(ss, s)) {
        ss->counters->chunks_refused++;
        session_smtp_conclude(ss, s, SMTP_REPLY_NO_RESOURCES, span_of(NULL, 0));
        return;
    }
    transaction_release(tx);
    tx->step = TRANSACTION_WRITING;
    transaction_stamp(ss, STAGE_store);
}

/* The whole message is here. */
static void on_end(struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;
    enum smtp_reply_id row;
    struct span out;

    /* By what was taken just before. */
    if (tx->failed) {
        answer(s, (enum smtp_reply_id)tx->reply, tx->reply_text);
        return;
    }
    while (tx->submission && transaction_submission_rest(ss, tx, &out))
        take_text(ss, s, out);
    read_taken(ss, s);
    row = transaction_content_finish(ss, tx);
    tx->end_us = ss->time.now;
    if (!tx->submission || !session_directory_senders(ss, s, &row))
        session_smtp_decide(ss, s, row);
}

/* Rows that are not written yet, then the commit. PAUSE while control has the word. */
static void commit_when_written(struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;

    transaction_write(ss, s, tx);
    if (!tx->rows && tx->writes == 0)
        transaction_commit(ss, s, tx);
    transaction_stamp(ss, STAGE_store);
}

void session_smtp_end(struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;
    uint16_t code;

    s->tx = NULL;
    session_limit_bytes(ss, tx);
    if (!tx->answered) {
        /* The client went away: the message may be here all the same, and it will be sent again. */
        ss->counters->messages_unanswered += tx->committed;
        if (tx->committed)
            session_log(ss, LOG_MESSAGE_unanswered, &tx->message.envelope.client);
        tx->reply = SMTP_REPLY_NONE;
    }
    code = smtp_reply_row(tx->reply)->code;
    if (code == 250)
        ss->counters->messages_accepted++;
    else if (code >= 500)
        ss->counters->messages_rejected++;
    else if (code >= 400)
        ss->counters->messages_deferred++;
    else if (code == 0)
        ss->counters->messages_abandoned++;
    transaction_end(ss, s, tx);
}

static void count_refusal(struct sessions *ss, struct session *s, enum smtp_reply_id row)
{
    struct limit_reached reached = {0};

    if (!smtp_reply_refuses(row))
        return;
    s->refusals++;
    s->last_refusal = (uint8_t)row;
    if (smtp_reply_row(row)->code >= 500)
        reached = session_limit_error(ss, s);
    if (reached.smtp)
        smtp_server_stop(&s->smtp, (enum smtp_reply_id)reached.smtp);
}

static void on_reply(struct sessions *ss, struct session *s, const struct smtp_action *a)
{
    struct transaction *tx = s->tx;
    enum smtp_reply_id row = a->reply;

    ss->counters->smtp_reply[row]++;
    count_refusal(ss, s, row);
    s->spoke = true;
    /* A command is counted with its last reply, and no reply that answers none. */
    s->commands += row != SMTP_REPLY_READY && row != SMTP_REPLY_GO_AHEAD &&
                   row != SMTP_REPLY_AUTH_CHALLENGE && smtp_reply_row(row)->code != 421;
    if (!tx)
        return;
    /* A refusal that ends it is the message's, if only because its framing is lost; others answer
     * commands between chunks. */
    if (tx->data && a->ends && tx->reply != row && smtp_reply_refuses(row)) {
        tx->reply = (uint8_t)row;
        tx->reply_text = span_of(NULL, 0);
    }
    tx->answered |= tx->reply == row && (!tx->each || a->ends);
    if (tx->step == TRANSACTION_REFUSED)
        session_smtp_end(ss, s);
}

/* The client is counted as who it is: no more as the one, and with CONNECT as the other. */
static void on_xclient(struct sessions *ss, struct session *s, const struct smtp_action *a)
{
    enum smtp_reply_id row;

    session_limit_leave(ss, s);
    row = session_peer_xclient(ss, s, &a->xclient);
    if (row != SMTP_REPLY_OK)
        session_limit_enter(ss, s);
    else
        session_auth_end(ss, s);
    answer(s, row, span_of(NULL, 0));
}

/* The message is asked for: what the rules know of the envelope may refuse it before any of it
 * comes. */
static void on_data(struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;
    struct span text = {0};
    enum smtp_reply_id row = tx->data ? SMTP_REPLY_NONE : delivery_judge_data(ss, tx, &text);

    s->spoke = true;
    tx->data |= row == SMTP_REPLY_NONE;
    if (row != SMTP_REPLY_NONE || tx->reply != SMTP_REPLY_NONE) {
        tx->reply = (uint8_t)row;
        tx->reply_text = text;
        tx->answered = false;
    }
    answer(s, row == SMTP_REPLY_NONE ? SMTP_REPLY_OK : row, text);
}

static enum progress act(struct sessions *ss, struct session *s, const struct smtp_action *a)
{
    switch (a->kind) {
    case SMTP_ACTION_MORE:
    case SMTP_ACTION_WAIT:
        return PAUSE;
    case SMTP_ACTION_BUFFER:
        return session_line_attach(ss, s) ? GO_ON : PAUSE;
    case SMTP_ACTION_ROOM:
        return session_flush(ss, s) ? GO_ON : PAUSE;
    case SMTP_ACTION_CONNECT:
        session_greet_begin(ss, s);
        return GO_ON;
    case SMTP_ACTION_REPLY:
        on_reply(ss, s, a);
        return GO_ON;
    case SMTP_ACTION_HELO:
        session_envelope_helo(ss, s, a);
        return GO_ON;
    case SMTP_ACTION_XCLIENT:
        on_xclient(ss, s, a);
        return GO_ON;
    case SMTP_ACTION_AUTH:
        session_smtp_auth(ss, s, session_auth_begin(ss, s, a->mechanism, a->initial));
        return GO_ON;
    case SMTP_ACTION_RESPONSE:
        session_smtp_auth(ss, s,
                          a->too_long ? SESSION_AUTH_TOO_LONG : session_auth_line(ss, s, a->bytes));
        return GO_ON;
    case SMTP_ACTION_VERDICT:
        answer_recipient(s, a->index);
        return GO_ON;
    case SMTP_ACTION_FINAL:
        answer(s, s->tx->reply, s->tx->reply_text);
        return GO_ON;
    case SMTP_ACTION_MAIL:
        session_envelope_mail(ss, s, a);
        return GO_ON;
    case SMTP_ACTION_RCPT:
        session_envelope_rcpt(ss, s, a);
        return GO_ON;
    case SMTP_ACTION_DATA:
        on_data(ss, s);
        return GO_ON;
    case SMTP_ACTION_TEXT:
        on_text(ss, s, a->bytes);
        return GO_ON;
    case SMTP_ACTION_REFUSED:
        /* Unless what was read before refuses it. */
        if (!s->tx->failed)
            s->tx->reply = (uint8_t)a->reply;
        s->tx->failed = true;
        return GO_ON;
    case SMTP_ACTION_END:
        on_end(ss, s);
        return GO_ON;
    case SMTP_ACTION_RESET:
        session_smtp_end(ss, s);
        return GO_ON;
    case SMTP_ACTION_TLS:
        /* Also who it is (RFC 3207 section 4.2). */
        session_auth_end(ss, s);
        session_tls_upgrade(ss, s);
        return PAUSE;
    case SMTP_ACTION_CLOSE:
        session_shutdown(ss, s);
        return PAUSE;
    }
    return PAUSE;
}

/* Bytes of the stream that are worked on: what is left of them, and how many were taken. */
struct intake {
    struct span in;
    uint32_t taken;
};

static void consume(struct sessions *ss, struct session *s, struct intake *i)
{
    if (i->taken && s->conn && !s->closing)
        session_consume(ss, s, i->taken);
    *i = (struct intake){0};
}

/* The action looks at the stream itself, and has no spans in these bytes. */
static bool wants_stream(enum smtp_action_kind kind)
{
    return kind == SMTP_ACTION_MORE || kind == SMTP_ACTION_CONNECT || kind == SMTP_ACTION_TLS ||
           kind == SMTP_ACTION_CLOSE;
}

/* One action and the bytes it took. These are given back when all of them are used up, and not
 * before: spans of actions lie in them. */
static enum progress step(struct sessions *ss, struct session *s, struct intake *i)
{
    struct smtp_action a;
    enum progress progress;
    size_t taken;

    if (i->in.len == 0) {
        consume(ss, s, i);
        i->in = span_head(session_peek(ss, s), SESSION_STEP);
    }
    taken = i->in.len;
    smtp_server_next(&s->smtp, &i->in, &ss->out, &a);
    taken -= i->in.len;
    i->taken += (uint32_t)taken;
    if (a.kind != SMTP_ACTION_TEXT && a.kind != SMTP_ACTION_MORE)
        read_taken(ss, s);
    if (wants_stream(a.kind))
        consume(ss, s, i);
    progress = act(ss, s, &a);
    if (taken && s->conn) {
        ss->bytes_read += taken;
        if (s->tx)
            s->tx->bytes += taken;
    }
    if (a.kind == SMTP_ACTION_MORE && s->conn && session_unread(ss, s))
        progress = GO_ON;
    return progress;
}

static bool may_go_on(struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;

    if (!session_may_write(ss, s))
        return false;
    if (!tx)
        return true;
    if (tx->step == TRANSACTION_WRITING) {
        commit_when_written(ss, s);
        return false;
    }
    if (tx->step == TRANSACTION_COMMITTING || !transaction_may_end(ss, s, tx))
        return false;
    return !smtp_server_in_data(&s->smtp) || transaction_ready(ss, s, tx);
}

/* True while control has the word. */
static bool waits(const struct session *s)
{
    if (!s->tx)
        return s->more && session_auth_waits(s);
    return s->tx->step == TRANSACTION_WRITING || s->tx->step == TRANSACTION_COMMITTING ||
           s->tx->greylist || s->tx->directory;
}

/* So long from now, and never longer than a message may take in all, whatever is said between. */
static void await(struct sessions *ss, struct session *s, uint64_t milliseconds)
{
    uint64_t until = s->since + (uint64_t)ss->settings.message_timeout_ms * 1000;
    uint64_t left = until > ss->time.now ? (until - ss->time.now) / 1000 : 0;

    session_deadline(ss, s, milliseconds < left ? milliseconds : left);
}

/* A line that has begun has to end in time: only its first byte sets the deadline. */
static void await_line(struct sessions *ss, struct session *s)
{
    bool begun = smtp_server_in_line(&s->smtp);

    if (begun && !s->begun &&
        s->deadline > ss->time.now + (uint64_t)ss->settings.line_timeout_ms * 1000)
        await(ss, s, ss->settings.line_timeout_ms);
    s->begun = begun;
}

/* The next deadline, by what is awaited (RFC 5321 section 4.5.3.2), once a command was answered or
 * a piece was read. */
static void set_deadline(struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;
    bool piece = tx && tx->bytes - tx->heard >= SESSION_PIECE;

    if (waits(s))
        return;
    if (s->spoke || piece) {
        s->spoke = s->begun = false;
        if (tx)
            tx->heard = tx->bytes;
        await(ss, s,
              smtp_server_in_data(&s->smtp) ? ss->settings.data_timeout_ms
                                            : ss->settings.command_timeout_ms);
    }
    await_line(ss, s);
}

void session_smtp_run(struct sessions *ss, struct session *s)
{
    struct intake i = {0};

    if (s->tx)
        transaction_stamp_on(ss, s->tx);
    if (s->more)
        session_auth_pursue(ss, s);
    session_greet_run(ss, s);
    while (s->conn && !s->closing && may_go_on(ss, s) && step(ss, s, &i) == GO_ON)
        continue;
    consume(ss, s, &i);
    read_taken(ss, s);
    transaction_stamp(ss, STAGE_smtp);
    session_flush(ss, s);
    transaction_stamp_off(ss);
    if (!s->conn || s->closing || session_tls_shakes(s))
        return;
    session_line_release(ss, s);
    set_deadline(ss, s);
    /* The peer said all it had to say, no answer is awaited and none still to be written: nobody
     * will read on. */
    if (s->eof && !session_unread(ss, s) && !waits(s) && session_may_write(ss, s))
        session_shutdown(ss, s);
}

/* ---- answers, deadlines, the end ---- */

static enum smtp_reply_id store_row(enum job_status status)
{
    switch (status) {
    case JOB_FULL:
        return SMTP_REPLY_MAILBOX_FULL;
    case JOB_GONE:
        return SMTP_REPLY_RECIPIENT_GONE;
    case JOB_DISK_FULL:
        return SMTP_REPLY_DISK_FULL;
    default:
        return SMTP_REPLY_STORE_ERROR;
    }
}

static void written(struct sessions *ss, struct session *s, struct job *job)
{
    struct transaction *tx = s->tx;

    if (!tx || memcmp(&tx->message.id, &job->store_write.message, sizeof(struct id128)) != 0)
        return;
    tx->writes--;
    if (job->status == JOB_OK || tx->failed)
        return;
    if (tx->step == TRANSACTION_READING) {
        refuse_content(s, store_row(job->status), span_of(NULL, 0));
    } else if (tx->step == TRANSACTION_WRITING) {
        tx->failed = true;
        session_smtp_conclude(ss, s, store_row(job->status), span_of(NULL, 0));
    }
}

static void committed(struct sessions *ss, struct session *s, struct job *job)
{
    struct transaction *tx = s->tx;

    tx->commit = NULL;
    ss->counters->commits_parked--;
    tx->commit_us = ss->time.now - tx->asked_us;
    tx->committed = job->status == JOB_OK;
    if (job->status == JOB_FAILED || job->status == JOB_DISK_FULL)
        session_log(ss, LOG_MESSAGE_store_failed, &tx->message.envelope.client);
    if (tx->committed)
        delivery_count(ss, tx);
    if (!s->conn)
        tx->step = TRANSACTION_OVER;
    else if (tx->committed)
        accept(ss, s);
    else
        session_smtp_conclude(ss, s,
                              job->status == JOB_FULL ? recipient_full(ss, tx)
                                                      : store_row((enum job_status)job->status),
                              span_of(NULL, 0));
}

void session_smtp_answer(struct sessions *ss, struct session *s, struct job *job)
{
    if (s->tx)
        transaction_stamp_on(ss, s->tx);
    if (job->kind == JOB_STORE_WRITE)
        written(ss, s, job);
    else if (job->kind == JOB_STORE_COMMIT)
        committed(ss, s, job);
    else if (job->kind == JOB_GREYLIST)
        session_greylist_answer(ss, s, job);
    else if (job->kind == JOB_DIRECTORY_ADDRESS || job->kind == JOB_DIRECTORY_SENDER)
        session_directory_answer(ss, s, job);
    else
        session_smtp_auth(ss, s, session_auth_answer(ss, s, job));
    transaction_stamp(ss, STAGE_handoff);
    transaction_stamp_off(ss);
}
