/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tls/tls_messages.h"

void tls_messages_init(struct tls_messages *m, uint8_t *buffer, uint32_t size)
{
    *m = (struct tls_messages){.buffer = buffer, .size = size};
}

static void forget(struct tls_messages *m)
{
    m->len = 0;
    m->over = m->told = false;
}

/* struct { HandshakeType msg_type; uint24 length; ... } Handshake */
static bool take_header(struct tls_messages *m, struct span *in)
{
    uint8_t *head = m->buffer + m->kept;

    while (m->len < TLS_MESSAGE_HEADER && in->len) {
        head[m->len++] = in->data[0];
        *in = span_skip(*in, 1);
    }
    if (m->len < TLS_MESSAGE_HEADER)
        return false;
    m->need = (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    m->over = m->need > m->size - m->kept - TLS_MESSAGE_HEADER;
    return true;
}

static void take_body(struct tls_messages *m, struct span *in)
{
    size_t n = m->need < in->len ? m->need : in->len;

    if (!m->over && n) {
        memcpy(m->buffer + m->kept + m->len, in->data, n);
        m->len += (uint32_t)n;
    }
    m->need -= (uint32_t)n;
    *in = span_skip(*in, n);
}

bool tls_messages_next(struct tls_messages *m, struct span *in, struct tls_message *out)
{
    const uint8_t *head = m->buffer + m->kept;

    if (m->told)
        forget(m);
    /* What is kept has left no room for a header: nothing more is told. */
    if (m->size - m->kept < TLS_MESSAGE_HEADER) {
        *in = span_skip(*in, in->len);
        return false;
    }
    if (m->len < TLS_MESSAGE_HEADER && !take_header(m, in))
        return false;
    take_body(m, in);
    if (m->need)
        return false;
    m->told = true;
    *out = (struct tls_message){
        .type = head[0],
        .cut = m->over,
        .body = span_of(head + TLS_MESSAGE_HEADER, m->len - TLS_MESSAGE_HEADER)};
    return true;
}

void tls_messages_keep(struct tls_messages *m)
{
    if (m->told && !m->over)
        m->kept += m->len;
    forget(m);
}

bool tls_messages_idle(const struct tls_messages *m)
{
    return m->len == 0 || m->told;
}
