/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_line.h"

bool session_line_attach(struct sessions *ss, struct session *s)
{
    _Static_assert(SMTP_COMMAND_LINE_MAX <= 4096 - CHUNK_HEADER, "a line fits its chunk");
    s->line = chunk_take(ss->options.pool, CHUNK_MEDIUM);
    if (!s->line) {
        ss->counters->chunks_short++;
        session_stall(ss, s);
        return false;
    }
    if (s->protocol == LISTENER_SMTP)
        smtp_server_attach(&s->smtp, s->line->data);
    else
        pop3_server_attach(&s->pop3_server, s->line->data);
    return true;
}

void session_line_release(struct sessions *ss, struct session *s)
{
    if (!s->line)
        return;
    if (s->protocol == LISTENER_SMTP ? smtp_server_detach(&s->smtp)
                                     : pop3_server_detach(&s->pop3_server))
        session_line_give(ss, s);
}

void session_line_give(struct sessions *ss, struct session *s)
{
    if (!s->line)
        return;
    /* A password may have stood in it. */
    if (s->protocol == LISTENER_POP3)
        explicit_bzero(s->line->data, SMTP_COMMAND_LINE_MAX);
    chunk_give(ss->options.pool, s->line);
    s->line = NULL;
}
