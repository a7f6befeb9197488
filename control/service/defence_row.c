/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/defence_row.h"

#include <string.h>

#include "proto/base/cursor.h"

enum { VERSION = 1 };

static uint64_t wall_of(const struct defence_clocks *now, uint64_t monotonic_ms)
{
    return monotonic_ms - now->monotonic_ms + now->wall_ms;
}

/* The time that was so long before now, or the clock's first. */
static uint64_t past(const struct defence_clocks *now, uint64_t wall_ms)
{
    uint64_t ago = now->wall_ms > wall_ms ? now->wall_ms - wall_ms : 0;

    return ago < now->monotonic_ms ? now->monotonic_ms - ago : 1;
}

/* ---- bans ---- */

void defence_row_ban_key(struct writer *w, const struct ip_address *network, uint8_t bits)
{
    writer_byte(w, DEFENCE_ROW_BAN);
    writer_span_put(w, span_of(network->bytes, sizeof(network->bytes)));
    writer_byte(w, bits);
}

/* {version, by hand, times, since, until or all ones} */
void defence_row_put_ban(struct writer *w, const struct defence_clocks *now, const struct ban *ban)
{
    writer_byte(w, VERSION);
    writer_byte(w, ban->by_hand);
    writer_uint(w, ban->times, 4);
    writer_uint(w, wall_of(now, ban->since_ms), 8);
    writer_uint(w, ban->until_ms == BAN_FOR_EVER ? BAN_FOR_EVER : wall_of(now, ban->until_ms), 8);
}

bool defence_row_read_ban_key(struct span key, struct ip_address *network_out, uint8_t *bits_out)
{
    struct cursor c = cursor_of(key);
    uint8_t kind = cursor_u8(&c);
    struct span bytes = cursor_take(&c, sizeof(network_out->bytes));

    *bits_out = cursor_u8(&c);
    if (c.bad || cursor_left(&c) || kind != DEFENCE_ROW_BAN || *bits_out > 128)
        return false;
    memcpy(network_out->bytes, bytes.data, bytes.len);
    return true;
}

bool defence_row_read_ban(struct span key, struct span value, const struct defence_clocks *now,
                          struct ban *ban_out)
{
    struct cursor c = cursor_of(value);
    uint8_t version = cursor_u8(&c), by_hand = cursor_u8(&c);
    uint64_t since, until, left;

    *ban_out = (struct ban){.by_hand = by_hand == 1};
    ban_out->times = cursor_u32(&c);
    since = cursor_u64(&c);
    until = cursor_u64(&c);
    if (c.bad || cursor_left(&c) || version != VERSION || by_hand > 1 || ban_out->times == 0 ||
        until <= since || !defence_row_read_ban_key(key, &ban_out->network, &ban_out->bits))
        return false;
    ban_out->since_ms = past(now, since);
    left = until > now->wall_ms ? until - now->wall_ms : 0;
    if (until == BAN_FOR_EVER)
        ban_out->until_ms = BAN_FOR_EVER;
    else if (left)
        ban_out->until_ms = now->monotonic_ms + (left < until - since ? left : until - since);
    else
        ban_out->until_ms = past(now, until);
    return true;
}

/* ---- addresses that have logged in ---- */

void defence_row_known_key(struct writer *w, uint32_t set)
{
    writer_byte(w, DEFENCE_ROW_KNOWN);
    writer_uint(w, set, 2);
}

/* {version, number, number * {name, when}} */
void defence_row_put_known(struct writer *w, const struct defence_clocks *now,
                           const struct login_known known[LOGIN_GUARD_WAYS])
{
    uint8_t count = 0;

    for (int i = 0; i < LOGIN_GUARD_WAYS; i++)
        count += known[i].key != 0;
    writer_byte(w, VERSION);
    writer_byte(w, count);
    for (int i = 0; i < LOGIN_GUARD_WAYS; i++) {
        if (!known[i].key)
            continue;
        writer_uint(w, known[i].key, 8);
        writer_uint(w, wall_of(now, known[i].login_ms), 8);
    }
}

bool defence_row_read_known(struct span key, struct span value, const struct defence_clocks *now,
                            uint32_t *set_out, struct login_known known_out[LOGIN_GUARD_WAYS])
{
    struct cursor k = cursor_of(key), c = cursor_of(value);
    uint8_t kind = cursor_u8(&k), version = cursor_u8(&c), count = cursor_u8(&c);

    *set_out = (uint32_t)cursor_uint(&k, 2);
    memset(known_out, 0, LOGIN_GUARD_WAYS * sizeof(*known_out));
    if (k.bad || cursor_left(&k) || kind != DEFENCE_ROW_KNOWN || *set_out >= LOGIN_GUARD_SETS ||
        version != VERSION || count > LOGIN_GUARD_WAYS)
        return false;
    for (uint8_t i = 0; i < count; i++) {
        known_out[i].key = cursor_u64(&c);
        known_out[i].login_ms = past(now, cursor_u64(&c));
        if (!known_out[i].key)
            return false;
    }
    return !c.bad && cursor_left(&c) == 0;
}
