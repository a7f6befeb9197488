/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_header.h"

#include "proto/base/cursor.h"

bool tcp_header_parse(struct span bytes, struct tcp_header *h)
{
    struct cursor c = cursor_of(bytes);

    h->source_port = cursor_u16(&c);
    h->destination_port = cursor_u16(&c);
    h->seq = cursor_u32(&c);
    h->ack = cursor_u32(&c);
    h->len = (uint8_t)((cursor_u8(&c) >> 4) * 4);
    h->flags = cursor_u8(&c);
    h->window = cursor_u16(&c);
    cursor_u32(&c);
    if (c.bad || h->len < TCP_HEADER_MIN || h->len > bytes.len)
        return false;
    tcp_option_parse(span_of(bytes.data + TCP_HEADER_MIN, h->len - TCP_HEADER_MIN), &h->option);
    return true;
}
