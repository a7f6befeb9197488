/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_FUZZ_TAP_PLAY_H
#define TESTS_FUZZ_TAP_PLAY_H

#include <stdlib.h>
#include <urcu-qsbr.h>

#include "control/config/config.h"
#include "control/service/judgement.h"
#include "dataplane/tap/tap.h"
#include "dataplane/tap/tap_flow.h"

/* A tap that is shown one connection, its bytes as the observer of TCP hands them on. */
static struct tap *tap;
static struct tap_source source;
static struct handoff *handoff;

struct tap_play {
    struct tcp_observed_flow flow;
    uint8_t split; /* bytes of a piece; 0: all at once */
    uint64_t offset[2], time_ns;
};

static inline void on_event(void *context, const struct tap_event *event)
{
    struct record *record;

    while (event->kind == TAP_EVENT_MESSAGE && record_collect(handoff, &record, 1) == 1)
        record_return(handoff, record);
}

/* `secrets`: of TLS, or NULL. */
static inline void tap_play_make(const struct tls_secrets *secrets)
{
    static struct config_errors errors;
    static struct judgement *judgement; /* stays */
    struct config *config = config_read(
        span_text("hostname: tap.invalid\nrole: tap\ntap: {ports: [{interface: unused}]}\n"),
        "fuzz", &errors);

    judgement = judgement_new(config, &(struct judgement_options){.workers = 1, .messages = 4},
                              &(struct writer){0});
    config_free(config);
    rcu_register_thread();
    handoff = judgement_handoff(judgement);
    source = (struct tap_source){.event = on_event,
                                 .policy = "linux",
                                 .flows = 4,
                                 .messages = 4,
                                 .secrets = secrets,
                                 .secrets_grow = secrets != NULL};
    tap = tap_new(&(struct tap_options){.handoff = handoff, .source = &source});
    if (!tap)
        abort();
}

static inline void tap_play_begin(struct tap_play *p, uint16_t port)
{
    *p = (struct tap_play){.time_ns = 1000000};
    p->flow = (struct tcp_observed_flow){.id = 1, .client_port = 4000, .server_port = port};
    p->flow.side[0] = p->flow.side[1] = (struct tcp_observed_side){.seen = true, .opened = true};
    tap_flow_calls.flow_begin(tap, &p->flow);
}

static inline void tap_play_send(struct tap_play *p, enum tcp_direction d, struct span bytes)
{
    while (bytes.len) {
        struct span piece = span_head(bytes, p->split ? p->split : bytes.len);
        uint8_t *exact = malloc(piece.len);

        memcpy(exact, piece.data, piece.len);
        tap_flow_calls.flow_bytes(tap, &p->flow, d, span_of(exact, piece.len), p->offset[d],
                                  p->time_ns += 1000);
        free(exact);
        p->offset[d] += piece.len;
        bytes = span_skip(bytes, piece.len);
    }
}

static inline void tap_play_gap(struct tap_play *p, enum tcp_direction d, uint64_t len)
{
    tap_flow_calls.flow_gap(tap, &p->flow, d, p->offset[d], len, p->time_ns);
}

/* Behind it nothing is held. */
static inline void tap_play_end(struct tap_play *p)
{
    tap_flow_calls.flow_end(tap, &p->flow, TCP_END_CLOSED, p->time_ns);
    rcu_quiescent_state();
    for (int i = 0; i < CHUNK_CLASSES; i++)
        if (chunk_used(tap->pool, (enum chunk_class)i))
            abort();
}

#endif
