/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_option.h"

#include "proto/base/cursor.h"

enum { KIND_END = 0, KIND_NOP = 1, KIND_MSS = 2, KIND_SCALE = 3, KIND_SACK_PERMITTED = 4, KIND_TIMESTAMPS = 8 };
enum { SCALE_MAX = 14 };

/* One option's value, without kind and length. False: its length is wrong. */
static bool parse_value(uint8_t kind, struct span value, struct tcp_option *o)
{
    struct cursor c = cursor_of(value);

    switch (kind) {
    case KIND_MSS:
        o->mss = cursor_u16(&c);
        o->present |= TCP_OPTION_MSS;
        break;
    case KIND_SCALE:
        o->scale = cursor_u8(&c);
        if (o->scale > SCALE_MAX)
            o->scale = SCALE_MAX;
        o->present |= TCP_OPTION_SCALE;
        break;
    case KIND_SACK_PERMITTED:
        o->present |= TCP_OPTION_SACK_PERMITTED;
        break;
    case KIND_TIMESTAMPS:
        o->ts_value = cursor_u32(&c);
        o->ts_echo = cursor_u32(&c);
        o->present |= TCP_OPTION_TIMESTAMPS;
        break;
    default:
        return true;
    }
    return !c.bad && cursor_left(&c) == 0;
}

bool tcp_option_parse(struct span bytes, struct tcp_option *option_out)
{
    struct cursor c = cursor_of(bytes);

    *option_out = (struct tcp_option){0};
    while (cursor_left(&c)) {
        uint8_t kind = cursor_u8(&c), len;
        struct tcp_option before = *option_out;

        if (kind == KIND_END)
            return true;
        if (kind == KIND_NOP)
            continue;
        len = cursor_u8(&c);
        if (c.bad || len < 2)
            return false;
        if (!parse_value(kind, cursor_take(&c, len - 2u), option_out) || c.bad) {
            *option_out = before;
            return false;
        }
    }
    return true;
}

void tcp_option_put(struct writer *w, const struct tcp_option *option)
{
    if (option->present & TCP_OPTION_MSS) {
        writer_uint(w, KIND_MSS << 8 | 4, 2);
        writer_uint(w, option->mss, 2);
    }
    if (option->present & TCP_OPTION_SCALE)
        writer_uint(w, (uint32_t)KIND_NOP << 24 | KIND_SCALE << 16 | 3 << 8 | option->scale, 4);
    if (option->present & TCP_OPTION_TIMESTAMPS) {
        writer_uint(w, (uint32_t)KIND_NOP << 24 | KIND_NOP << 16 | KIND_TIMESTAMPS << 8 | 10, 4);
        writer_uint(w, option->ts_value, 4);
        writer_uint(w, option->ts_echo, 4);
    }
}
