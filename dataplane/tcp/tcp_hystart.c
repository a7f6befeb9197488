/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/tcp_hystart.h"

#include "dataplane/tcp/tcp_sequence.h"

/* RFC 9406 section 4.3 */
enum { MIN_THRESH = 4000, MAX_THRESH = 16000, RTT_DIVISOR = 8, RTT_SAMPLES = 8, CSS_ROUNDS = 5 };

void tcp_hystart_init(struct tcp_hystart *h, uint32_t sent)
{
    *h =
        (struct tcp_hystart){.window_end = sent, .last_min = UINT32_MAX, .current_min = UINT32_MAX};
}

static uint32_t threshold(uint32_t rtt)
{
    uint32_t t = rtt / RTT_DIVISOR;

    return t < MIN_THRESH ? MIN_THRESH : t > MAX_THRESH ? MAX_THRESH : t;
}

static void sample(struct tcp_hystart *h, uint32_t rtt)
{
    if (rtt < h->current_min)
        h->current_min = rtt;
    if (h->samples < UINT8_MAX)
        h->samples++;
    if (h->samples < RTT_SAMPLES)
        return;
    if (h->conservative) {
        if (h->current_min < h->baseline) /* it was a passing thing */
            h->conservative = false;
    } else if (h->last_min != UINT32_MAX &&
               h->current_min >= h->last_min + threshold(h->last_min)) {
        h->conservative = true;
        h->baseline = h->current_min;
        h->rounds = 0;
    }
}

enum tcp_hystart_phase tcp_hystart_acked(struct tcp_hystart *h, uint32_t una, uint32_t sent,
                                         uint32_t rtt)
{
    if (rtt)
        sample(h, rtt);
    if (seq_le(h->window_end, una)) {
        h->window_end = sent;
        h->last_min = h->current_min;
        h->current_min = UINT32_MAX;
        h->samples = 0;
        if (h->conservative && ++h->rounds >= CSS_ROUNDS)
            return HYSTART_DONE;
    }
    return h->conservative ? HYSTART_CONSERVATIVE : HYSTART_SLOW_START;
}
