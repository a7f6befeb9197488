/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_imap.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_line.h"
#include "dataplane/session/session_more.h"

/* Who the client is, and then control's side of the session. */

static void refuse(struct sessions *ss, struct session *s, enum imap_reply_id row)
{
    struct limit_reached reached = {0};

    session_name_set(ss, s, session_auth_name(s));
    if (row == IMAP_REPLY_AUTH_FAILED && s->conn)
        reached = session_limit_error(ss, s);
    session_auth_end(ss, s);
    imap_server_answer(&s->imap, row);
    if (reached.imap)
        imap_server_stop(&s->imap, (enum imap_reply_id)reached.imap);
}

/* The account is known: control is to begin its side. */
static void open_for(struct sessions *ss, struct session *s)
{
    uint64_t account = session_auth_claimed(s);
    struct imap_work *w = session_imap_work(ss, s);
    struct limit_reached reached = {0};
    bool counted = false;

    if (w)
        reached = session_limit_login(ss, account, &counted);
    if (!w || reached.imap) {
        refuse(ss, s, w ? (enum imap_reply_id)reached.imap : IMAP_REPLY_UNAVAILABLE);
        return;
    }
    s->counted = counted;
    s->account = account;
    session_name_set(ss, s, session_auth_name(s));
    s->known = true;
    session_auth_end(ss, s);
    w->wanted = JOB_IMAP_OPEN;
}

void session_imap_auth(struct sessions *ss, struct session *s, enum session_auth_outcome outcome)
{
    if (outcome == SESSION_AUTH_WAITS)
        return;
    if (outcome == SESSION_AUTH_CHALLENGE && s->conn)
        imap_server_challenge(&s->imap, session_auth_challenge(s), &ss->out);
    else if (outcome == SESSION_AUTH_KNOWN && s->conn && !s->closing)
        open_for(ss, s);
    else
        refuse(ss, s, session_auth_imap(outcome));
}

void session_imap_opened(struct sessions *ss, struct session *s, const struct job *job)
{
    if (job->status != JOB_OK) {
        session_imap_leave(ss, s);
        s->known = false;
        imap_server_answer(&s->imap, IMAP_REPLY_UNAVAILABLE);
        return;
    }
    s->mail = job->imap.session;
    ss->counters->imap_logins++;
    imap_server_open(&s->imap);
}

bool session_imap_wake(struct sessions *ss, struct session *s)
{
    enum session_auth_outcome outcome;

    if (!session_auth_due(s, &outcome))
        return false;
    session_imap_auth(ss, s, outcome);
    session_deadline(ss, s, ss->settings.imap_login_ms);
    return true;
}

void session_imap_leave(struct sessions *ss, struct session *s)
{
    bool counted = s->counted;

    session_limit_logout(ss, s->account, &counted);
    s->counted = false;
}
