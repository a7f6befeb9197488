/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_watch.h"

#include <stdlib.h>

#include "dataplane/tcp/tcp_sequence.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, OPTION_SCALE = 3 };

/* One segment, as the endpoint numbers its ports. */
struct seen {
    struct sim_view v;
    uint32_t ports, seq, ack, window, len;
    const uint8_t *payload;
    uint8_t flags;
};

static struct watch_flow *find(const struct sim_watch *w, uint32_t ports)
{
    for (uint32_t i = w->count; i-- > 0;)
        if (w->flows[i]->ports == ports)
            return w->flows[i];
    return NULL;
}

const struct watch_flow *sim_watch_find(const struct sim_watch *w, uint16_t own, uint16_t peer)
{
    return find(w, (uint32_t)own << 16 | peer);
}

static struct watch_flow *add(struct sim_watch *w, uint32_t ports)
{
    struct watch_flow *f = calloc(1, sizeof(*f));

    if (w->count == WATCH_FLOWS) {
        free(f);
        w->fault(w->user, w->name, "has more connections than a watch can follow");
        return w->flows[0];
    }
    f->ports = ports;
    return w->flows[w->count++] = f;
}

static struct watch_flow *flow_of(struct sim_watch *w, uint32_t ports)
{
    struct watch_flow *f = find(w, ports);

    return f ? f : add(w, ports);
}

static bool look(struct sim_packet *p, bool sent, struct seen *s)
{
    const uint8_t *l4;

    if (!sim_packet_view_tcp(p, &s->v) || !sim_view_sums_good(&s->v))
        return false;
    l4 = s->v.l4;
    s->ports = sent ? sim_get32(l4) : sim_get16(l4 + 2) << 16 | sim_get16(l4);
    s->seq = sim_get32(l4 + SIM_SEQ);
    s->ack = sim_get32(l4 + SIM_ACK);
    s->window = sim_get16(l4 + SIM_WINDOW);
    s->flags = l4[SIM_FLAGS];
    s->payload = l4 + sim_view_header(&s->v);
    s->len = s->v.l4_len - sim_view_header(&s->v);
    return true;
}

static bool grow(uint8_t **bytes, uint32_t *cap, uint32_t need)
{
    if (need > WATCH_STREAM)
        return false;
    if (need > *cap) {
        uint32_t more = need * 2 + 4096;

        *bytes = realloc(*bytes, more);
        memset(*bytes + *cap, 0, more - *cap);
        *cap = more;
    }
    return true;
}

/* Another number than before begins another connection, as a late duplicate of a SYN can. */
static struct watch_flow *sent_syn(struct sim_watch *w, struct watch_flow *f, const struct seen *s)
{
    const uint8_t *scale = sim_view_option(&s->v, OPTION_SCALE);

    if (f->sent_syn && f->isn != s->seq) {
        const struct watch_flow old = *f;

        f = add(w, s->ports);
        f->got_syn = old.got_syn;
        f->irs = old.irs;
        f->got_scaled = old.got_scaled;
        f->got_scale = old.got_scale;
    }
    f->sent_syn = true;
    f->isn = s->seq;
    f->sent_scaled = scale != NULL;
    f->sent_scale = scale ? scale[2] : 0;
    return f;
}

static struct watch_flow *got_syn(struct sim_watch *w, struct watch_flow *f, const struct seen *s)
{
    const uint8_t *scale = sim_view_option(&s->v, OPTION_SCALE);

    if (f->got_syn && f->irs != s->seq) {
        const struct watch_flow old = *f;

        f = add(w, s->ports);
        f->sent_syn = old.sent_syn;
        f->isn = old.isn;
        f->sent_scaled = old.sent_scaled;
        f->sent_scale = old.sent_scale;
    }
    f->got_syn = true;
    f->irs = s->seq;
    f->got_scaled = scale != NULL;
    f->got_scale = scale ? scale[2] : 0;
    return f;
}

static void sent_bytes(struct sim_watch *w, struct watch_flow *f, const struct seen *s)
{
    uint32_t at = s->seq - f->isn - 1, old;

    if (at > f->sent_len || !grow(&f->sent, &f->sent_cap, at + s->len)) {
        w->fault(w->user, w->name, "sends bytes that do not follow what it sent before");
        return;
    }
    old = f->sent_len - at < s->len ? f->sent_len - at : s->len;
    if (memcmp(f->sent + at, s->payload, old) != 0)
        w->fault(w->user, w->name, "sends other bytes than it sent before at the same place");
    memcpy(f->sent + at + old, s->payload + old, s->len - old);
    if (at + s->len > f->sent_len)
        f->sent_len = at + s->len;
    if (f->sent_fin && f->sent_len > f->fin_out)
        w->fault(w->user, w->name, "sends bytes behind its FIN");
    if (f->peer_edged && seq_lt(f->peer_edge + 1, s->seq + s->len))
        w->fault(w->user, w->name, "sends beyond the window of its peer");
}

static void sent_ack(struct sim_watch *w, struct watch_flow *f, const struct seen *s)
{
    bool scaled = f->sent_scaled && f->got_scaled && !(s->flags & SYN);
    uint32_t scale = scaled ? f->sent_scale : 0, edge = s->ack + (s->window << scale);
    uint32_t most = f->got_len + (f->got_fin && f->got_len == f->fin_in);

    if (!f->got_syn || s->ack - f->irs - 1 > most)
        w->fault(w->user, w->name, "acknowledges what has not reached it");
    if (f->edged && seq_lt(edge + (1u << scale) - 1, f->edge))
        w->fault(w->user, w->name, "takes back a part of its window");
    f->edge = f->edged ? seq_max(f->edge, edge) : edge;
    f->edged = true;
}

void sim_watch_sent(struct sim_watch *w, struct sim_packet *p)
{
    struct watch_flow *f;
    struct seen s;

    if (!sim_packet_view(p, &s.v) || s.v.protocol != SIM_TCP)
        return;
    if (!look(p, true, &s)) {
        w->fault(w->user, w->name, "sends a segment with a wrong checksum or length");
        return;
    }
    f = flow_of(w, s.ports);
    if (s.flags & RST)
        return;
    if (s.flags & SYN)
        f = sent_syn(w, f, &s);
    else if (!f->sent_syn)
        return;
    if (s.len)
        sent_bytes(w, f, &s);
    if (s.flags & FIN) {
        if (f->sent_fin && f->fin_out != s.seq + s.len - f->isn - 1)
            w->fault(w->user, w->name, "moves its FIN");
        f->sent_fin = true;
        f->fin_out = s.seq + s.len - f->isn - 1;
    }
    if (s.flags & ACK)
        sent_ack(w, f, &s);
}

static void got_bytes(struct watch_flow *f, const struct seen *s)
{
    uint32_t at = s->seq - f->irs - 1, cap = f->got_cap, skip = 0;

    if (at >= WATCH_STREAM) { /* a probe of what was there before */
        skip = 0 - at;
        if (skip >= s->len)
            return;
        at = 0;
    }
    if (!grow(&f->got, &f->got_cap, at + s->len - skip) ||
        !grow(&f->mark, &cap, at + s->len - skip))
        return;
    memcpy(f->got + at, s->payload + skip, s->len - skip);
    memset(f->mark + at, 1, s->len - skip);
    while (f->got_len < f->got_cap && f->mark[f->got_len])
        f->got_len++;
}

void sim_watch_arrived(struct sim_watch *w, struct sim_packet *p)
{
    struct watch_flow *f;
    struct seen s;
    uint32_t scale, edge;

    if (!look(p, false, &s) || s.flags & RST)
        return;
    f = flow_of(w, s.ports);
    if (s.flags & SYN)
        f = got_syn(w, f, &s);
    scale = f->sent_scaled && f->got_scaled && !(s.flags & SYN) ? f->got_scale : 0;
    edge = s.ack + (s.window << scale);
    if (s.flags & ACK) {
        f->peer_edge = f->peer_edged ? seq_max(f->peer_edge, edge) : edge;
        f->peer_edged = true;
    }
    if (s.len && f->got_syn)
        got_bytes(f, &s);
    if (s.flags & FIN) {
        f->got_fin = true;
        f->fin_in = s.seq + s.len - f->irs - 1;
    }
}

void sim_watch_fini(struct sim_watch *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        free(w->flows[i]->sent);
        free(w->flows[i]->got);
        free(w->flows[i]->mark);
        free(w->flows[i]);
    }
    w->count = 0;
}
