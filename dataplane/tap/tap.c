/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap/tap.h"

#include <stdlib.h>

#include "dataplane/tap/tap_flow.h"

enum { GAP_SEGMENTS = 16 };

static void take_settings(struct tap *t)
{
    struct sessions *ss = t->ss;
    const struct settings *published = handoff_settings(ss->options.port);

    if (published->version == ss->settings.version)
        return;
    ss->settings = *published;
    /* What others got is not counted against anybody. */
    ss->settings.limits.windows = NULL;
    ss->settings.limits.gauges = NULL;
    ss->settings.greylist.known = NULL;
    ss->rules = ss->settings.rules;
}

static bool take_memory(struct tap *t, const struct tap_options *o)
{
    const struct tap_source *source = t->source;
    /* A message has a chunk for its state and mostly one more; a flow lines or a held piece, one of
     * IMAP its state. */
    const uint32_t chunks[CHUNK_CLASSES] = {source->flows, 3 * source->flows,
                                            4 * source->messages + source->flows / 4 + 64};

    t->flows = calloc(source->flows, sizeof(*t->flows));
    t->pool = chunk_pool_new(chunks);
    if (t->pool)
        t->ss =
            sessions_new(&(struct sessions_options){.pool = t->pool,
                                                    .port = handoff_port_of(o->handoff, o->worker),
                                                    .connections = 1,
                                                    .node = source->node,
                                                    .digests = source->digests});
    if (!t->flows || !t->ss)
        return false;
    if (source->secrets) {
        t->crypto = tls_crypto_new();
        t->tls_room = malloc(TLS_SEALED_MAX);
        if (!t->crypto || !t->tls_room)
            return false;
    }
    take_settings(t);
    return true;
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
    uint64_t time_ns = o->time_ns + t->epoch_ns;
    struct tap_flow_facts facts = {.client = o->source,
                                   .server = o->destination,
                                   .begin_ns = time_ns,
                                   .last_ns = time_ns,
                                   .protocol = detect_name(DETECT_UNDECIDED)};
    struct tap_event event = {
        .kind = TAP_EVENT_ANOMALY,
        .flow = &facts,
        .time_ns = time_ns,
        .name = span_text(o->dropped ? "fragment_dropped" : "fragment_overlap"),
        .text = span_text(o->dropped ? "fragments overlap: the datagram is dropped"
                                     : "fragments overlap with other content"),
        .offset = o->offset,
        .len = o->len};

    t->anomalies++;
    t->source->event(t->source->context, &event);
}

static bool pass(void *context, const struct observed_packet *packet)
{
    const struct tap *t = context;

    return t->pass(t->pass_context, packet);
}

static void take_ways(struct tap *t, const struct tap_options *o)
{
    const struct tap_source *source = t->source;
    struct tcp_observer_options tcp;
    struct tap_input_options options;
    struct tcp_observer_calls calls = tap_flow_calls;

    tcp_observer_defaults(&tcp);
    tap_input_defaults(&options);
    tcp.policy = options.policy = policy_of(source->policy);
    tcp.flows = source->flows;
    tcp.gap_segments = GAP_SEGMENTS;
    tcp.memory = source->held ? source->held : tcp.memory;
    tcp.idle_ms = source->idle_ms ? source->idle_ms : tcp.idle_ms;
    memcpy(tcp.secret, source->secret, sizeof(tcp.secret));
    memcpy(options.secret, source->secret, sizeof(options.secret));
    options.ignore_checksums = source->ignore_checksums;
    options.fragment_overlap = fragments_overlap;
    options.pass = o->pass ? pass : NULL;
    options.context = t;
    t->pass = o->pass;
    t->pass_context = o->context;
    calls.context = t;
    t->observer = tcp_observer_new(&tcp, &calls);
    if (t->observer)
        t->input = tap_input_new(&options, t->observer);
}

struct tap *tap_new(const struct tap_options *o)
{
    struct tap *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->source = o->source;
    t->worker = o->worker;
    t->workers = handoff_workers(o->handoff);
    if (take_memory(t, o))
        take_ways(t, o);
    if (t->input)
        return t;
    tap_free(t);
    return NULL;
}

void tap_free(struct tap *t)
{
    if (!t)
        return;
    tap_input_free(t->input);
    tcp_observer_free(t->observer);
    sessions_free(t->ss);
    if (t->pool)
        chunk_pool_free(t->pool);
    tls_crypto_free(t->crypto);
    free(t->tls_room);
    free(t->flows);
    free(t);
}

void tap_feed(struct tap *t, const struct tap_input_frame *frame)
{
    t->frames++;
    tap_input_feed(t->input, frame);
}

void tap_packet(struct tap *t, const struct observed_packet *packet)
{
    tap_input_packet(t->input, packet);
}

void tap_time(struct tap *t, uint64_t now_ns, uint64_t epoch_ns)
{
    take_settings(t);
    t->epoch_ns = epoch_ns;
    tcp_observer_time(t->observer, now_ns);
}

void tap_lost(struct tap *t)
{
    tcp_observer_lost(t->observer);
    t->losses++;
}

void tap_finish(struct tap *t)
{
    tcp_observer_finish(t->observer);
}

uint32_t tap_flows(const struct tap *t)
{
    return tcp_observer_flows(t->observer);
}

uint32_t tap_conversations(const struct tap *t)
{
    return t->conversations;
}

/* Where a row of statistics goes. */
struct telling {
    void (*put)(void *context, const struct tap_statistic *statistic);
    void *context;
};

static void tell(const struct telling *to, const char *group, const char *name, uint64_t value)
{
    const struct tap_statistic s = {group, name, value};

    to->put(to->context, &s);
}

void tap_statistics(const struct tap *t,
                    void (*put)(void *context, const struct tap_statistic *statistic),
                    void *context)
{
    const struct telling to = {put, context};
    const struct tap_input_counters *in = tap_input_counters(t->input);
    const struct tcp_observer_counters *tcp = tcp_observer_counters(t->observer);

    tell(&to, "tap", "frames", t->frames);
    tell(&to, "tap", "flows_unseen", t->flows_unseen);
    tell(&to, "tap", "sessions", t->sessions);
    tell(&to, "tap", "messages", t->messages);
    tell(&to, "tap", "messages_unread", t->messages_unread);
    tell(&to, "tap", "logins", t->logins);
    tell(&to, "tap", "anomalies", t->anomalies);
    tell(&to, "tap", "losses", t->losses);
    tell(&to, "protocol", "smtp", t->by_protocol[DETECT_SMTP]);
    tell(&to, "protocol", "pop3", t->by_protocol[DETECT_POP3]);
    tell(&to, "protocol", "imap", t->by_protocol[DETECT_IMAP]);
    tell(&to, "protocol", "tls", t->by_protocol[DETECT_TLS]);
    tell(&to, "protocol", "unknown", t->by_protocol[DETECT_OTHER]);
    tell(&to, "tls", "handshakes", t->tls_handshakes);
    tell(&to, "tls", "opened", t->tls_opened);
    tell(&to, "tls", "records", t->tls_records);
#define TAP_UNREAD(name, text, what)                                                               \
    tell(&to, "tls", "unread_" text, t->tls_unread[TAP_UNREAD_##name]);
#include "dataplane/tap/tap_unread.def"
#undef TAP_UNREAD
#define TAP_IMAP_COUNTER(name, what) tell(&to, "imap", #name, t->imap.name);
#include "dataplane/tap/tap_imap_counter.def"
#undef TAP_IMAP_COUNTER
#define IMAP_OBSERVED_FAULT(NAME, name, what)                                                      \
    tell(&to, "imap", #name, t->imap.faults[IMAP_OBSERVED_FAULT_##NAME]);
#include "proto/imap/imap_observed_fault.def"
#undef IMAP_OBSERVED_FAULT
#define TAP_INPUT_COUNTER(name, text) tell(&to, "input", #name, in->name);
#include "dataplane/capture/tap_input_counter.def"
#undef TAP_INPUT_COUNTER
#define OBSERVER_COUNTER(name, text) tell(&to, "tcp", #name, tcp->name);
#include "dataplane/tcp/tcp_observer_counter.def"
#undef OBSERVER_COUNTER
}

bool tap_run(struct handoff *h, const struct tap_source *source)
{
    struct tap *t = tap_new(&(struct tap_options){.handoff = h, .source = source});
    struct tap_frame_source frame;

    if (!t)
        return false;
    while (source->next(source->context, &frame)) {
        tap_input_ahead(frame.ahead);
        tap_feed(t, &(struct tap_input_frame){.bytes = frame.bytes,
                                              .wire_len = frame.wire_len,
                                              .link = frame.link,
                                              .time_ns = frame.time_ns,
                                              .checksum = source->ignore_checksums
                                                              ? TCP_CHECKSUM_GOOD
                                                              : TCP_CHECKSUM_UNKNOWN});
    }
    tap_finish(t);
    tap_statistics(t, source->statistic, source->context);
    tap_free(t);
    return true;
}
