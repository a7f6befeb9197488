/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_FUZZ_OBSERVER_WATCH_H
#define TESTS_FUZZ_OBSERVER_WATCH_H

#include <stdlib.h>

#include "dataplane/tcp/tcp_observer.h"

/*
 * What must hold of an observer whatever it is shown: a flow is begun once and ended once, in each
 * direction offsets have no hole and no step back, nothing comes behind the FIN, and at the end
 * nothing is held.
 */
struct watched_flow {
    uint64_t at[TCP_DIRECTIONS];
    bool finished[TCP_DIRECTIONS];
};

static uint32_t watched_alive;
static volatile uint8_t watched_sum;

static inline void watch(bool ok)
{
    if (!ok)
        abort();
}

static inline void watch_begin(void *context, struct tcp_observed_flow *flow)
{
    watch(!flow->user);
    flow->user = calloc(1, sizeof(struct watched_flow));
    watched_alive++;
}

static inline void watch_bytes(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                               struct span bytes, uint64_t offset, uint64_t time_ns)
{
    struct watched_flow *w = flow->user;

    watch(bytes.len && offset == w->at[d] && !w->finished[d]);
    w->at[d] += bytes.len;
    for (size_t i = 0; i < bytes.len; i++)
        watched_sum ^= bytes.data[i];
}

static inline void watch_gap(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                             uint64_t offset, uint64_t len, uint64_t time_ns)
{
    struct watched_flow *w = flow->user;

    watch(len && offset == w->at[d] && !w->finished[d]);
    w->at[d] += len;
}

static inline void watch_finished(void *context, struct tcp_observed_flow *flow,
                                  enum tcp_direction d, uint64_t time_ns)
{
    struct watched_flow *w = flow->user;

    watch(!w->finished[d]);
    w->finished[d] = true;
}

static inline void watch_event(void *context, struct tcp_observed_flow *flow,
                               const struct tcp_observation *observation)
{
    watch(flow->user && tcp_observer_event_name(observation->event));
    for (size_t i = 0; i < observation->other.len; i++)
        watched_sum ^= observation->other.data[i];
}

static inline void watch_end(void *context, struct tcp_observed_flow *flow,
                             enum tcp_observer_end reason, uint64_t time_ns)
{
    watch(flow->user && tcp_observer_end_name(reason));
    free(flow->user);
    watched_alive--;
}

static inline struct tcp_observer *watch_new(const struct tcp_observer_options *options)
{
    struct tcp_observer_calls calls = {NULL,           watch_begin, watch_bytes, watch_gap,
                                       watch_finished, watch_event, watch_end};

    watched_alive = 0;
    return tcp_observer_new(options, &calls);
}

static inline void watch_free(struct tcp_observer *o)
{
    tcp_observer_finish(o);
    watch(!watched_alive && !tcp_observer_flows(o) && !tcp_observer_held(o));
    tcp_observer_free(o);
}

#endif
