/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_line.h"

#include "proto/sasl/sasl_server.h"

/* Lines of an exchange may be long: in SMTP already that of the command. */
static bool lines_are_long(const struct session *s)
{
    return session_is_smtp(s) ? s->protocol == LISTENER_SUBMISSION
                              : pop3_server_in_exchange(&s->pop3_server);
}

bool session_line_attach(struct sessions *ss, struct session *s)
{
    _Static_assert(SMTP_COMMAND_LINE_MAX <= 4096 - CHUNK_HEADER, "a line fits its chunk");
    _Static_assert(POP3_SERVER_BUFFER <= 4096 - CHUNK_HEADER, "and a buffer of POP3's too");
    s->line = chunk_take(ss->options.pool, lines_are_long(s) ? CHUNK_LARGE : CHUNK_MEDIUM);
    if (!s->line) {
        ss->counters->chunks_short++;
        session_stall(ss, s);
        return false;
    }
    if (session_is_smtp(s))
        smtp_server_attach(&s->smtp, s->line->data);
    else
        pop3_server_attach(&s->pop3_server, s->line->data);
    return true;
}

void session_line_release(struct sessions *ss, struct session *s)
{
    if (!s->line)
        return;
    if (session_is_smtp(s) ? smtp_server_detach(&s->smtp) : pop3_server_detach(&s->pop3_server))
        session_line_give(ss, s);
}

void session_line_give(struct sessions *ss, struct session *s)
{
    if (!s->line)
        return;
    /* A password may have stood in it. */
    if (s->protocol != LISTENER_SMTP)
        explicit_bzero(s->line->data, s->line->cap < SASL_LINE_MAX ? s->line->cap : SASL_LINE_MAX);
    chunk_give(ss->options.pool, s->line);
    s->line = NULL;
}
