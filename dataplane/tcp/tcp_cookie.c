/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_cookie.h"

#include "dataplane/tcp/tcp_option.h"
#include "proto/base/siphash.h"

enum { CLASSES = 8, CLASS_BITS = 3, SCALE_NONE = 15, TS_SACK = 1 << 4, TS_ECN = 1 << 5 };

/* What peers announce: the least RFC 9293 knows, IPv6's least, tunnels, Ethernet. */
static const uint16_t classes[CLASSES] = {64, 536, 1220, 1300, 1380, 1420, 1440, 1460};

static uint64_t keyed(const uint8_t secret[16], uint64_t a, uint8_t b)
{
    uint8_t bytes[9];
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_uint(&w, a, 8);
    writer_byte(&w, b);
    return siphash(secret, writer_span(&w));
}

static void derive(const uint8_t root[16], uint64_t period, uint8_t tag, uint8_t secret_out[16])
{
    uint64_t halves[2] = {keyed(root, period, tag), keyed(root, period, (uint8_t)(tag + 1))};

    memcpy(secret_out, halves, 16);
}

/* The root moves on too, so that a secret that leaked says nothing about earlier ones. */
static void renew(struct tcp_cookies *c, uint64_t period)
{
    uint8_t root[16];

    derive(c->root, period, 0, c->secret[period & 1]);
    derive(c->root, period, 2, root);
    memcpy(c->root, root, 16);
}

void tcp_cookie_init(struct tcp_cookies *c, const uint8_t secret[16])
{
    *c = (struct tcp_cookies){0};
    derive(secret, 0, 4, c->root);
    renew(c, 0);
    renew(c, 1);
    c->period = 1;
}

static void move_on(struct tcp_cookies *c, uint64_t now)
{
    uint64_t period = now / TCP_COOKIE_PERIOD + 1;

    if (period <= c->period)
        return;
    if (period > c->period + 1)
        renew(c, period - 1);
    renew(c, period);
    c->period = period;
}

static uint32_t hash_of(const uint8_t secret[16], const struct tcp_half *h, uint32_t low)
{
    uint8_t bytes[48];
    struct writer w = writer_of(bytes, sizeof(bytes));

    writer_span_put(&w, span_of(h->local.bytes, 16));
    writer_span_put(&w, span_of(h->remote.bytes, 16));
    writer_uint(&w, h->local_port, 2);
    writer_uint(&w, h->remote_port, 2);
    writer_uint(&w, h->irs, 4);
    writer_uint(&w, low, 4);
    return (uint32_t)siphash(secret, writer_span(&w)) << (CLASS_BITS + 1);
}

uint32_t tcp_cookie_make(struct tcp_cookies *c, const struct tcp_half *half, uint64_t now)
{
    uint16_t mss = half->present & TCP_OPTION_MSS   ? half->mss
                   : ip_address_is_v4(&half->local) ? 536
                                                    : 1220;
    uint32_t class = CLASSES - 1, low;

    move_on(c, now);
    while (class && classes[class] > mss)
        class --;
    low = class << 1 | (uint32_t)(c->period & 1);
    c->sent_until = (c->period + 1) * TCP_COOKIE_PERIOD;
    return hash_of(c->secret[c->period & 1], half, low) | low;
}

uint32_t tcp_cookie_timestamp(const struct tcp_half *half, uint32_t value)
{
    uint32_t bits = half->present & TCP_OPTION_SCALE ? half->scale : SCALE_NONE;
    uint32_t all = (1u << TCP_COOKIE_TS_BITS) - 1;

    if (half->present & TCP_OPTION_SACK_PERMITTED)
        bits |= TS_SACK;
    if (half->ecn)
        bits |= TS_ECN;
    /* Never ahead of the clock: what follows on the connection must not seem older. */
    return (value & all) < bits ? ((value & ~all) | bits) - all - 1 : (value & ~all) | bits;
}

bool tcp_cookie_recent(const struct tcp_cookies *c, uint64_t now)
{
    return now < c->sent_until;
}

bool tcp_cookie_check(struct tcp_cookies *c, struct tcp_half *half, uint64_t now)
{
    uint32_t low = half->isn & (2 * CLASSES - 1);

    move_on(c, now);
    if ((hash_of(c->secret[low & 1], half, low) | low) != half->isn)
        return false;
    half->mss = classes[low >> 1];
    half->present = TCP_OPTION_MSS;
    return true;
}

void tcp_cookie_options(struct tcp_half *half, uint32_t value)
{
    uint32_t scale = value & SCALE_NONE;

    if (scale != SCALE_NONE) {
        half->present |= TCP_OPTION_SCALE;
        half->scale = scale & 15;
    }
    if (value & TS_SACK)
        half->present |= TCP_OPTION_SACK_PERMITTED;
    half->ecn = !!(value & TS_ECN);
}
