/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_smtp.h"

/* Logins of SMTP: what comes of an exchange, as replies. */

static void answer(struct session *s, enum smtp_reply_id row, struct span text)
{
    smtp_server_answer(&s->smtp, row, text);
}

void session_smtp_auth(struct sessions *ss, struct session *s, enum session_auth_outcome outcome)
{
    switch (outcome) {
    case SESSION_AUTH_WAITS:
        return;
    case SESSION_AUTH_CHALLENGE:
        answer(s, SMTP_REPLY_AUTH_CHALLENGE, session_auth_challenge(s));
        return;
    case SESSION_AUTH_KNOWN:
        outcome = session_auth_keep(ss, s);
        if (outcome == SESSION_AUTH_KNOWN) {
            ss->counters->auth_logins++;
            answer(s, SMTP_REPLY_AUTH_OK, span_of(NULL, 0));
            return;
        }
        break;
    default:
        session_auth_end(ss, s);
        break;
    }
    answer(s, session_auth_smtp(outcome), span_of(NULL, 0));
}

bool session_smtp_wake(struct sessions *ss, struct session *s)
{
    enum session_auth_outcome outcome;

    if (!session_auth_due(s, &outcome))
        return false;
    session_smtp_auth(ss, s, outcome);
    session_deadline(ss, s, ss->settings.command_timeout_ms);
    return true;
}
