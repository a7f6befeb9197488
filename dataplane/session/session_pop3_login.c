/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/recipient.h"
#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_line.h"
#include "dataplane/session/session_more.h"
#include "dataplane/session/session_pop3.h"

#include "proto/address/address.h"

/*
 * A login: the password is judged by control; a wrong one is answered only after a while, which the
 * session waits on its own timer. Then the mailbox is opened.
 */

enum { PASSWORD_MAX = 255 };

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

    if (address_mailbox(user, ADDRESS_ALLOW_UTF8, &address) == ADDRESS_OK &&
        recipient_key(ss->settings.directory, &address, &key))
        return keep(home, writer_span(&key));
    return keep(home, user);
}

/* NULL: no chunk is free, and the login was answered. */
static struct retrieval *begin(struct sessions *ss, struct session *s, bool utf8)
{
    struct chunk *home = chunk_take(ss->options.pool, CHUNK_MEDIUM);
    struct retrieval *r;

    if (!home) {
        pop3_server_answer(&s->pop3_server, POP3_REPLY_SYS_TEMP);
        return NULL;
    }
    r = (struct retrieval *)home->data;
    memset(r, 0, sizeof(*r));
    home->len = sizeof(*r);
    r->home = home;
    r->session = s;
    r->utf8 = utf8;
    r->asked = NO_JOB;
    s->pop3 = r;
    return r;
}

void session_pop3_login(struct sessions *ss, struct session *s, const struct pop3_action *a)
{
    bool fits = a->user.len <= PASSWORD_MAX && a->password.len <= PASSWORD_MAX;
    struct retrieval *r = fits ? begin(ss, s, a->utf8) : NULL;

    if (!fits)
        pop3_server_answer(&s->pop3_server, POP3_REPLY_SYS_TEMP);
    if (!r)
        return;
    r->user = user_key(ss, r->home, a->user);
    r->password = keep(r->home, a->password);
    session_client(s, &r->client);
    r->wanted = JOB_ACCOUNT_LOGIN;
}

/* Who the client is is known. */
static void open_for(struct sessions *ss, struct session *s, uint64_t account)
{
    struct retrieval *r = s->pop3;
    struct limit_reached reached = session_limit_login(ss, account, &r->counted);

    if (reached.pop3) {
        session_name_set(ss, s, r->user);
        ss->counters->pop3_logins_refused++;
        session_pop3_release(ss, s);
        pop3_server_answer(&s->pop3_server, (enum pop3_reply_id)reached.pop3);
        return;
    }
    r->account = account;
    r->wanted = JOB_MAILBOX_OPEN;
}

/* ---- by SASL ---- */

static void known(struct sessions *ss, struct session *s)
{
    uint64_t account = session_auth_claimed(s);
    struct retrieval *r = begin(ss, s, s->pop3_server.utf8);

    if (r) {
        ss->counters->auth_logins++;
        r->user = keep(r->home, session_auth_name(s));
        open_for(ss, s, account);
    }
    session_auth_end(ss, s);
}

static void not_known(struct sessions *ss, struct session *s, enum session_auth_outcome outcome)
{
    enum pop3_reply_id row = session_auth_pop3(outcome);
    struct limit_reached reached = {0};

    session_name_set(ss, s, session_auth_name(s));
    ss->counters->pop3_login_failures += row == POP3_REPLY_AUTH_FAILED;
    if (row == POP3_REPLY_AUTH_FAILED && s->conn)
        reached = session_limit_error(ss, s);
    session_auth_end(ss, s);
    pop3_server_answer(&s->pop3_server, row);
    if (reached.pop3)
        pop3_server_stop(&s->pop3_server, (enum pop3_reply_id)reached.pop3);
}

void session_pop3_auth(struct sessions *ss, struct session *s, enum session_auth_outcome outcome)
{
    if (outcome == SESSION_AUTH_WAITS)
        return;
    if (outcome == SESSION_AUTH_CHALLENGE) {
        pop3_server_challenge(&s->pop3_server, session_auth_challenge(s));
        session_line_release(ss, s);
    } else if (outcome == SESSION_AUTH_KNOWN && s->conn && !s->closing) {
        known(ss, s);
    } else {
        not_known(ss, s, outcome);
    }
}

/* What the client cannot take is converted for it, or kept from it, as configured. */
void session_pop3_fill_open(const struct sessions *ss, const struct retrieval *r, struct job *job)
{
    bool refuse = !r->utf8 && ss->settings.pop3_utf8_refuse;

    job->mailbox_open = (struct job_mailbox_open){
        .account = r->account,
        .converted = (uint8_t)(POP3_FORM_BINARY | (r->utf8 || refuse ? 0 : POP3_FORM_UTF8)),
        .refused = refuse ? POP3_FORM_UTF8 : 0,
    };
}

static enum pop3_reply_id refusal_of(const struct job *job)
{
    if (job->status != JOB_REFUSED)
        return POP3_REPLY_SYS_TEMP;
    switch ((enum login_refusal)job->account_login.why_out) {
    case LOGIN_BUSY:
        return POP3_REPLY_TOO_MANY_LOGINS;
    case LOGIN_EARLY:
        return POP3_REPLY_LOGIN_DELAY;
    case LOGIN_WRONG:
    case LOGIN_SCOPE:
        break;
    }
    return POP3_REPLY_AUTH_FAILED;
}

static void refuse(struct sessions *ss, struct session *s, const struct job *job)
{
    struct limit_reached reached = {0};
    struct retrieval *r = s->pop3;
    enum pop3_reply_id row = refusal_of(job);

    session_name_set(ss, s, r->user);
    ss->counters->pop3_login_failures += row == POP3_REPLY_AUTH_FAILED;
    ss->counters->pop3_logins_refused += row != POP3_REPLY_AUTH_FAILED;
    if (row == POP3_REPLY_AUTH_FAILED && s->conn)
        reached = session_limit_error(ss, s);
    if (!reached.pop3 && row == POP3_REPLY_AUTH_FAILED && job->account_login.delay_ms_out) {
        ss->counters->pop3_logins_delayed++;
        r->held = (uint8_t)row;
        if (s->conn)
            session_deadline(ss, s, job->account_login.delay_ms_out);
        return;
    }
    session_pop3_release(ss, s);
    pop3_server_answer(&s->pop3_server, row);
    if (reached.pop3)
        pop3_server_stop(&s->pop3_server, (enum pop3_reply_id)reached.pop3);
}

bool session_pop3_wake(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;
    enum pop3_reply_id row = r ? (enum pop3_reply_id)r->held : POP3_REPLY_NONE;
    enum session_auth_outcome outcome;

    if (session_auth_due(s, &outcome)) {
        session_pop3_auth(ss, s, outcome);
        session_deadline(ss, s, ss->settings.pop3_idle_ms);
        return true;
    }
    if (row == POP3_REPLY_NONE || !s->conn || s->closing)
        return false;
    session_pop3_release(ss, s);
    pop3_server_answer(&s->pop3_server, row);
    session_deadline(ss, s, ss->settings.pop3_idle_ms);
    return true;
}

void session_pop3_judged(struct sessions *ss, struct session *s, const struct job *job)
{
    struct retrieval *r = s->pop3;

    explicit_bzero((void *)r->password.data, r->password.len);
    if (job->status != JOB_OK) {
        refuse(ss, s, job);
        return;
    }
    open_for(ss, s, job->account_login.account_out);
}

void session_pop3_opened(struct sessions *ss, struct session *s, const struct job *job)
{
    struct retrieval *r = s->pop3;

    if (job->status != JOB_OK) {
        session_pop3_release(ss, s);
        pop3_server_answer(&s->pop3_server, job->status == JOB_REFUSED ? POP3_REPLY_IN_USE
                                            : job->status == JOB_FULL  ? POP3_REPLY_SYS_PERM
                                                                       : POP3_REPLY_SYS_TEMP);
        return;
    }
    r->view = job->mailbox_open.view_out;
    ss->counters->pop3_logins++;
    /* Without memory the record names nobody, and mail is read all the same. */
    session_name_set(ss, s, r->user);
    s->known = true;
    pop3_server_open(&s->pop3_server, r->view, r->view->marks);
}
