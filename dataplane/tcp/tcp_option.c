/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_option.h"

#include "proto/base/cursor.h"

enum {
    KIND_END = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_SCALE = 3,
    KIND_SACK_PERMITTED = 4,
    KIND_SACK = 5,
    KIND_TIMESTAMPS = 8,
    KIND_USER_TIMEOUT = 28
};
enum { SCALE_MAX = 14, MINUTES = 0x8000 };
/* RFC 7323 appendix A: two fillers, so that the values are aligned. */
enum { ONLY_TIMESTAMPS = KIND_NOP << 24 | KIND_NOP << 16 | KIND_TIMESTAMPS << 8 | 10 };

/* RFC 2018 section 3: one block or more, each of 8 octets. */
static bool parse_sack(struct cursor *c, struct tcp_option *o)
{
    size_t len = cursor_left(c);

    if (!len || len % 8 || len / 8 > TCP_SACK_BLOCKS)
        return false;
    for (o->sack_count = 0; cursor_left(c); o->sack_count++) {
        o->sack[o->sack_count].start = cursor_u32(c);
        o->sack[o->sack_count].end = cursor_u32(c);
    }
    o->present |= TCP_OPTION_SACK;
    return true;
}

/* RFC 5482 section 2: seconds, or minutes where the first bit is set. */
static uint32_t user_timeout_ms(uint16_t value)
{
    return (uint32_t)(value & ~MINUTES) * (value & MINUTES ? 60000 : 1000);
}

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
    case KIND_USER_TIMEOUT:
        o->user_timeout = user_timeout_ms(cursor_u16(&c));
        o->present |= TCP_OPTION_USER_TIMEOUT;
        break;
    case KIND_SACK:
        return parse_sack(&c, o);
    default:
        return true;
    }
    return !c.bad && cursor_left(&c) == 0;
}

/* What nearly every segment carries. */
static bool only_timestamps(struct span bytes, struct tcp_option *o)
{
    uint32_t words[3];

    if (bytes.len != sizeof(words))
        return false;
    memcpy(words, bytes.data, sizeof(words));
    if (be32toh(words[0]) != ONLY_TIMESTAMPS)
        return false;
    o->present = TCP_OPTION_TIMESTAMPS;
    o->ts_value = be32toh(words[1]);
    o->ts_echo = be32toh(words[2]);
    return true;
}

bool tcp_option_parse(struct span bytes, struct tcp_option *option_out)
{
    struct cursor c = cursor_of(bytes);

    *option_out = (struct tcp_option){0};
    if (only_timestamps(bytes, option_out))
        return true;
    while (cursor_left(&c)) {
        uint8_t kind = cursor_u8(&c), len;
        struct tcp_option before = *option_out;
        struct span value;

        if (kind == KIND_END)
            return true;
        if (kind == KIND_NOP)
            continue;
        len = cursor_u8(&c);
        if (c.bad || len < 2)
            return false;
        value = cursor_take(&c, len - 2u);
        if (c.bad || !parse_value(kind, value, option_out)) {
            *option_out = before;
            return false;
        }
    }
    return true;
}

/* SACK-permitted takes the place of their padding where both are present. */
static void put_timestamps(struct writer *w, const struct tcp_option *option)
{
    bool permitted = option->present & TCP_OPTION_SACK_PERMITTED;
    bool timestamps = option->present & TCP_OPTION_TIMESTAMPS;

    if (!permitted && !timestamps)
        return;
    writer_uint(
        w, permitted && timestamps ? KIND_SACK_PERMITTED << 8 | 2 : KIND_NOP << 8 | KIND_NOP, 2);
    if (!timestamps) {
        writer_uint(w, KIND_SACK_PERMITTED << 8 | 2, 2);
        return;
    }
    writer_uint(w, KIND_TIMESTAMPS << 8 | 10, 2);
    writer_uint(w, option->ts_value, 4);
    writer_uint(w, option->ts_echo, 4);
}

/* How nearly every segment goes out. */
static void put_only_timestamps(struct writer *w, const struct tcp_option *option)
{
    uint32_t words[3] = {htobe32(ONLY_TIMESTAMPS), htobe32(option->ts_value),
                         htobe32(option->ts_echo)};

    writer_span_put(w, span_of(words, sizeof(words)));
}

void tcp_option_put(struct writer *w, const struct tcp_option *option)
{
    if (option->present == TCP_OPTION_TIMESTAMPS) {
        put_only_timestamps(w, option);
        return;
    }
    if (option->present & TCP_OPTION_MSS) {
        writer_uint(w, KIND_MSS << 8 | 4, 2);
        writer_uint(w, option->mss, 2);
    }
    if (option->present & TCP_OPTION_SCALE)
        writer_uint(w, (uint32_t)KIND_NOP << 24 | KIND_SCALE << 16 | 3 << 8 | option->scale, 4);
    put_timestamps(w, option);
    if (option->present & TCP_OPTION_USER_TIMEOUT) {
        uint32_t seconds = (option->user_timeout + 999) / 1000;

        writer_uint(w, KIND_USER_TIMEOUT << 8 | TCP_OPTION_USER_TIMEOUT_LEN, 2);
        writer_uint(w, seconds < MINUTES ? seconds : MINUTES | seconds / 60, 2);
    }
    if (option->present & TCP_OPTION_SACK) {
        writer_uint(w,
                    (uint32_t)KIND_NOP << 24 | KIND_NOP << 16 | KIND_SACK << 8 |
                        (2u + 8u * option->sack_count),
                    4);
        for (uint32_t i = 0; i < option->sack_count; i++) {
            writer_uint(w, option->sack[i].start, 4);
            writer_uint(w, option->sack[i].end, 4);
        }
    }
}
