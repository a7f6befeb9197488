/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/tcp/tcp.h"
#include "tests/drill/drill_run.h"

/* Expected and sent, both as the script numbers them. */
struct pair {
    struct drill *d;
    const struct drill_tcp *expected;
    struct drill_tcp sent;
};

static const struct drill_option *find(const struct drill_tcp *tcp, enum drill_option_kind kind)
{
    for (uint32_t i = 0; i < tcp->option_count; i++)
        if (tcp->options[i].kind == kind)
            return &tcp->options[i];
    return NULL;
}

/* Our numbers become the script's. The first SYN, and the first timestamp, say how. */
static void number_out(struct drill *d, const struct drill_tcp *expected, struct drill_tcp *sent)
{
    struct drill_flow *f = &d->flow;
    const struct drill_option *theirs = find(expected, DRILL_TS);
    uint32_t shift;

    if (sent->flags & TCP_SYN && (!f->known || f->reopens)) {
        f->known = true;
        f->reopens = false;
        f->ts_known = false;
        f->script_isn = expected->seq;
        f->live_isn = sent->seq;
    }
    shift = f->known ? f->script_isn - f->live_isn : 0;
    sent->seq += shift;
    for (uint32_t i = 0; i < sent->option_count; i++) {
        struct drill_option *o = &sent->options[i];

        if (o->kind != DRILL_TS)
            continue;
        if (!f->ts_known && theirs) {
            f->ts_known = true;
            f->ts_offset = o->value - theirs->value;
        }
        o->value -= f->ts_known ? f->ts_offset : 0;
    }
}

static bool same_sack(const struct drill_option *a, const struct drill_option *b)
{
    if (!a || !b)
        return a == b;
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->blocks[i].start != b->blocks[i].start || a->blocks[i].end != b->blocks[i].end)
            return false;
    return true;
}

/* Clocks tick in milliseconds, the tolerance is in microseconds. */
static bool same_time(const struct pair *p, const struct drill_option *a,
                      const struct drill_option *b)
{
    int64_t apart = llabs((int64_t)a->value - (int64_t)b->value) * 1000;

    if (!a->any_echo && !b->any_echo && a->echo != b->echo)
        return false;
    return a->any || p->d->rules[DRILL_RULE_value] || apart <= p->d->tolerance + 1000;
}

static const char *compare_option(const struct pair *p, enum drill_option_kind kind)
{
    const struct drill_option *a = find(p->expected, kind), *b = find(&p->sent, kind);
    bool relaxed =
        p->d->rules[DRILL_RULE_offer] && p->sent.flags & TCP_SYN && p->d->options_off >> kind & 1;

    if (kind == DRILL_SACK)
        return same_sack(a, b) ? NULL : "SACK blocks";
    if (!a != !b)
        return relaxed && b ? NULL : "options";
    if (!a)
        return NULL;
    if (kind == DRILL_MSS && !a->any && a->value != b->value)
        return "MSS";
    if (kind == DRILL_WSCALE && !a->any && a->value != b->value && !p->d->rules[DRILL_RULE_value])
        return "window scale";
    return kind == DRILL_TS && !same_time(p, a, b) ? "timestamps" : NULL;
}

static const char *compare_options(const struct pair *p)
{
    static const enum drill_option_kind kinds[] = {DRILL_MSS, DRILL_WSCALE, DRILL_SACKOK,
                                                   DRILL_SACK, DRILL_TS};

    /* What the peer did not offer is not answered, whatever the script says. */
    if ((p->sent.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) && p->d->flow.their_syn)
        for (size_t i = 1; i < sizeof(kinds) / sizeof(*kinds); i++)
            if (find(&p->sent, kinds[i]) && !(p->d->flow.their_options >> kinds[i] & 1))
                return "an option that the SYN did not offer";
    if (p->expected->any_options)
        return NULL;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        const char *why = compare_option(p, kinds[i]);

        if (why)
            return why;
    }
    if (find(p->expected, DRILL_OTHER))
        return "an option that is not offered";
    return find(&p->sent, DRILL_OTHER) ? "an unknown option" : NULL;
}

static bool same_ecn(enum drill_ecn expected, enum drill_ecn sent)
{
    if (expected == DRILL_ECN_ANY)
        return true;
    if (expected == DRILL_ECT01)
        return sent == DRILL_ECT0 || sent == DRILL_ECT1;
    return expected == sent;
}

static const char *compare(const struct pair *p)
{
    const struct drill_tcp *a = p->expected, *b = &p->sent;
    uint8_t ignored = p->d->rules[DRILL_RULE_push] ? TCP_PSH : 0;

    if ((a->flags | ignored) != (b->flags | ignored))
        return "flags";
    if (a->seq != b->seq)
        return "sequence number";
    if (a->len != b->len)
        return "length";
    if (a->flags & TCP_ACK && a->ack != b->ack)
        return "acknowledgement";
    if (a->has_window && a->window != b->window && !p->d->rules[DRILL_RULE_window])
        return "window";
    if (a->has_urgent && a->urgent != b->urgent)
        return "urgent pointer";
    if (!same_ecn(a->ecn, b->ecn))
        return "ECN field";
    return compare_options(p);
}

static bool is_pure_ack(const struct drill_tcp *tcp)
{
    return tcp->flags == TCP_ACK && !tcp->len;
}

/* The last packet again, with another window, and nothing came in between. */
static bool is_update(const struct drill *d, const struct drill_tcp *tcp)
{
    return d->rules[DRILL_RULE_update] && !d->flow.heard && is_pure_ack(tcp) &&
           tcp->ack == d->flow.last_ack && !find(tcp, DRILL_SACK);
}

static void check_payload(struct drill *d, const struct drill_tcp *live, struct span payload)
{
    uint32_t at = live->seq - d->flow.live_isn - 1;

    for (uint32_t i = 0; i < payload.len; i++)
        if (payload.data[i] != drill_byte(at + i))
            drill_stop(DRILL_FAILED, d->line, "byte %u is not what was written", at + i);
}

/* The oldest packet that no line took; NULL: none is sent until `latest`. */
static struct drill_sent *next_sent(struct drill *d, uint64_t latest)
{
    drill_advance(d, d->now);
    while (!d->sent) {
        uint64_t due = wirepost_tcp_next_timer(drill_stack(d));

        if (due > latest || due == UINT64_MAX)
            return NULL;
        drill_advance(d, due > d->now ? due : d->now);
    }
    return d->sent;
}

static void take(struct drill *d)
{
    d->sent = d->sent->next;
    if (!d->sent)
        d->sent_last = &d->sent;
}

/* The next packet out, in both numberings. False: it is of no TCP of ours. */
static struct drill_tcp read_sent(struct drill *d, const struct drill_tcp *expected,
                                  struct drill_tcp *live_out)
{
    struct drill_path path;
    struct drill_tcp sent;
    struct span payload;

    if (!drill_wire_read(span_of(d->sent->bytes, d->sent->len), &path, &sent, &payload))
        drill_stop(DRILL_FAILED, d->line, "a packet that no peer would accept");
    if (d->fresh && sent.flags & TCP_SYN) { /* connect() */
        d->fresh = false;
        d->flow = (struct drill_flow){.local_port = path.source_port,
                                      .remote_port = path.destination_port};
    }
    if (path.destination_port != d->flow.remote_port || path.source_port != d->flow.local_port)
        drill_stop(DRILL_FAILED, d->line, "a packet of another connection");
    *live_out = sent;
    number_out(d, expected, &sent);
    if (d->flow.known)
        check_payload(d, live_out, payload);
    return sent;
}

/* Payload that the script shows as one packet may leave in several: a port that cuts segments would
 * have sent it so. */
static void join(struct drill *d, struct pair *p)
{
    while (p->sent.len && p->sent.len < p->expected->len && d->sent->next) {
        struct drill_tcp live, more;
        struct drill_sent *first = d->sent;

        take(d);
        more = read_sent(d, p->expected, &live);
        if (more.seq != p->sent.seq + p->sent.len || !more.len ||
            p->sent.len + more.len > p->expected->len) {
            first->next = d->sent;
            d->sent = first;
            return;
        }
        p->sent.len += more.len;
        p->sent.flags |= more.flags;
        p->sent.ack = more.ack;
    }
}

static noreturn void fail(const struct pair *p, const char *why)
{
    char expected[400], sent[400];

    drill_wire_print(p->expected, expected, sizeof(expected));
    drill_wire_print(&p->sent, sent, sizeof(sent));
    drill_stop(DRILL_FAILED, p->d->line, "%s: expected > %s, sent at %.6f > %s", why, expected,
               (double)(int64_t)(p->d->sent->time - p->d->base) / 1e6, sent);
}

void drill_match(struct drill *d, const struct drill_event *event, uint64_t earliest,
                 uint64_t latest)
{
    struct pair p = {.d = d, .expected = &event->tcp};
    struct drill_tcp live;
    const char *why;

    for (;;) {
        char text[400];

        if (!next_sent(d, latest)) {
            if (d->flow.known && is_update(d, &event->tcp) && event->time.kind != DRILL_ANY)
                return;
            drill_wire_print(&event->tcp, text, sizeof(text));
            drill_stop(DRILL_FAILED, d->line, "nothing was sent, expected > %s", text);
        }
        p.sent = read_sent(d, &event->tcp, &live);
        join(d, &p);
        why = compare(&p);
        if (!why)
            break;
        if (!is_update(d, &p.sent) || (is_pure_ack(&event->tcp) && is_update(d, &event->tcp)))
            fail(&p, why);
        take(d);
    }
    if (d->sent->time < earliest || d->sent->time > latest)
        fail(&p, "time");
    d->flow.last_seq = live.seq;
    d->flow.last_ack = live.ack;
    d->flow.last_window = live.window;
    d->flow.heard = false;
    d->event_time = d->sent->time;
    take(d);
}
