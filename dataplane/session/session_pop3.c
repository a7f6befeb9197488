/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/recipient.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_more.h"

#include "proto/address/address.h"
#include "proto/pop3/pop3_stuff.h"

/*
 * The mailbox as POP3 sees it: logins, listings and message bytes are jobs; the bytes of a message
 * stay in the store's memory, are views in the send queue, and are given back once the peer has
 * acknowledged them.
 */

enum { PINS_A_JOB = 16, PASSWORD_MAX = 255, NO_JOB = JOB_KINDS };

/* A login under way, then the open mailbox. Lives in a medium chunk. */
struct retrieval {
    struct chunk *home;
    struct tcp_conn *ended; /* the connection that has ended while pins lie in its queue */
    struct chunk *marks;    /* deletion marks of a mailbox that is too large for `home` */
    const struct pop3_mailbox *view;
    uint64_t account;
    struct span user, password; /* in `home`; the password is wiped once it was judged */
    uint64_t offset;            /* of the message that is read: bytes asked for so far */
    uint64_t queued_bytes;      /* of messages, handed to TCP */
    uint64_t heard;             /* of them, when the deadline was set last */
    struct span piece;          /* what is left to queue of the store's last answer */
    struct span queued;         /* stuffed out of `piece` but not queued yet, for want of a chunk */
    void *pin;                  /* that holds `piece` */
    void *unpin[PINS_A_JOB];    /* to give back */
    const uint8_t *deleted;
    uint32_t deleted_count;
    uint32_t unpin_count;
    uint32_t pins;  /* in the send queue */
    uint32_t index; /* of the message that is read */
    uint8_t wanted; /* enum job_kind that waits for a free job, or NO_JOB */
    uint8_t asked;  /* enum job_kind that control has, or NO_JOB */
    bool sending;
    struct pop3_stuff stuff;
};

void session_pop3_begin(struct sessions *ss, struct session *s)
{
    struct limit_reached reached;

    pop3_server_init(&s->pop3_server, &ss->pop3_options);
    session_deadline(ss, s, ss->settings.pop3_idle_ms);
    reached = session_limit_enter(ss, s);
    if (ss->draining)
        pop3_server_stop(&s->pop3_server, POP3_REPLY_DRAINING);
    else if (reached.pop3)
        pop3_server_stop(&s->pop3_server, (enum pop3_reply_id)reached.pop3);
    session_pop3_run(ss, s);
}

/* ---- jobs ---- */

static void fill(struct retrieval *r, struct job *job)
{
    switch (job->kind) {
    case JOB_ACCOUNT_LOGIN:
        job->account_login = (struct job_account_login){.user = r->user, .password = r->password};
        break;
    case JOB_MAILBOX_OPEN:
        job->mailbox_open = (struct job_mailbox_open){.account = r->account};
        break;
    case JOB_MAILBOX_READ:
        job->mailbox_read =
            (struct job_mailbox_read){.view = r->view, .index = r->index, .offset = r->offset};
        break;
    case JOB_MAILBOX_DELETE:
        job->mailbox_delete = (struct job_mailbox_delete){.view = r->view, .marked = r->deleted};
        break;
    default:
        break;
    }
}

/* Asks what is wanted; true when control has, or will have, the word. */
static bool pursue(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    struct job *job;

    if (!r)
        return false;
    if (r->asked != NO_JOB)
        return true;
    if (r->wanted == NO_JOB)
        return false;
    job = session_job(ss, s, r->wanted);
    if (!job)
        return true;
    fill(r, job);
    r->asked = r->wanted;
    r->wanted = NO_JOB;
    job_submit(ss->options.port, job);
    return true;
}

/* Gives pins back to the store. False: no job is free, the session is run again. */
static bool give_pins(struct sessions *ss, struct session *s)
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

        if (r->unpin_count == PINS_A_JOB && !give_pins(ss, s))
            return false;
        pin = sendq_released(tcp_sendq(conn), ss->options.pool);
        if (!pin)
            break;
        r->unpin[r->unpin_count++] = pin;
        r->pins--;
    }
    if (r->ended && r->pins == 0) {
        tcp_set_user(r->ended, NULL);
        tcp_forget(ss->options.tcp, r->ended);
        r->ended = NULL;
    }
    return give_pins(ss, s);
}

bool session_pop3_holds(struct session *s, struct tcp_conn *conn)
{
    if (!s->pop3 || s->pop3->pins == 0)
        return false;
    s->pop3->ended = conn;
    return true;
}

static void release(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;

    s->pop3 = NULL;
    chunk_give(ss->options.pool, r->marks);
    chunk_give(ss->options.pool, r->home);
}

/* ---- actions ---- */

static struct span keep(struct chunk *home, struct span bytes)
{
    uint8_t *at = home->data + home->len;

    memcpy(at, bytes.data, bytes.len);
    home->len += (uint32_t)bytes.len;
    return span_of(at, bytes.len);
}

/* A name that reads as an address is looked up as mail to it would be; any other cannot exist, but
 * is judged alike. */
static struct span user_key(struct sessions *ss, struct chunk *home, struct span user)
{
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer key = writer_of(text, sizeof(text));
    struct address address;

    if (address_mailbox(user, 0, &address) == ADDRESS_OK &&
        recipient_key(ss->settings.directory, &address, &key))
        return keep(home, writer_span(&key));
    return keep(home, user);
}

static void on_login(struct sessions *ss, struct session *s, const struct pop3_action *a)
{
    struct chunk *home = chunk_take(ss->options.pool, CHUNK_MEDIUM);
    struct retrieval *r;

    if (!home || !ss->settings.pop3_cleartext || a->user.len > PASSWORD_MAX ||
        a->password.len > PASSWORD_MAX) {
        pop3_server_answer(&s->pop3_server, home && !ss->settings.pop3_cleartext
                                                ? POP3_REPLY_SYS_PERM
                                                : POP3_REPLY_SYS_TEMP);
        chunk_give(ss->options.pool, home);
        return;
    }
    r = (struct retrieval *)home->data;
    memset(r, 0, sizeof(*r));
    home->len = sizeof(*r);
    r->home = home;
    r->user = user_key(ss, home, a->user);
    r->password = keep(home, a->password);
    r->wanted = JOB_ACCOUNT_LOGIN;
    r->asked = NO_JOB;
    s->pop3 = r;
}

static void on_reply(struct sessions *ss, struct session *s, enum pop3_reply_id row)
{
    if (row == POP3_REPLY_NONE)
        return;
    ss->counters->pop3_reply[row]++;
    s->spoke = true;
    s->commands += row != POP3_REPLY_READY && row < POP3_REPLY_TOO_MANY_ERRORS;
    s->refusals += pop3_reply_refuses(row);
    if (pop3_reply_refuses(row))
        s->last_refusal = (uint8_t)row;
}

static bool attach_line(struct sessions *ss, struct session *s)
{
    uint8_t *buffer = session_line_take(ss, s);

    if (buffer)
        pop3_server_attach(&s->pop3_server, buffer);
    return buffer != NULL;
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
        return attach_line(ss, s);
    case POP3_ACTION_ROOM:
        return session_flush(ss, s);
    case POP3_ACTION_REPLY:
        on_reply(ss, s, a->reply);
        return true;
    case POP3_ACTION_LOGIN:
        on_login(ss, s, a);
        return true;
    case POP3_ACTION_RETR:
        r->index = a->index;
        r->offset = 0;
        r->stuff = (struct pop3_stuff){0};
        r->wanted = JOB_MAILBOX_READ;
        return true;
    case POP3_ACTION_MESSAGE:
        /* The status line goes first. */
        r->sending = session_flush(ss, s);
        return r->sending;
    case POP3_ACTION_UPDATE:
        r->deleted = a->deleted;
        r->deleted_count = a->deleted_count;
        r->wanted = JOB_MAILBOX_DELETE;
        return true;
    case POP3_ACTION_CLOSE:
        session_shutdown(ss, s);
        return false;
    }
    return false;
}

/* ---- a message on its way out ---- */

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
    ss->counters->pop3_retrieved++;
    pop3_server_answer(&s->pop3_server, POP3_REPLY_OK);
}

/* Sends on; false when it waits for room, memory or the store. */
static bool send_on(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    bool queued = queue_piece(ss, s);

    tcp_send(ss->options.tcp, s->conn);
    if (!queued)
        return false;
    if (r->offset < r->view->entries[r->index].size) {
        r->wanted = JOB_MAILBOX_READ;
        pursue(ss, s);
        return false;
    }
    message_sent(ss, s);
    return true;
}

static bool step(struct sessions *ss, struct session *s)
{
    struct span all = tcp_peek(s->conn), in = all;
    struct pop3_action a;
    bool go_on;
    size_t taken;

    pop3_server_next(&s->pop3_server, &in, &ss->out, &a);
    taken = all.len - in.len;
    go_on = act(ss, s, &a);
    if (taken && s->conn) {
        tcp_consume(ss->options.tcp, s->conn, (uint32_t)taken);
        s->bytes_in += taken;
        ss->bytes_read += taken;
    }
    return go_on || (a.kind == POP3_ACTION_MORE && s->conn && tcp_unread(s->conn));
}

static void release_line(struct sessions *ss, struct session *s)
{
    uint8_t *buffer = s->line ? pop3_server_detach(&s->pop3_server) : NULL;

    if (buffer)
        session_line_give(ss, s);
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
    while (s->conn && !s->closing && session_may_write(ss, s) && !pursue(ss, s)) {
        if (s->pop3 && s->pop3->sending ? !send_on(ss, s) : !step(ss, s))
            break;
    }
    session_flush(ss, s);
    if (!s->conn || s->closing)
        return;
    release_line(ss, s);
    set_deadline(ss, s);
    if (s->eof && tcp_unread(s->conn) == 0 && !pursue(ss, s) && !(s->pop3 && s->pop3->sending) &&
        session_may_write(ss, s))
        session_shutdown(ss, s);
}

/* ---- answers ---- */

static enum pop3_reply_id login_row(enum job_status status, enum pop3_reply_id refused)
{
    return status == JOB_REFUSED ? refused : POP3_REPLY_SYS_TEMP;
}

static void logged_in(struct sessions *ss, struct session *s, struct job *job)
{
    struct limit_reached reached = {0};
    struct retrieval *r = s->pop3;

    explicit_bzero((void *)r->password.data, r->password.len);
    if (job->status == JOB_OK) {
        r->account = job->account_login.account_out;
        r->wanted = JOB_MAILBOX_OPEN;
        return;
    }
    ss->counters->pop3_login_failures++;
    session_name_set(ss, s, r->user);
    release(ss, s);
    pop3_server_answer(&s->pop3_server, login_row(job->status, POP3_REPLY_AUTH_FAILED));
    reached = job->status == JOB_REFUSED && s->conn ? session_limit_error(ss, s) : reached;
    if (reached.pop3)
        pop3_server_stop(&s->pop3_server, (enum pop3_reply_id)reached.pop3);
}

/* Zeroed memory for one mark a message, in what is left of the home chunk or in a large one. */
static uint8_t *marks(struct sessions *ss, struct retrieval *r)
{
    uint32_t bytes = (r->view->count + 7) / 8;
    struct chunk *c = r->home;

    if (chunk_room(c) < bytes) {
        r->marks = chunk_take(ss->options.pool, CHUNK_LARGE);
        c = r->marks;
    }
    if (!c || chunk_room(c) < bytes)
        return NULL;
    memset(c->data + c->len, 0, bytes);
    c->len += bytes;
    return c->data + c->len - bytes;
}

static void opened(struct sessions *ss, struct session *s, struct job *job)
{
    struct retrieval *r = s->pop3;
    uint8_t *deleted;

    if (job->status != JOB_OK) {
        release(ss, s);
        pop3_server_answer(&s->pop3_server, login_row(job->status, POP3_REPLY_IN_USE));
        return;
    }
    r->view = job->mailbox_open.view_out;
    deleted = marks(ss, r);
    if (!deleted) {
        /* Neither served in part nor judged as a failed login. The mailbox is closed with the
         * session. */
        pop3_server_answer(&s->pop3_server, POP3_REPLY_SYS_TEMP);
        pop3_server_stop(&s->pop3_server, POP3_REPLY_SYS_TEMP);
        return;
    }
    ss->counters->pop3_logins++;
    /* Without memory the record names nobody, and mail is read all the same. */
    session_name_set(ss, s, r->user);
    s->known = true;
    pop3_server_open(&s->pop3_server, r->view, deleted);
}

static void read_back(struct sessions *ss, struct session *s, struct job *job)
{
    struct retrieval *r = s->pop3;

    bool ok = job->status == JOB_OK && job->mailbox_read.bytes_out.len;

    if (job->status == JOB_OK) {
        r->piece = job->mailbox_read.bytes_out;
        r->pin = job->mailbox_read.pin_out;
        r->offset += r->piece.len;
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

static void deleted(struct sessions *ss, struct session *s, struct job *job)
{
    if (job->status == JOB_OK)
        ss->counters->pop3_deleted += s->pop3->deleted_count;
    pop3_server_answer(&s->pop3_server,
                       job->status == JOB_OK ? POP3_REPLY_OK : POP3_REPLY_NOT_REMOVED);
}

void session_pop3_answer(struct sessions *ss, struct session *s, struct job *job)
{
    s->pop3->asked = NO_JOB;
    switch (job->kind) {
    case JOB_ACCOUNT_LOGIN:
        logged_in(ss, s, job);
        break;
    case JOB_MAILBOX_OPEN:
        opened(ss, s, job);
        break;
    case JOB_MAILBOX_READ:
        read_back(ss, s, job);
        break;
    case JOB_MAILBOX_DELETE:
        deleted(ss, s, job);
        break;
    default:
        break;
    }
}

void session_pop3_expire(struct sessions *ss, struct session *s, enum pop3_reply_id why)
{
    if (s->pop3 &&
        (s->pop3->asked == JOB_MAILBOX_DELETE || s->pop3->wanted == JOB_MAILBOX_DELETE)) {
        /* It is durable before we know: only the store can say what became of it. */
        session_deadline(ss, s, ss->settings.end_timeout_ms);
        return;
    }
    pop3_server_stop(&s->pop3_server, why);
    if (s->pop3)
        s->pop3->sending = false;
    session_pop3_run(ss, s);
    if (s->conn && !s->closing)
        session_abort(ss, s, "timed out");
}

/* ---- the end ---- */

bool session_pop3_idle(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    struct job *job;

    if (!r)
        return true;
    if (!collect_pins(ss, s) || r->asked != NO_JOB)
        return false;
    if (r->pin) {
        r->unpin[r->unpin_count++] = r->pin;
        r->pin = NULL;
        r->piece = r->queued = span_of(NULL, 0);
    }
    if (!give_pins(ss, s) || r->pins)
        return false;
    if (r->view) {
        job = session_job(ss, s, JOB_MAILBOX_CLOSE);
        if (!job)
            return false;
        job->generation = SESSION_NOBODY;
        job->mailbox_close.view = r->view;
        job_submit(ss->options.port, job);
    }
    release(ss, s);
    return true;
}
