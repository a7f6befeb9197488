/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/net_fragment.h"

enum { TCP = 6, TCP_HEADER = 20, OTHER_HEADER = 8, ECN_NONE = 1 << 0, ECN_CE = 1 << 3 };

static bool same(const struct frame *a, const struct frame *b)
{
    return a->fragment_id == b->fragment_id && a->v4 == b->v4 &&
           (!a->v4 || a->protocol == b->protocol) && ip_address_equal(&a->source, &b->source) &&
           ip_address_equal(&a->destination, &b->destination);
}

/* The packet's entry; a free one, or the oldest, if it has none yet. */
static struct fragment_packet *packet_of(struct fragments *table, const struct frame *f,
                                         uint64_t now)
{
    struct fragment_packet *to = &table->packets[0];

    for (uint32_t i = 0; i < FRAGMENT_PACKETS; i++) {
        struct fragment_packet *p = &table->packets[i];

        if (p->since && same(&p->frame, f))
            return p;
        if (p->since < to->since)
            to = p;
    }
    if (to->since)
        table->evicted++;
    else if (!table->live++)
        table->due = now + FRAGMENT_US;
    to->frame = *f;
    to->since = now ? now : 1;
    to->total = to->got = to->head_len = 0;
    to->count = to->ecn = 0;
    to->dead = false;
    return to;
}

/* RFC 8200 section 4.5: lengths; and enough in the first one to see what it is (RFC 7112). */
static bool fits(const struct frame *f, size_t len)
{
    uint32_t least = f->protocol == TCP ? TCP_HEADER : OTHER_HEADER;

    if (!len || (f->fragment_more && len % 8) || f->fragment_offset + len > FRAGMENT_MOST)
        return false;
    return f->fragment_offset || len >= least;
}

/* 0: it touches nothing that came; 1: an exact repetition; -1: it overlaps. */
static int overlap(const struct fragment_packet *p, uint32_t start, struct span bytes)
{
    uint32_t end = start + (uint32_t)bytes.len;

    for (uint32_t i = 0; i < p->count; i++) {
        const struct fragment_piece *at = &p->pieces[i];

        if (end <= at->start || at->end <= start)
            continue;
        return at->start == start && at->end == end &&
                       memcmp(p->bytes + start, bytes.data, bytes.len) == 0
                   ? 1
                   : -1;
    }
    return 0;
}

/* RFC 3168 section 5.3: a mark on a part is a mark on the whole, which must be able to have one. */
static bool ecn_fits(const struct fragment_packet *p)
{
    return (p->ecn & (ECN_CE | ECN_NONE)) != (ECN_CE | ECN_NONE);
}

static enum net_counter bury(struct fragment_packet *p, enum net_counter why)
{
    p->dead = true;
    return why;
}

static enum net_counter add(struct fragment_packet *p, const struct frame *f, struct span bytes)
{
    uint32_t start = f->fragment_offset, end = start + (uint32_t)bytes.len;

    if (p->count == FRAGMENT_PIECES)
        return bury(p, NET_fragment_many);
    if ((p->total && (!f->fragment_more || end > p->total)))
        return bury(p, NET_fragment_overlap);
    for (uint32_t i = 0; !f->fragment_more && i < p->count; i++)
        if (p->pieces[i].end > end)
            return bury(p, NET_fragment_overlap);
    memcpy(p->bytes + start, bytes.data, bytes.len);
    p->pieces[p->count++] = (struct fragment_piece){(uint16_t)start, (uint16_t)end};
    p->got += (uint32_t)bytes.len;
    p->ecn |= (uint8_t)(1 << f->ecn);
    if (!f->fragment_more)
        p->total = end;
    return ecn_fits(p) ? NET_KEEP : bury(p, NET_fragment_bad);
}

enum net_counter fragment_add(struct fragments *table, const struct frame *f, struct span head,
                              struct span bytes, uint64_t now, struct fragment_packet **whole_out)
{
    struct fragment_packet *p;
    enum net_counter why;
    int overlaps;

    *whole_out = NULL;
    if (!fits(f, bytes.len))
        return NET_fragment_bad;
    p = packet_of(table, f, now);
    if (p->dead)
        return NET_fragment_late;
    overlaps = overlap(p, f->fragment_offset, bytes);
    if (overlaps > 0)
        return NET_fragment_again;
    why = overlaps ? bury(p, NET_fragment_overlap) : add(p, f, bytes);
    if (why != NET_KEEP)
        return why;
    if (!f->fragment_offset) {
        p->frame = *f;
        p->head_len = head.len < FRAGMENT_HEAD ? (uint32_t)head.len : FRAGMENT_HEAD;
        memcpy(p->head, head.data, p->head_len);
    }
    if (p->total && p->got == p->total) {
        if (p->ecn & ECN_CE)
            p->frame.ecn = 3;
        *whole_out = p;
    }
    return NET_KEEP;
}

void fragment_done(struct fragments *table, struct fragment_packet *packet)
{
    packet->since = 0;
    table->live--;
}

struct fragment_packet *fragment_expired(struct fragments *table, uint64_t now)
{
    if (!table->live || now < table->due)
        return NULL;
    table->due = UINT64_MAX;
    for (uint32_t i = 0; i < FRAGMENT_PACKETS; i++) {
        struct fragment_packet *p = &table->packets[i];

        if (p->since && now - p->since >= FRAGMENT_US) {
            table->due = 0; /* there may be more */
            fragment_done(table, p);
            return p;
        }
        if (p->since && p->since + FRAGMENT_US < table->due)
            table->due = p->since + FRAGMENT_US;
    }
    return NULL;
}

uint64_t fragment_next_timer(const struct fragments *table)
{
    return table->live ? table->due : UINT64_MAX;
}
