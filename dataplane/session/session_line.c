/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_line.h"

#include "proto/sasl/sasl_server.h"

bool session_line_attach(struct sessions *ss, struct session *s)
{
    s->line = chunk_take(ss->options.pool, session_protocol(s)->line_class(s));
    if (!s->line) {
        ss->counters->chunks_short++;
        session_stall(ss, s);
        return false;
    }
    session_protocol(s)->attach(s, s->line->data);
    return true;
}

void session_line_release(struct sessions *ss, struct session *s)
{
    if (s->line && session_protocol(s)->detach(s))
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
