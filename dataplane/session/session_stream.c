/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_pack.h"
#include "dataplane/session/session_tls.h"

/* What protocols read and write: the byte stream itself, or what is in its records. */

struct span session_peek(struct sessions *ss, struct session *s)
{
    if (s->packed)
        return session_pack_peek(ss, s);
    return s->tls ? session_tls_peek(ss, s) : tcp_peek(s->conn);
}

void session_consume(struct sessions *ss, struct session *s, uint32_t n)
{
    if (s->packed) {
        session_pack_consume(ss, s, n);
        return;
    }
    if (s->tls) {
        session_tls_consume(ss, s, n);
        return;
    }
    tcp_consume(ss->options.tcp, s->conn, n);
    s->bytes_in += n;
}

bool session_unread(const struct sessions *ss, const struct session *s)
{
    if (s->packed)
        return session_pack_unread(ss, s);
    return s->tls ? session_tls_unread(ss, s) : tcp_unread(s->conn) != 0;
}

static bool queue(struct sessions *ss, struct session *s, struct span text)
{
    if (s->packed)
        return session_pack_write(ss, s, text, true);
    return s->tls ? session_tls_write(ss, s, text)
                  : sendq_copy(tcp_sendq(s->conn), ss->options.pool, text);
}

bool session_flush(struct sessions *ss, struct session *s)
{
    struct span text = writer_span(&ss->out);

    ss->out.len = 0;
    ss->out.full = false;
    if (!s->conn)
        return false;
    if (text.len == 0 && !(s->packed && session_pack_held(ss, s)))
        return true;
    if (!queue(ss, s, text)) {
        ss->counters->chunks_short++;
        session_abort(ss, s, "no memory for a reply");
        return false;
    }
    s->bytes_out += text.len;
    tcp_send(ss->options.tcp, s->conn);
    return true;
}

bool session_may_write(struct sessions *ss, struct session *s)
{
    if (tcp_send_room(s->conn) >= ss->out.len + SMTP_SERVER_ROOM)
        return true;
    return session_flush(ss, s) && tcp_send_room(s->conn) >= SMTP_SERVER_ROOM;
}
