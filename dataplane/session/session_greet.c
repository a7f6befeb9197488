/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_greet.h"

#include "dataplane/session/session_limit.h"

static void answer(struct session *s, enum smtp_reply_id row)
{
    smtp_server_answer(&s->smtp, row, span_of(NULL, 0));
}

void session_greet_begin(struct sessions *ss, struct session *s)
{
    struct limit_reached reached;

    if (ss->draining) {
        answer(s, SMTP_REPLY_DRAINING);
        return;
    }
    reached = session_limit_enter(ss, s);
    if (reached.smtp) {
        answer(s, (enum smtp_reply_id)reached.smtp);
        return;
    }
    /* Who submits is no stranger for long. */
    if (ss->settings.greet_delay_ms == 0 || s->protocol == LISTENER_SUBMISSION ||
        session_limit_trusted(ss, s)) {
        answer(s, SMTP_REPLY_OK);
        return;
    }
    session_deadline(ss, s, ss->settings.greet_delay_ms);
    session_greet_run(ss, s);
}

void session_greet_run(struct sessions *ss, struct session *s)
{
    if (!smtp_server_connecting(&s->smtp) || !s->conn || !session_unread(ss, s))
        return;
    s->early = true;
    ss->counters->pregreeters++;
    answer(s, ss->settings.pregreet_refuse ? SMTP_REPLY_PREGREET : SMTP_REPLY_OK);
}

bool session_greet_due(struct session *s)
{
    if (!s->conn || s->closing || !smtp_server_connecting(&s->smtp))
        return false;
    answer(s, SMTP_REPLY_OK);
    return true;
}
