/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_rack.h"

#include "dataplane/tcp/tcp_flight.h"
#include "dataplane/tcp/tcp_sequence.h"

enum { DUPLICATES = 3, PERSIST = 16, MULTIPLIER_MOST = 64 };

void tcp_rack_init(struct tcp_rack *r, uint32_t una, uint32_t srtt, bool reordering)
{
    *r = (struct tcp_rack){.min_rtt = srtt,
                           .fack = una,
                           .fack_before = una,
                           .multiplier = 1,
                           .reordering = reordering};
}

static bool sent_after(uint32_t time1, uint32_t end1, uint32_t time2, uint32_t end2)
{
    return seq_lt(time2, time1) || (time1 == time2 && seq_lt(end2, end1));
}

void tcp_rack_begin(struct tcp_rack *r)
{
    r->fack_before = r->fack;
}

void tcp_rack_arrived(struct tcp_rack *r, uint32_t end, uint32_t time, bool resent, bool stale,
                      uint32_t now)
{
    uint32_t rtt = now - time;

    if (!resent && seq_lt(end, r->fack_before))
        r->reordering = true;
    r->fack = seq_max(r->fack, end);
    if (!resent && (!r->min_rtt || rtt < r->min_rtt))
        r->min_rtt = rtt ? rtt : 1;
    /* Too soon: what arrived is the first one, which was not lost. */
    if (resent && (stale || rtt < r->min_rtt))
        return;
    r->rtt = rtt;
    if (!r->known || sent_after(time, end, r->xmit_time, r->end_seq)) {
        r->xmit_time = time;
        r->end_seq = end;
        r->known = true;
    }
}

void tcp_rack_duplicate(struct tcp_rack *r, uint32_t una, uint32_t sent)
{
    if (r->dsack_round && seq_lt(una, r->dsack_end))
        return;
    r->dsack_round = true;
    r->dsack_end = sent;
    r->multiplier = r->multiplier < MULTIPLIER_MOST ? (uint8_t)(r->multiplier + 1) : r->multiplier;
    r->persist = PERSIST;
}

void tcp_rack_recovered(struct tcp_rack *r)
{
    if (r->persist)
        r->persist--;
    if (!r->persist)
        r->multiplier = 1;
}

/* RFC 6675's DupThresh, in bytes or in pieces. */
static bool many_sacked(const struct tcp_flight *f, uint32_t mss)
{
    uint32_t pieces = 0;

    if (f->sacked > (DUPLICATES - 1) * mss)
        return true;
    for (uint32_t i = 0; f->sacked && i < f->count; i++)
        pieces += !!(f->sent[i].flags & SENT_SACKED);
    return pieces >= DUPLICATES;
}

uint32_t tcp_rack_window(const struct tcp_flight *f, uint32_t srtt, uint32_t mss)
{
    const struct tcp_rack *r = &f->rack;
    uint64_t window;

    if (!r->reordering && (f->state != FLIGHT_OPEN || many_sacked(f, mss)))
        return 0;
    window = (uint64_t)r->multiplier * r->min_rtt / 4;
    return window < srtt ? (uint32_t)window : srtt;
}

uint32_t tcp_rack_detect(struct tcp_flight *f, uint32_t una, uint32_t srtt, uint32_t mss,
                         uint32_t now)
{
    const struct tcp_rack *r = &f->rack;
    uint32_t window, wait = 0;

    if (!r->known)
        return 0;
    window = tcp_rack_window(f, srtt, mss);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct tcp_sent *s = &f->sent[i];
        int32_t left;

        if (s->flags & (SENT_SACKED | SENT_LOST) ||
            !sent_after(r->xmit_time, r->end_seq, s->time, s->end))
            continue;
        left = (int32_t)(s->time + r->rtt + window - now);
        if (left <= 0)
            tcp_flight_lose(f, una, i);
        else if ((uint32_t)left > wait)
            wait = (uint32_t)left;
    }
    return wait;
}
