/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_line.h"
#include "dataplane/session/session_pop3.h"
#include "dataplane/session/session_tls.h"

/*
 * The mailbox as POP3 sees it: logins, listings and message bytes are jobs; the bytes of a message
 * stay in the store's memory, are views in the send queue, and are given back once the peer has
 * acknowledged them.
 */

static void begin(struct sessions *ss, struct session *s)
{
    struct limit_reached reached;

    session_deadline(ss, s, ss->settings.pop3_idle_ms);
    if (session_tls_upgraded(s)) {
        pop3_server_secured(&s->pop3_server, &ss->pop3_secure[session_auth_has(s)]);
        session_pop3_run(ss, s);
        return;
    }
    pop3_server_init(&s->pop3_server, s->tls ? &ss->pop3_secure[session_auth_has(s)]
                                      : session_tls_offered(s) ? &ss->pop3_stls
                                                               : &ss->pop3_options);
    reached = session_limit_enter(ss, s);
    if (ss->draining)
        pop3_server_stop(&s->pop3_server, POP3_REPLY_DRAINING);
    else if (reached.pop3)
        pop3_server_stop(&s->pop3_server, (enum pop3_reply_id)reached.pop3);
    session_pop3_run(ss, s);
}

/* ---- jobs ---- */

static void fill(struct sessions *ss, struct retrieval *r, struct job *job)
{
    switch (job->kind) {
    case JOB_ACCOUNT_LOGIN:
        job->account_login = (struct job_account_login){
            .user = r->user, .password = r->password, .client = r->client};
        break;
    case JOB_MAILBOX_OPEN:
        session_pop3_fill_open(ss, r, job);
        break;
    case JOB_MAILBOX_READ:
        job->mailbox_read = (struct job_mailbox_read){.view = r->view,
                                                      .index = r->index,
                                                      .offset = r->offset,
                                                      .most = session_pop3_most(ss, r)};
        break;
    case JOB_MAILBOX_DELETE:
        job->mailbox_delete = (struct job_mailbox_delete){.view = r->view, .marked = r->deleted};
        break;
    case JOB_MAILBOX_CLOSE:
        job->mailbox_close.view = r->view;
        r->view = NULL;
        break;
    default:
        break;
    }
}

bool session_pop3_pursue(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    struct job *job;

    if (!r)
        return s->more && session_auth_waits(s);
    if (r->asked != NO_JOB || r->held)
        return true;
    if (r->wanted == NO_JOB)
        return false;
    if (r->wanted == JOB_MAILBOX_READ && !session_pop3_give_up(ss, s))
        return true;
    job = session_job(ss, s, r->wanted);
    if (!job)
        return true;
    fill(ss, r, job);
    r->asked = r->wanted;
    r->wanted = NO_JOB;
    job_submit(ss->options.port, job);
    return true;
}

bool session_pop3_unpin(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    struct job *job;

    if (r->unpin_count == 0)
        return true;
    job = session_job(ss, s, JOB_MAILBOX_UNPIN);
    if (!job)
        return false;
    job->generation = SESSION_NOBODY;
    job->mailbox_unpin.count = r->unpin_count;
    memcpy(job->mailbox_unpin.pins, r->unpin, r->unpin_count * sizeof(void *));
    r->unpin_count = 0;
    job_submit(ss->options.port, job);
    return true;
}

static bool collect_pins(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    struct tcp_conn *conn = s->conn ? s->conn : r->ended;

    while (conn && r->pins) {
        void *pin;

        if (r->unpin_count == PINS_A_JOB && !session_pop3_unpin(ss, s))
            return false;
        pin = sendq_released(tcp_sendq(conn), ss->options.pool);
        if (!pin)
            break;
        r->unpin[r->unpin_count++] = pin;
        r->pins--;
    }
    session_pop3_settle(ss, r);
    if (r->ended && r->pins == 0) {
        tcp_set_user(r->ended, NULL);
        tcp_forget(ss->options.tcp, r->ended);
        r->ended = NULL;
    }
    return session_pop3_unpin(ss, s);
}

static bool holds(struct session *s, struct tcp_conn *conn)
{
    if (!s->pop3 || s->pop3->pins == 0)
        return false;
    s->pop3->ended = conn;
    return true;
}

void session_pop3_release(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;

    session_pop3_settle(ss, r);
    session_pop3_leave(ss, s);
    s->pop3 = NULL;
    chunk_give(ss->options.pool, r->home);
}

void session_pop3_leave(struct sessions *ss, struct session *s)
{
    if (s->pop3)
        session_limit_logout(ss, s->pop3->account, &s->pop3->counted);
}

/* ---- actions ---- */

static void on_reply(struct sessions *ss, struct session *s, enum pop3_reply_id row)
{
    if (row == POP3_REPLY_NONE)
        return;
    ss->counters->pop3_reply[row]++;
    s->spoke = true;
    s->commands += row != POP3_REPLY_READY && row != POP3_REPLY_AUTH_CHALLENGE &&
                   row < POP3_REPLY_TOO_MANY_ERRORS;
    s->refusals += pop3_reply_refuses(row);
    if (pop3_reply_refuses(row))
        s->last_refusal = (uint8_t)row;
}

/* Who logs in again upon the reply to QUIT finds no lock (RFC 1939 section 6). What is still on its
 * way of messages is the view's: then it ends with the connection. */
static void release_mailbox(struct sessions *ss, struct session *s, enum pop3_reply_id reply)
{
    struct retrieval *r = s->pop3;

    if (!session_pop3_give_up(ss, s) || !collect_pins(ss, s) || r->pins) {
        pop3_server_answer(&s->pop3_server, reply);
        return;
    }
    r->parting = (uint8_t)reply;
    r->wanted = JOB_MAILBOX_CLOSE;
}

/* Does what the machine says; false when it has to wait. */
static bool act(struct sessions *ss, struct session *s, const struct pop3_action *a)
{
    struct retrieval *r = s->pop3;

    switch (a->kind) {
    case POP3_ACTION_MORE:
    case POP3_ACTION_WAIT:
        return false;
    case POP3_ACTION_BUFFER:
        return session_line_attach(ss, s);
    case POP3_ACTION_ROOM:
        return session_flush(ss, s);
    case POP3_ACTION_REPLY:
        on_reply(ss, s, a->reply);
        return true;
    case POP3_ACTION_LOGIN:
        session_pop3_login(ss, s, a);
        return true;
    case POP3_ACTION_AUTH:
        session_pop3_auth(ss, s, session_auth_begin(ss, s, a->mechanism, a->initial));
        return true;
    case POP3_ACTION_RESPONSE:
        session_pop3_auth(ss, s, session_auth_line(ss, s, a->bytes));
        return true;
    case POP3_ACTION_RETR:
        session_pop3_fetch(ss, s, a);
        return true;
    case POP3_ACTION_MESSAGE:
        /* The status line goes first. */
        r->sending = session_flush(ss, s);
        return r->sending;
    case POP3_ACTION_UPDATE:
        r->deleted = a->deleted;
        r->deleted_count = a->deleted_count;
        if (r->deleted_count)
            r->wanted = JOB_MAILBOX_DELETE;
        else
            release_mailbox(ss, s, POP3_REPLY_OK);
        return true;
    case POP3_ACTION_TLS:
        session_tls_upgrade(ss, s);
        return false;
    case POP3_ACTION_CLOSE:
        session_shutdown(ss, s);
        return false;
    }
    return false;
}

/* ---- reading ---- */

static bool step(struct sessions *ss, struct session *s)
{
    struct span all = session_peek(ss, s), in = all;
    struct pop3_action a;
    bool go_on;
    size_t taken;

    pop3_server_next(&s->pop3_server, &in, &ss->out, &a);
    taken = all.len - in.len;
    go_on = act(ss, s, &a);
    if (taken && s->conn) {
        session_consume(ss, s, (uint32_t)taken);
        ss->bytes_read += taken;
    }
    return go_on || (a.kind == POP3_ACTION_MORE && s->conn && session_unread(ss, s));
}

/* The next deadline, once a command was answered or the peer has taken a piece of a message. */
static void set_deadline(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    bool piece = r && r->queued_bytes - r->heard >= SESSION_PIECE;

    if (!s->spoke && !piece)
        return;
    s->spoke = false;
    if (r)
        r->heard = r->queued_bytes;
    session_deadline(ss, s, ss->settings.pop3_idle_ms);
}

void session_pop3_run(struct sessions *ss, struct session *s)
{
    if (s->pop3 && !collect_pins(ss, s))
        return;
    if (s->more)
        session_auth_pursue(ss, s);
    while (s->conn && !s->closing && session_may_write(ss, s) && !session_pop3_pursue(ss, s)) {
        if (s->pop3 && s->pop3->sending ? !session_pop3_send(ss, s) : !step(ss, s))
            break;
    }
    session_flush(ss, s);
    if (!s->conn || s->closing || session_tls_shakes(s))
        return;
    session_line_release(ss, s);
    set_deadline(ss, s);
    if (s->eof && !session_unread(ss, s) && !session_pop3_pursue(ss, s) &&
        !(s->pop3 && s->pop3->sending) && session_may_write(ss, s))
        session_shutdown(ss, s);
}

/* ---- answers ---- */

static void deleted(struct sessions *ss, struct session *s, struct job *job)
{
    if (job->status == JOB_OK)
        ss->counters->pop3_deleted += s->pop3->deleted_count;
    release_mailbox(ss, s, job->status == JOB_OK ? POP3_REPLY_OK : POP3_REPLY_NOT_REMOVED);
}

static void answer(struct sessions *ss, struct session *s, struct job *job)
{
    if (!s->pop3) {
        session_pop3_auth(ss, s, session_auth_answer(ss, s, job));
        return;
    }
    s->pop3->asked = NO_JOB;
    switch (job->kind) {
    case JOB_ACCOUNT_LOGIN:
        session_pop3_judged(ss, s, job);
        break;
    case JOB_MAILBOX_OPEN:
        session_pop3_opened(ss, s, job);
        break;
    case JOB_MAILBOX_READ:
        session_pop3_fetched(ss, s, job);
        break;
    case JOB_MAILBOX_DELETE:
        deleted(ss, s, job);
        break;
    case JOB_MAILBOX_CLOSE:
        pop3_server_answer(&s->pop3_server, (enum pop3_reply_id)s->pop3->parting);
        break;
    default:
        break;
    }
}

static bool updates(const struct retrieval *r)
{
    return r->asked == JOB_MAILBOX_DELETE || r->wanted == JOB_MAILBOX_DELETE ||
           r->asked == JOB_MAILBOX_CLOSE || r->wanted == JOB_MAILBOX_CLOSE;
}

static const enum pop3_reply_id farewells[] = {[SESSION_TIMED_OUT] = POP3_REPLY_TIMEOUT,
                                               [SESSION_DRAINED] = POP3_REPLY_DRAINING,
                                               [SESSION_BANNED] = POP3_REPLY_BANNED};

static void expire(struct sessions *ss, struct session *s, enum session_end why)
{
    if (s->pop3 && updates(s->pop3)) {
        /* It is durable before we know: only the store can say what became of it. */
        session_deadline(ss, s, ss->settings.end_timeout_ms);
        return;
    }
    pop3_server_stop(&s->pop3_server, farewells[why]);
    if (s->pop3 && s->pop3->held)
        session_pop3_release(ss, s);
    if (s->pop3)
        s->pop3->sending = false;
    session_pop3_run(ss, s);
    if (s->conn && !s->closing)
        session_abort(ss, s, "timed out");
}

/* ---- the end ---- */

static bool idle(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    struct job *job;

    if (!r)
        return session_auth_idle(s);
    if (!collect_pins(ss, s) || r->asked != NO_JOB)
        return false;
    /* What was queued of it may still be on its way. */
    if (!session_pop3_give_up(ss, s) || !collect_pins(ss, s) || r->pins)
        return false;
    if (r->view) {
        job = session_job(ss, s, JOB_MAILBOX_CLOSE);
        if (!job)
            return false;
        job->generation = SESSION_NOBODY;
        job->mailbox_close.view = r->view;
        job_submit(ss->options.port, job);
    }
    session_pop3_release(ss, s);
    return true;
}

/* ---- the table ---- */

static bool busy(const struct session *s)
{
    return s->pop3 != NULL;
}

/* Lines of an exchange may be long. */
static enum chunk_class line_class(const struct session *s)
{
    _Static_assert(POP3_SERVER_BUFFER <= 4096 - CHUNK_HEADER, "a buffer fits its chunk");
    return pop3_server_in_exchange(&s->pop3_server) ? CHUNK_LARGE : CHUNK_MEDIUM;
}

static void attach(struct session *s, uint8_t *buffer)
{
    pop3_server_attach(&s->pop3_server, buffer);
}

static bool detach(struct session *s)
{
    return pop3_server_detach(&s->pop3_server) != NULL;
}

static const char *refusal(const struct session *s)
{
    return pop3_reply_row(s->last_refusal)->counter;
}

static uint32_t patience(const struct sessions *ss)
{
    return ss->settings.pop3_idle_ms;
}

const struct session_protocol session_pop3_protocol = {
    .begin = begin,
    .run = session_pop3_run,
    .answer = answer,
    .wake = session_pop3_wake,
    .expire = expire,
    .busy = busy,
    .idle = idle,
    .leave = session_pop3_leave,
    .holds = holds,
    .line_class = line_class,
    .attach = attach,
    .detach = detach,
    .refusal = refusal,
    .patience = patience,
};
