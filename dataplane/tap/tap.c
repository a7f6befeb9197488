/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap/tap.h"

#include <stdlib.h>

#include "dataplane/capture/tap_input.h"
#include "dataplane/tap/tap_flow.h"

enum { GAP_SEGMENTS = 16 };

static void take_settings(struct sessions *ss)
{
    ss->settings = *handoff_settings(ss->options.port);
    /* What others got is not counted against anybody. */
    ss->settings.limits.windows = NULL;
    ss->settings.limits.gauges = NULL;
    ss->settings.greylist.known = NULL;
    ss->rules = ss->settings.rules;
}

static bool take_memory(struct tap *t, struct handoff *h)
{
    const struct tap_source *source = t->source;
    /* A message has a chunk for its state and mostly one more; a flow a line or a held piece. */
    const uint32_t chunks[CHUNK_CLASSES] = {source->flows, 2 * source->flows,
                                            4 * source->messages + source->flows / 4 + 64};

    t->flows = calloc(source->flows, sizeof(*t->flows));
    t->pool = chunk_pool_new(chunks);
    if (t->pool)
        t->ss = sessions_new(&(struct sessions_options){.pool = t->pool,
                                                        .port = handoff_port_of(h, 0),
                                                        .connections = 1,
                                                        .digests = source->digests});
    if (!t->flows || !t->ss)
        return false;
    take_settings(t->ss);
    return true;
}

static void tell(const struct tap_source *source, const char *group, const char *name,
                 uint64_t value)
{
    const struct tap_statistic s = {group, name, value};

    source->statistic(source->context, &s);
}

static void statistics(const struct tap *t, const struct tap_input *input,
                       const struct tcp_observer *observer, uint64_t frames)
{
    const struct tap_source *s = t->source;
    const struct tap_input_counters *in = tap_input_counters(input);
    const struct tcp_observer_counters *tcp = tcp_observer_counters(observer);

    tell(s, "tap", "frames", frames);
    tell(s, "tap", "flows_unseen", t->flows_unseen);
    tell(s, "tap", "sessions", t->sessions);
    tell(s, "tap", "messages", t->messages);
    tell(s, "tap", "messages_unread", t->messages_unread);
    tell(s, "tap", "logins", t->logins);
    tell(s, "tap", "anomalies", t->anomalies);
    tell(s, "protocol", "smtp", t->by_protocol[DETECT_SMTP]);
    tell(s, "protocol", "pop3", t->by_protocol[DETECT_POP3]);
    tell(s, "protocol", "imap", t->by_protocol[DETECT_IMAP]);
    tell(s, "protocol", "tls", t->by_protocol[DETECT_TLS]);
    tell(s, "protocol", "unknown", t->by_protocol[DETECT_OTHER]);
#define TAP_INPUT_COUNTER(name, text) tell(s, "input", #name, in->name);
#include "dataplane/capture/tap_input_counter.def"
#undef TAP_INPUT_COUNTER
#define OBSERVER_COUNTER(name, text) tell(s, "tcp", #name, tcp->name);
#include "dataplane/tcp/tcp_observer_counter.def"
#undef OBSERVER_COUNTER
}

static void watch(struct tap *t, struct tap_input *input, struct tcp_observer *observer)
{
    struct tap_frame_source frame;
    uint64_t frames = 0;

    while (t->source->next(t->source->context, &frame)) {
        tap_input_feed(input, &(struct tap_input_frame){.bytes = frame.bytes,
                                                        .wire_len = frame.wire_len,
                                                        .link = frame.link,
                                                        .time_ns = frame.time_ns,
                                                        .checksum = TCP_CHECKSUM_UNKNOWN});
        frames++;
    }
    tcp_observer_finish(observer);
    statistics(t, input, observer, frames);
}

static enum overlap_policy policy_of(const char *name)
{
    static const char *const names[OVERLAP_POLICY_COUNT] = {
#define OVERLAP_POLICY(symbol, text) [OVERLAP_##symbol] = text,
        OVERLAP_POLICIES(OVERLAP_POLICY)
#undef OVERLAP_POLICY
    };
    enum overlap_policy policy = OVERLAP_LINUX;

    for (int i = 0; i < OVERLAP_POLICY_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            policy = (enum overlap_policy)i;
    return policy;
}

/* Pieces of a datagram that differ: of no flow, because nobody knows what of it counts. */
static void fragments_overlap(void *context, const struct tap_fragment_overlap *o)
{
    struct tap *t = context;
    struct tap_flow_facts facts = {.client = o->source,
                                   .server = o->destination,
                                   .begin_ns = o->time_ns,
                                   .last_ns = o->time_ns,
                                   .protocol = detect_name(DETECT_UNDECIDED)};
    struct tap_event event = {
        .kind = TAP_EVENT_ANOMALY,
        .flow = &facts,
        .time_ns = o->time_ns,
        .name = span_text(o->dropped ? "fragment_dropped" : "fragment_overlap"),
        .text = span_text(o->dropped ? "fragments overlap: the datagram is dropped"
                                     : "fragments overlap with other content"),
        .offset = o->offset,
        .len = o->len};

    t->anomalies++;
    t->source->event(t->source->context, &event);
}

static bool run(struct tap *t)
{
    struct tcp_observer_options tcp;
    struct tap_input_options options;
    struct tcp_observer_calls calls = tap_flow_calls;
    struct tcp_observer *observer;
    struct tap_input *input = NULL;

    tcp_observer_defaults(&tcp);
    tap_input_defaults(&options);
    tcp.policy = options.policy = policy_of(t->source->policy);
    options.ignore_checksums = t->source->ignore_checksums;
    options.fragment_overlap = fragments_overlap;
    options.context = t;
    tcp.flows = t->source->flows;
    tcp.gap_segments = GAP_SEGMENTS;
    memcpy(tcp.secret, t->source->secret, sizeof(tcp.secret));
    memcpy(options.secret, t->source->secret, sizeof(options.secret));
    calls.context = t;
    observer = tcp_observer_new(&tcp, &calls);
    if (observer)
        input = tap_input_new(&options, observer);
    if (input)
        watch(t, input, observer);
    tap_input_free(input);
    tcp_observer_free(observer);
    return input != NULL;
}

bool tap_run(struct handoff *h, const struct tap_source *source)
{
    struct tap t = {.source = source};
    bool ok = take_memory(&t, h) && run(&t);

    sessions_free(t.ss);
    if (t.pool)
        chunk_pool_free(t.pool);
    free(t.flows);
    return ok;
}
