/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/capture/tap_input.h"

#include <stdlib.h>

#include "dataplane/capture/ip_fragments.h"
#include "dataplane/capture/tap_frame.h"
#include "dataplane/packet/checksum.h"

enum { TCP_PROTOCOL = 6, TCP_SUM_AT = 16, TCP_HEADER = 20 };

struct tap_input {
    struct tap_input_options options;
    struct tcp_observer *observer;
    struct ip_fragments *fragments;
    struct tap_input_counters counters;
};

void tap_input_defaults(struct tap_input_options *options)
{
    *options = (struct tap_input_options){
        .policy = OVERLAP_LINUX,
        .datagrams = 4096,
        .fragment_memory = 16u << 20,
        .fragment_ms = 30000,
        .vxlan_port = 4789,
    };
}

static void fragments_differ(void *context, const struct ip_fragments_differ *d)
{
    struct tap_input *input = context;
    const struct ip_fragment *x = d->fragment;
    struct tap_fragment_overlap overlap = {
        .source = x->source,
        .destination = x->destination,
        .identification = x->identification,
        .offset = d->offset,
        .len = d->len,
        .dropped = d->dropped,
        .time_ns = x->time_ns,
    };

    input->counters.fragment_overlaps++;
    if (input->options.fragment_overlap)
        input->options.fragment_overlap(input->options.context, &overlap);
}

struct tap_input *tap_input_new(const struct tap_input_options *options,
                                struct tcp_observer *observer)
{
    struct tap_input *input = calloc(1, sizeof(*input));
    struct ip_fragments_options fragments = {
        .policy = options->policy,
        .datagrams = options->datagrams,
        .memory = options->fragment_memory,
        .ms = options->fragment_ms,
        .differ = fragments_differ,
        .context = input,
    };

    if (!input)
        return NULL;
    memcpy(fragments.secret, options->secret, sizeof(fragments.secret));
    input->options = *options;
    input->observer = observer;
    input->fragments = ip_fragments_new(&fragments);
    if (!input->fragments) {
        free(input);
        return NULL;
    }
    return input;
}

void tap_input_free(struct tap_input *input)
{
    if (!input)
        return;
    ip_fragments_free(input->fragments);
    free(input);
}

const struct tap_input_counters *tap_input_counters(const struct tap_input *input)
{
    return &input->counters;
}

bool tap_input_link_known(uint32_t link)
{
    return tap_frame_link_known(link);
}

/* RFC 9293 section 3.1. Before a card has filled it in, the field holds the pseudo header's sum. */
static enum tcp_checksum check(const struct tap_frame *f)
{
    struct checksum pseudo = {0}, all;
    uint16_t field;

    if (f->bytes.len < f->wire_len || f->bytes.len < TCP_HEADER)
        return TCP_CHECKSUM_UNKNOWN;
    checksum_pseudo(&pseudo, &f->source, &f->destination, TCP_PROTOCOL, f->wire_len);
    all = pseudo;
    checksum_add(&all, f->bytes.data, f->bytes.len);
    if (checksum_fold(&all) == 0xffff)
        return TCP_CHECKSUM_GOOD;
    memcpy(&field, f->bytes.data + TCP_SUM_AT, sizeof(field));
    return field == checksum_fold(&pseudo) ? TCP_CHECKSUM_PSEUDO : TCP_CHECKSUM_BAD;
}

void tap_input_packet(struct tap_input *input, const struct observed_packet *packet)
{
    input->counters.segments++;
    tcp_observer_packet(input->observer, packet);
}

static void hand_on(struct tap_input *input, const struct tap_input_frame *frame,
                    const struct tap_frame *f, bool reassembled)
{
    struct observed_packet packet = {
        .source = f->source,
        .destination = f->destination,
        .segment = f->bytes,
        .segment_len = f->wire_len,
        .domain = f->domain,
        .time_ns = frame->time_ns,
        .checksum = frame->checksum,
        .hop_limit = f->hop_limit,
        .reassembled = reassembled,
        .doubtful = f->doubtful,
        .after_loss = frame->after_loss,
    };

    if (input->options.ignore_checksums)
        packet.checksum = TCP_CHECKSUM_GOOD;
    else if (frame->checksum == TCP_CHECKSUM_UNKNOWN || reassembled || f->tunnels)
        packet.checksum = check(f);
    if (reassembled && input->options.pass && input->options.pass(input->options.context, &packet))
        return;
    tap_input_packet(input, &packet);
}

/* True: the datagram is whole, and the frame goes on with it. */
static bool gather(struct tap_input *input, const struct tap_input_frame *frame,
                   struct tap_frame *f)
{
    struct ip_datagram whole;
    struct ip_fragment x = {
        .source = f->source,
        .destination = f->destination,
        .identification = f->identification,
        .domain = f->domain,
        .protocol = (uint8_t)f->type,
        .hop_limit = f->hop_limit,
        .v4 = f->v4,
        .more = f->more,
        .offset = f->offset,
        .bytes = f->bytes,
        .time_ns = frame->time_ns,
    };
    enum ip_fragments_status status = IP_FRAGMENTS_BAD;

    input->counters.fragments++;
    if (f->bytes.len == f->wire_len)
        status = ip_fragments_add(input->fragments, &x, &whole);
    input->counters.drop_fragment += status == IP_FRAGMENTS_BAD || status == IP_FRAGMENTS_OVERLAP;
    input->counters.drop_fragment_time = ip_fragments_expired(input->fragments);
    input->counters.drop_fragment_refused += status == IP_FRAGMENTS_LIMIT;
    input->counters.drop_fragment_limit = ip_fragments_evicted(input->fragments);
    if (status != IP_FRAGMENTS_WHOLE)
        return false;
    input->counters.datagrams++;
    f->bytes = whole.bytes;
    f->wire_len = (uint32_t)whole.bytes.len;
    f->type = whole.protocol;
    f->hop_limit = whole.hop_limit;
    f->doubtful |= whole.doubtful;
    return true;
}

static void count_drop(struct tap_input_counters *c, enum tap_frame_step why)
{
    c->drop_other += why == TAP_FRAME_OTHER;
    c->drop_protocol += why == TAP_FRAME_PROTOCOL;
    c->drop_link += why == TAP_FRAME_LINK;
    c->drop_short += why == TAP_FRAME_SHORT;
    c->drop_malformed += why == TAP_FRAME_MALFORMED;
    c->drop_depth += why == TAP_FRAME_DEPTH;
    c->drop_ip_checksum += why == TAP_FRAME_CHECKSUM;
}

void tap_input_ahead(struct span bytes)
{
    enum { LINE = 64, MOST = 24 * LINE };

    for (size_t at = 0; at < bytes.len && at < MOST; at += LINE)
        __builtin_prefetch(bytes.data + at);
}

void tap_input_feed(struct tap_input *input, const struct tap_input_frame *frame)
{
    struct tap_frame f = tap_frame_of(frame->bytes, frame->wire_len, frame->link);
    enum tap_frame_step step = TAP_FRAME_ON;
    bool reassembled = false;

    f.unchecked = input->options.ignore_checksums;
    input->counters.frames++;
    input->counters.bytes += f.wire_len;
    input->counters.cut += f.wire_len > f.bytes.len;
    while (step == TAP_FRAME_ON) {
        step = tap_frame_next(&f, input->options.vxlan_port);
        if (step != TAP_FRAME_FRAGMENT)
            continue;
        if (!gather(input, frame, &f))
            break;
        reassembled = true;
        step = TAP_FRAME_ON;
    }
    input->counters.tunnels += f.tunnels;
    if (step == TAP_FRAME_TCP) {
        hand_on(input, frame, &f, reassembled);
        return;
    }
    count_drop(&input->counters, step);
    if (frame->after_loss)
        tcp_observer_lost(input->observer);
    tcp_observer_time(input->observer, frame->time_ns);
}
