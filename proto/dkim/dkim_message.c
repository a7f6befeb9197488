/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_message.h"

void dkim_message_init(struct dkim_message *m)
{
    memset(m, 0, sizeof(*m));
    dkim_body_init(&m->body);
}

void dkim_message_fini(struct dkim_message *m)
{
    dkim_body_fini(&m->body);
}

void dkim_message_begin(struct dkim_message *m, void *memory, size_t size)
{
    m->kept = writer_of(memory, size);
    m->end = 2; /* a message may begin with the empty line */
    m->header_done = false;
    dkim_body_begin(&m->body);
}

static void end_header(struct dkim_message *m, size_t empty_line)
{
    bool cut = m->kept.full;

    m->header_done = true;
    dkim_header_read(&m->header,
                     span_head(writer_span(&m->kept), m->kept.len - (cut ? 0 : empty_line)));
    m->header.cut |= cut;
}

/* Keeps what fits: the whole of it, or its begin. */
static void keep(struct dkim_message *m, struct span bytes)
{
    if (m->kept.full)
        return;
    writer_span_put(&m->kept, span_head(bytes, m->kept.cap - m->kept.len));
    m->kept.full = m->kept.len == m->kept.cap;
}

bool dkim_message_header(struct dkim_message *m, struct span *in)
{
    static const uint8_t end[] = "\r\n\r\n";
    size_t n = 0;

    if (m->header_done)
        return false;
    while (n < in->len && m->end < 4) {
        uint8_t c = in->data[n++];

        m->end = c == end[m->end] ? (uint8_t)(m->end + 1) : c == '\r' ? 1 : 0;
    }
    keep(m, span_head(*in, n));
    *in = span_skip(*in, n);
    if (m->end < 4)
        return false;
    end_header(m, 2);
    return true;
}

bool dkim_message_end(struct dkim_message *m)
{
    if (m->header_done)
        return false;
    end_header(m, 0);
    return true;
}
