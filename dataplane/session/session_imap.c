/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_imap.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_line.h"
#include "dataplane/session/session_pack.h"
#include "dataplane/session/session_tls.h"
#include "dataplane/session/transaction.h"

/*
 * IMAP: the machine frames commands and knows who the client is; control executes them one at a
 * time, and its answer is pulled piece by piece as the client takes it. Between two commands, and
 * while it idles, a session has its 256 bytes and nothing else here.
 */

static uint32_t idle_ms(const struct sessions *ss, const struct session *s)
{
    return s->mail && s->known ? ss->settings.imap_idle_ms : ss->settings.imap_login_ms;
}

static void begin(struct sessions *ss, struct session *s)
{
    struct limit_reached reached;

    s->mail = NULL;
    session_deadline(ss, s, ss->settings.imap_login_ms);
    if (session_tls_upgraded(s)) {
        imap_server_secured(&s->imap, &ss->imap_secure[session_auth_has(s)]);
        session_imap_run(ss, s);
        return;
    }
    imap_server_init(&s->imap, s->tls                   ? &ss->imap_secure[session_auth_has(s)]
                               : session_tls_offered(s) ? &ss->imap_starttls
                                                        : &ss->imap_options);
    reached = session_limit_enter(ss, s);
    if (ss->draining)
        imap_server_stop(&s->imap, IMAP_REPLY_DRAINING);
    else if (reached.imap)
        imap_server_stop(&s->imap, (enum imap_reply_id)reached.imap);
    session_imap_run(ss, s);
}

/* ---- work ---- */

struct imap_work *session_imap_work(struct sessions *ss, struct session *s)
{
    struct chunk *home;

    _Static_assert(sizeof(struct imap_work) <= 512 - CHUNK_HEADER, "it lies in a small chunk");
    if (s->work)
        return s->work;
    home = chunk_take(ss->options.pool, CHUNK_SMALL);
    if (!home) {
        ss->counters->chunks_short++;
        session_stall(ss, s);
        return NULL;
    }
    s->work = (struct imap_work *)home->data;
    memset(s->work, 0, sizeof(*s->work));
    s->work->home = home;
    s->work->wanted = s->work->asked = IMAP_NO_JOB;
    return s->work;
}

void session_imap_rest(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;

    if (!w || w->asked != IMAP_NO_JOB || w->wanted != IMAP_NO_JOB || w->answering || w->out ||
        w->pin || w->piece.len || w->pins || w->unpin_count || w->ended || w->tx)
        return;
    s->work = NULL;
    chunk_give(ss->options.pool, w->home);
}

/* What control writes into: little at first, since most answers are short. */
static bool lend(struct sessions *ss, struct session *s, struct job *job)
{
    enum job_kind kind = (enum job_kind)s->work->wanted;

    if (kind == JOB_IMAP_OPEN)
        return true;
    job->imap.out =
        chunk_take(ss->options.pool, kind == JOB_IMAP_MORE ? CHUNK_LARGE : CHUNK_MEDIUM);
    if (job->imap.out)
        return true;
    ss->counters->chunks_short++;
    session_stall(ss, s);
    job_give(ss->options.port, job);
    return false;
}

static void fill(struct session *s, struct job *job)
{
    struct imap_work *w = s->work;
    struct chunk *out = job->imap.out;

    job->imap = (struct job_imap){.session = s->mail, .account = s->account, .out = out};
    if (job->kind == JOB_IMAP_OPEN) {
        job->imap.session = NULL;
    } else if (job->kind == JOB_IMAP_COMMAND) {
        job->imap.command = w->command;
        job->imap.done = w->done;
        job->imap.append_max = imap_server_append_limit(s->imap.options);
    } else if (job->kind == JOB_IMAP_APPEND) {
        job->imap.message = w->fault ? NULL : &w->tx->message;
        job->imap.fault = w->fault;
        job->imap.fault_bad = w->fault_bad;
        job->imap.command = w->command;
        job->imap.again = w->again;
        job->imap.nul = w->nul;
    }
}

bool session_imap_pursue(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;
    struct job *job;

    if (!w)
        return s->more && session_auth_waits(s);
    if (w->asked != IMAP_NO_JOB)
        return true;
    if (w->wanted == IMAP_NO_JOB)
        return s->more && session_auth_waits(s);
    job = session_job(ss, s, (enum job_kind)w->wanted);
    if (!job)
        return true;
    job->imap.out = NULL;
    if (!lend(ss, s, job))
        return true;
    fill(s, job);
    w->asked = w->wanted;
    w->wanted = IMAP_NO_JOB;
    job_submit(ss->options.port, job);
    return true;
}

/* ---- actions ---- */

static void on_reply(struct sessions *ss, struct session *s, enum imap_reply_id row)
{
    ss->counters->imap_reply[row]++;
    s->spoke = true;
    s->commands += imap_reply_row(row)->form == IMAP_FORM_TAGGED;
    s->refusals += imap_reply_refuses(row);
    if (imap_reply_refuses(row))
        s->last_refusal = (uint8_t)row;
    if (row == IMAP_REPLY_COMPRESSED)
        session_pack_begin(ss, s);
}

/* A larger buffer takes the place of the one there is. */
static bool attach(struct sessions *ss, struct session *s, uint64_t size)
{
    struct chunk *line =
        chunk_take(ss->options.pool, size <= IMAP_SERVER_BUFFER ? CHUNK_MEDIUM : CHUNK_LARGE);

    if (!line) {
        ss->counters->chunks_short++;
        session_stall(ss, s);
        return false;
    }
    imap_server_attach(&s->imap, line->data, line->cap);
    session_line_give(ss, s);
    s->line = line;
    return true;
}

/* A command, or the end of an IDLE. */
static bool execute(struct sessions *ss, struct session *s, const struct imap_action *a)
{
    struct imap_work *w = session_imap_work(ss, s);

    if (!w) {
        /* The machine has handed it out: without memory for it there is no answer. */
        session_abort(ss, s, "no memory for a command");
        return false;
    }
    ss->counters->imap_commands++;
    s->commands++;
    w->command = a->bytes;
    w->done = a->kind == IMAP_ACTION_DONE;
    w->append = a->kind == IMAP_ACTION_APPEND;
    w->answering = true;
    w->wanted = JOB_IMAP_COMMAND;
    return true;
}

/* Does what the machine says; false when it has to wait. */
static bool act(struct sessions *ss, struct session *s, const struct imap_action *a)
{
    switch (a->kind) {
    case IMAP_ACTION_MORE:
    case IMAP_ACTION_WAIT:
        return false;
    case IMAP_ACTION_BUFFER:
        return attach(ss, s, a->size);
    case IMAP_ACTION_ROOM:
        return session_flush(ss, s);
    case IMAP_ACTION_REPLY:
        on_reply(ss, s, a->reply);
        return true;
    case IMAP_ACTION_LOGIN:
        session_imap_auth(ss, s, session_auth_password(ss, s, a->user, a->password));
        return true;
    case IMAP_ACTION_AUTH:
        session_imap_auth(ss, s, session_auth_begin(ss, s, a->mechanism, a->initial));
        return true;
    case IMAP_ACTION_RESPONSE:
        session_imap_auth(ss, s, session_auth_line(ss, s, a->bytes));
        return true;
    case IMAP_ACTION_APPEND:
        if (s->work && s->work->tx) {
            session_imap_append_whole(s, a->bytes, true);
            return true;
        }
        return execute(ss, s, a);
    case IMAP_ACTION_COMMAND:
    case IMAP_ACTION_DONE:
        return execute(ss, s, a);
    case IMAP_ACTION_DATA:
        session_imap_append_take(ss, s, a->bytes);
        return true;
    case IMAP_ACTION_DATA_END:
        session_imap_append_end(ss, s, a);
        return true;
    case IMAP_ACTION_APPEND_END:
        session_imap_append_whole(s, a->bytes, false);
        return true;
    case IMAP_ACTION_APPEND_FAIL:
        session_imap_append_fail(s, a);
        return true;
    case IMAP_ACTION_COMPRESS:
        imap_server_compress(&s->imap, session_pack_new(ss, s));
        return true;
    case IMAP_ACTION_TLS:
        session_tls_upgrade(ss, s);
        return false;
    case IMAP_ACTION_CLOSE:
        session_shutdown(ss, s);
        return false;
    }
    return false;
}

/* ---- reading ---- */

/* What is compressed can be read, and has said no more than a command may. */
static bool unpack(struct sessions *ss, struct session *s)
{
    static const enum imap_reply_id farewell[] = {[SESSION_PACK_BROKEN] = IMAP_REPLY_COMPRESS_BROKEN,
                                                  [SESSION_PACK_BOMB] = IMAP_REPLY_COMPRESS_BOMB};
    const struct imap_reader_limits *limits = &s->imap.options->limits;
    enum session_pack_fault fault;

    if (imap_server_between(&s->imap))
        session_pack_counted(ss, s);
    if (!session_pack_ready(ss, s))
        return false;
    (void)session_peek(ss, s);
    if (!s->conn)
        return false;
    fault = session_pack_fault(ss, s, limits->append + limits->command);
    if (fault != SESSION_PACK_SOUND)
        imap_server_stop(&s->imap, farewell[fault]);
    return true;
}

static bool step(struct sessions *ss, struct session *s)
{
    struct span all, in;
    struct imap_action a;
    bool go_on;
    size_t taken;

    if (s->work && s->work->tx && !session_imap_append_ready(ss, s))
        return false;
    if (s->packed && !unpack(ss, s))
        return false;
    all = session_peek(ss, s);
    in = s->work && s->work->tx ? span_head(all, SESSION_STEP) : all;
    all.len = in.len;
    imap_server_next(&s->imap, &in, &ss->out, &a);
    taken = all.len - in.len;
    go_on = act(ss, s, &a);
    if (taken && s->conn) {
        session_consume(ss, s, (uint32_t)taken);
        ss->bytes_read += taken;
    }
    return go_on || (a.kind == IMAP_ACTION_MORE && s->conn && session_unread(ss, s));
}

/* All that control has said so far is queued: it goes on, or the command is answered. */
static void answered(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;

    if (w->more) {
        w->more = false;
        w->wanted = JOB_IMAP_MORE;
        return;
    }
    if (!w->answering)
        return;
    w->answering = false;
    if (w->append && w->accepted) {
        session_imap_append(ss, s);
        return;
    }
    if (w->append)
        imap_server_append_refuse(&s->imap);
    w->append = false;
    s->spoke = true;
    s->idling = w->state == IMAP_EXECUTED_IDLE;
    ss->counters->imap_bad += w->bad;
    s->refusals += w->bad;
    imap_server_executed(&s->imap, (enum imap_executed)w->state, w->bad);
}

/* Goes on with what control has said. False: it waits. */
static bool deliver(struct sessions *ss, struct session *s)
{
    if (!session_imap_send(ss, s))
        return false;
    if (s->work->wanted == IMAP_NO_JOB && (s->work->more || s->work->answering))
        answered(ss, s);
    return true;
}

static void ask_news(struct sessions *ss, struct session *s)
{
    struct imap_work *w = session_imap_work(ss, s);

    if (!w || w->asked != IMAP_NO_JOB || w->wanted != IMAP_NO_JOB || w->more || w->answering)
        return;
    s->news = false;
    ss->counters->imap_news++;
    w->wanted = JOB_IMAP_NEWS;
}

/* The next deadline, once a command was answered or the peer has taken a piece of an answer. */
static void set_deadline(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;
    bool piece = w && w->queued_bytes - w->heard >= SESSION_PIECE;

    if (!s->spoke && !piece)
        return;
    s->spoke = false;
    if (w)
        w->heard = w->queued_bytes;
    session_deadline(ss, s, idle_ms(ss, s));
}

static bool run_once(struct sessions *ss, struct session *s)
{
    if (s->work && s->work->whole)
        session_imap_append_commit(ss, s);
    if (s->work && !deliver(ss, s))
        return false;
    if (s->news && s->idling)
        ask_news(ss, s);
    if (session_imap_pursue(ss, s))
        return false;
    return (s->work && (s->work->more || s->work->out)) || step(ss, s);
}

void session_imap_run(struct sessions *ss, struct session *s)
{
    if (s->work && !session_imap_collect(ss, s))
        return;
    if (s->work && s->work->closed && !session_imap_append_forget(ss, s))
        return;
    if (s->more)
        session_auth_pursue(ss, s);
    if (s->packed)
        session_pack_turn(ss, s);
    while (s->conn && !s->closing && session_may_write(ss, s) && !session_imap_pursue(ss, s) &&
           run_once(ss, s)) {
    }
    session_flush(ss, s);
    if (!s->conn || s->closing || session_tls_shakes(s))
        return;
    session_imap_rest(ss, s);
    session_line_release(ss, s);
    if (s->packed && !s->work && imap_server_between(&s->imap))
        session_pack_rest(ss, s);
    set_deadline(ss, s);
    if (s->eof && !session_unread(ss, s) && !session_imap_pursue(ss, s) && session_may_write(ss, s))
        session_shutdown(ss, s);
}

/* ---- answers ---- */

static void take_answer(struct sessions *ss, struct session *s, struct job *job)
{
    struct imap_work *w = s->work;

    if (job->kind == JOB_STORE_WRITE) {
        session_imap_append_written(ss, s, job);
        return;
    }
    if (job->kind < JOB_IMAP_OPEN || job->kind > JOB_IMAP_CLOSE) {
        session_imap_auth(ss, s, session_auth_answer(ss, s, job));
        return;
    }
    w->asked = IMAP_NO_JOB;
    if (job->kind == JOB_IMAP_OPEN) {
        session_imap_opened(ss, s, job);
        return;
    }
    session_imap_take(ss, s, &job->imap);
    if (job->kind == JOB_IMAP_APPEND)
        session_imap_append_done(ss, s);
    if (job->status != JOB_OK) {
        w->more = false;
        w->state = IMAP_EXECUTED_OVER;
        imap_server_stop(&s->imap, IMAP_REPLY_FAULT);
    }
}

static const enum imap_reply_id farewells[] = {[SESSION_TIMED_OUT] = IMAP_REPLY_TIMEOUT,
                                               [SESSION_DRAINED] = IMAP_REPLY_DRAINING,
                                               [SESSION_BANNED] = IMAP_REPLY_BANNED};

static void expire(struct sessions *ss, struct session *s, enum session_end why)
{
    imap_server_stop(&s->imap, farewells[why]);
    session_imap_run(ss, s);
    if (s->conn && !s->closing)
        session_abort(ss, s, "timed out");
}

/* ---- the end ---- */

/* What was not queued yet of an answer. */
static void drop_answer(struct sessions *ss, struct imap_work *w)
{
    if (w->out)
        chunk_give(ss->options.pool, w->out);
    w->out = NULL;
    w->piece = span_of(NULL, 0);
    w->more = w->answering = false;
    w->wanted = IMAP_NO_JOB;
    if (w->pin && w->unpin_count < IMAP_PINS_A_JOB) {
        w->unpin[w->unpin_count++] = w->pin;
        w->pin = NULL;
    }
}

static bool close_mail(struct sessions *ss, struct session *s)
{
    struct job *job;

    if (!s->known || !s->mail)
        return true;
    job = session_job(ss, s, JOB_IMAP_CLOSE);
    if (!job)
        return false;
    job->generation = SESSION_NOBODY;
    job->imap = (struct job_imap){.session = s->mail, .account = s->account};
    s->mail = NULL;
    job_submit(ss->options.port, job);
    return true;
}

static bool idle(struct sessions *ss, struct session *s)
{
    struct imap_work *w = s->work;

    if (!session_auth_idle(s))
        return false;
    if (w && w->asked != IMAP_NO_JOB)
        return false;
    if (w && w->tx && !session_imap_append_forget(ss, s))
        return false;
    if (w) {
        drop_answer(ss, w);
        if (!session_imap_collect(ss, s) || w->pin || w->pins)
            return false;
    }
    if (!close_mail(ss, s))
        return false;
    session_imap_rest(ss, s);
    return true;
}

static bool holds(struct session *s, struct tcp_conn *conn)
{
    if (!s->work || s->work->pins == 0)
        return false;
    s->work->ended = conn;
    return true;
}

static bool busy(const struct session *s)
{
    return !imap_server_between(&s->imap);
}

static bool detach_line(struct session *s)
{
    return imap_server_detach(&s->imap) != NULL;
}

static const char *refusal(const struct session *s)
{
    return imap_reply_row(s->last_refusal)->counter;
}

static uint32_t patience(const struct sessions *ss)
{
    return ss->settings.imap_login_ms;
}

const struct session_protocol session_imap_protocol = {
    .begin = begin,
    .run = session_imap_run,
    .answer = take_answer,
    .wake = session_imap_wake,
    .expire = expire,
    .busy = busy,
    .idle = idle,
    .leave = session_imap_leave,
    .holds = holds,
    .detach = detach_line,
    .refusal = refusal,
    .patience = patience,
};
