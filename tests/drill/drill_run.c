/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/drill/drill_run.h"

#include <stdio.h>
#include <stdlib.h>

enum { BASE = 10000000, TOLERANCE = 4000, SPINS = 100000 };

static void on_output(void *user, const uint8_t *packet, size_t len)
{
    struct drill *d = user;
    struct drill_sent *s = drill_memory(sizeof(*s) + len);

    s->time = d->now;
    s->len = len;
    memcpy(s->bytes, packet, len);
    *d->sent_last = s;
    d->sent_last = &s->next;
}

static uint32_t number_setting(const struct drill *d, const char *name, uint32_t otherwise)
{
    const char *value = drill_script_setting(d->script, name);

    return value ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

struct wirepost_tcp *drill_stack(struct drill *d)
{
    struct wirepost_tcp_config config = {
        .addresses = &d->local,
        .address_count = 1,
        .mtu = number_setting(d, "mtu", 1500),
        .connections = 64,
        .half_open = number_setting(d, "half_open", 0),
        .receive_window = number_setting(d, "receive_window", d->receive_window),
        .send_buffer = number_setting(d, "send_buffer", 1 << 20),
        .time_wait_ms = number_setting(d, "time_wait_ms", d->time_wait_ms),
        .ecn = d->ecn,
        .ecn_repeats = d->ecn_repeats,
        .secret = "drill's secret.",
        .output = on_output,
        .output_user = d,
    };
    enum wirepost_tcp_error error;

    if (!d->stack)
        d->stack = wirepost_tcp_new(&config, &error);
    if (!d->stack)
        drill_stop(DRILL_REFUSED, d->line, "the stack: %s", wirepost_tcp_error_text(error));
    return d->stack;
}

/* Calls that block may be done now; what they programmed leaves. */
static void settle(struct drill *d)
{
    struct drill_waiting **w = &d->waiting;

    while (wirepost_tcp_news(d->stack))
        ;
    for (struct drill_socket *s = d->sockets; s; s = s->next)
        if (s->conn && !s->tuned && wirepost_tcp_readiness(s->conn) & WIREPOST_TCP_CONNECTED)
            drill_tune(s);
    while (*w) {
        struct drill_waiting *at = *w;

        d->called = at->from;
        if (!drill_call(d, at->event)) {
            if (d->now > at->to + (uint64_t)d->tolerance)
                drill_stop(DRILL_FAILED, at->event->line, "%s() still blocks",
                           at->event->call.name);
            w = &at->next;
            continue;
        }
        if (d->now + (uint64_t)d->tolerance < at->to || d->now > at->to + (uint64_t)d->tolerance)
            drill_stop(DRILL_FAILED, at->event->line, "%s() ended at %.6f", at->event->call.name,
                       (double)(int64_t)(d->now - d->base) / 1e6);
        *w = at->next;
    }
    wirepost_tcp_output(d->stack, d->now);
}

void drill_advance(struct drill *d, uint64_t until)
{
    int spins = 0;

    /* Commands in front of the first socket say how the stack is to be. */
    for (bool running = d->stack; running;) {
        uint64_t due = wirepost_tcp_next_timer(d->stack);

        if (due > until)
            break;
        if (due <= d->now && ++spins == SPINS)
            drill_stop(DRILL_FAILED, d->line, "a timer is due for ever");
        d->now = due > d->now ? due : d->now;
        wirepost_tcp_timers(d->stack, d->now);
        settle(d);
    }
    d->now = until > d->now ? until : d->now;
    if (d->stack)
        settle(d);
}

/* What a packet in says is of our numbers, where ours are known. */
static void number_in(struct drill *d, struct drill_tcp *tcp)
{
    struct drill_flow *f = &d->flow;
    uint32_t shift = f->known ? f->live_isn - f->script_isn : 0;

    tcp->ack += tcp->has_ack ? shift : 0;
    for (uint32_t i = 0; i < tcp->option_count; i++) {
        struct drill_option *o = &tcp->options[i];

        if (o->kind == DRILL_TS && o->echo && f->ts_known)
            o->echo += f->ts_offset;
        for (uint32_t b = 0; o->kind == DRILL_SACK && b < o->count; b++) {
            o->blocks[b].start += shift;
            o->blocks[b].end += shift;
        }
    }
}

static void begin_flow(struct drill *d, const struct drill_tcp *tcp)
{
    d->fresh = false;
    d->flow = (struct drill_flow){
        .local_port = d->bound ? d->bound : DRILL_PORT,
        .remote_port = d->next_remote++,
        .their_isn = tcp->seq,
    };
}

/* An empty segment between our window's right edge and that of the script's system: its last place.
 */
static void edge_in(const struct drill *d, struct drill_tcp *tcp)
{
    const struct drill_flow *f = &d->flow;
    uint32_t at = tcp->seq - f->last_ack;

    if (d->rules[DRILL_RULE_window] && f->last_window && !tcp->len && at >= f->last_window &&
        at < d->their_buffer)
        tcp->seq = f->last_ack + f->last_window - 1;
}

static void packet_in(struct drill *d, const struct drill_event *event)
{
    struct drill_path path = {.source_port = 0};
    struct drill_tcp tcp = event->tcp;
    struct drill_flow *f = &d->flow;
    uint8_t packet[DRILL_PACKET];
    size_t len;

    if (d->fresh)
        begin_flow(d, &tcp);
    if (tcp.flags & 2 && (!f->their_syn || !f->known)) { /* SYN */
        f->their_isn = tcp.seq;
        f->their_syn = true;
        f->their_options = 0;
        for (uint32_t i = 0; i < tcp.option_count; i++)
            f->their_options |= 1u << tcp.options[i].kind;
    }
    f->reopens |= f->known && (tcp.flags & (2 | 16)) == 2;
    f->heard = true;
    memcpy(path.source.bytes, d->remote.address, 16);
    memcpy(path.destination.bytes, d->local.address, 16);
    path.source_port = f->remote_port;
    path.destination_port = f->local_port;
    number_in(d, &tcp);
    edge_in(d, &tcp);
    len = drill_wire_tcp(packet, &path, &tcp, tcp.seq - f->their_isn - (tcp.flags & 2 ? 0 : 1));
    wirepost_tcp_input(drill_stack(d), packet, len, d->now);
    settle(d);
}

static void icmp_in(struct drill *d, const struct drill_event *event)
{
    struct drill_path path = {.source_port = d->flow.local_port,
                              .destination_port = d->flow.remote_port};
    struct drill_flow *f = &d->flow;
    uint8_t packet[DRILL_PACKET];
    uint32_t seq = f->last_seq;
    size_t len;

    if (event->icmp.has_seq)
        seq = event->icmp.seq + f->live_isn - f->script_isn;
    memcpy(path.source.bytes, d->local.address, 16);
    memcpy(path.destination.bytes, d->remote.address, 16);
    len = drill_wire_icmp(packet, &path, &event->icmp, seq);
    wirepost_tcp_input(drill_stack(d), packet, len, d->now);
    settle(d);
}

static void call(struct drill *d, const struct drill_event *event, uint64_t from, uint64_t to)
{
    struct drill_waiting *w;

    d->called = from;
    if (drill_call(d, event)) {
        if (event->time.lasts && to > from + (uint64_t)d->tolerance)
            drill_stop(DRILL_FAILED, event->line, "%s() did not block", event->call.name);
        settle(d);
        return;
    }
    w = drill_memory(sizeof(*w));
    *w = (struct drill_waiting){d->waiting, event, from, event->time.lasts ? to : from};
    d->waiting = w;
    settle(d);
}

static void run_event(struct drill *d, const struct drill_event *event)
{
    const struct drill_time *t = &event->time;
    uint64_t origin = t->kind == DRILL_ABSOLUTE ? d->base : d->event_time;
    uint64_t from = origin + (uint64_t)t->from, to = origin + (uint64_t)t->to;

    d->line = event->line;
    if (event->kind == DRILL_OUT) {
        uint64_t tolerance = (uint64_t)d->tolerance, slop = (uint64_t)d->slop;

        drill_match(d, event, t->kind == DRILL_ANY ? 0 : from - tolerance - slop,
                    t->kind == DRILL_ANY ? UINT64_MAX : to + tolerance);
        /* Times go on from where the script says, unless it leaves that open. */
        if (t->kind != DRILL_ANY && t->from == t->to && d->event_time + tolerance >= from)
            d->event_time = from;
        return;
    }
    if (t->kind == DRILL_ANY)
        from = d->event_time;
    drill_advance(d, from);
    d->event_time = from;
    switch (event->kind) {
    case DRILL_IN:
        packet_in(d, event);
        break;
    case DRILL_ICMP:
        icmp_in(d, event);
        break;
    case DRILL_CALL:
        call(d, event, from, to);
        break;
    case DRILL_CODE:
        drill_code(d, event);
        break;
    default:
        drill_command(d, event->command);
    }
}

static void choose_addresses(struct drill *d)
{
    const char *version = drill_script_setting(d->script, "ip_version");

    if (version && !strcmp(version, "ipv4-mapped-ipv6"))
        version = "ipv4";
    d->v6 = version && !strcmp(version, "ipv6");
    wirepost_tcp_endpoint_parse(d->v6 ? "2001:2::2" : "198.18.0.2", 0, &d->local);
    wirepost_tcp_endpoint_parse(d->v6 ? "2001:2::1" : "198.18.0.1", DRILL_PORT, &d->remote);
}

void drill_run(const struct drill_script *script, const bool rules[DRILL_RULES])
{
    struct drill d = {.script = script,
                      .base = BASE,
                      .now = BASE,
                      .event_time = BASE,
                      .fresh = true,
                      .next_remote = DRILL_REMOTE_PORT,
                      .receive_window = 65536};

    memcpy(d.rules, rules, sizeof(d.rules));
    d.sent_last = &d.sent;
    d.tolerance = number_setting(&d, "tolerance_usecs", TOLERANCE);
    choose_addresses(&d);
    for (const struct drill_event *e = script->events; e; e = e->next)
        run_event(&d, e);
    while (d.waiting)
        drill_advance(&d, d.waiting->to + (uint64_t)d.tolerance + 1);
    if (d.stack)
        drill_advance(&d, d.event_time);
    if (d.sent && !d.rules[DRILL_RULE_rest]) {
        struct drill_path path;
        struct drill_tcp tcp;
        struct span payload;
        char text[400];

        drill_wire_read(span_of(d.sent->bytes, d.sent->len), &path, &tcp, &payload);
        drill_wire_print(&tcp, text, sizeof(text));
        drill_stop(DRILL_FAILED, d.line, "behind the last line: > %s", text);
    }
    wirepost_tcp_free(d.stack);
}
