/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_more.h"

_Static_assert(sizeof(struct session_more) <= 512 - CHUNK_HEADER, "it lies in a small chunk");

static struct session_more *more_of(const struct session *s)
{
    return (struct session_more *)s->more->data;
}

struct session_more *session_more(struct sessions *ss, struct session *s)
{
    if (!s->more) {
        s->more = chunk_take(ss->options.pool, CHUNK_SMALL);
        if (!s->more) {
            ss->counters->chunks_refused++;
            return NULL;
        }
        memset(more_of(s), 0, sizeof(struct session_more));
    }
    return more_of(s);
}

void session_more_give(struct sessions *ss, struct session *s)
{
    chunk_give(ss->options.pool, s->more);
    s->more = NULL;
}

bool session_name_set(struct sessions *ss, struct session *s, struct span name)
{
    uint8_t *to = s->name;

    name = span_head(name, SESSION_NAME_MAX);
    if (name.len > SESSION_NAME) {
        struct session_more *more = session_more(ss, s);

        if (!more)
            return false;
        to = more->name;
    }
    if (name.len)
        memcpy(to, name.data, name.len);
    s->name_len = (uint8_t)name.len;
    return true;
}

struct span session_name(const struct session *s)
{
    return span_of(s->name_len > SESSION_NAME ? more_of(s)->name : s->name, s->name_len);
}
