/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "dataplane/tcp/tcp_conn.h"
#include "tests/harness/check.h"
#include "tests/tcp/tcp_raw.h"

/* SACK and D-SACK (RFC 2018, RFC 2883): what we tell, what we believe, and the scoreboard. */
enum { MSS = 1460 };

static const struct span none;

static void begin(struct tcp_raw *r, bool sack)
{
    struct tcp_link_options o = {.seed = 1};

    tcp_raw_init(r, &o);
    r->sack = sack;
    tcp_raw_open(r);
    tcp_raw_send(r, TCP_ACK, none);
}

/* A peer that is 10 ms away. */
static void begin_far(struct tcp_raw *r)
{
    struct tcp_link_options o = {.seed = 1};

    tcp_raw_init(r, &o);
    r->sack = true;
    tcp_raw_send(r, TCP_SYN, none);
    r->ack = r->server->last.seq + 1;
    tcp_raw_wait(r, 10000);
    tcp_raw_send(r, TCP_ACK, none);
}

static const struct tcp_counters *counters(const struct tcp_raw *r)
{
    return tcp_counters(r->server->tcp);
}

static struct tcp_option options_of(const struct tcp_segment *s)
{
    struct tcp_option o;

    CHECK(tcp_option_parse(span_of(s->options, s->options_len), &o));
    return o;
}

static bool block_is(const struct tcp_raw *r, uint32_t i, uint32_t start, uint32_t end)
{
    struct tcp_option o = options_of(&r->server->last);

    return o.sack_count > i && o.sack[i].start == r->seq + start && o.sack[i].end == r->seq + end;
}

/* `len` bytes `at` bytes ahead of what the server acknowledges. */
static void ahead(struct tcp_raw *r, uint32_t at, uint32_t len)
{
    tcp_raw_send_at(r, r->seq + at, TCP_ACK, tcp_link_bytes(at, len));
}

static void blocks_name_the_latest_first(void)
{
    struct tcp_raw r;

    begin(&r, true);
    ahead(&r, 1000, 500);
    CHECK(options_of(&r.server->last).sack_count == 1 && block_is(&r, 0, 1000, 1500));
    ahead(&r, 3000, 500);
    CHECK(block_is(&r, 0, 3000, 3500) && block_is(&r, 1, 1000, 1500));
    ahead(&r, 1500, 500); /* RFC 2018 section 4: the whole run that it joins, first */
    CHECK(block_is(&r, 0, 1000, 2000) && block_is(&r, 1, 3000, 3500));
    ahead(&r, 5000, 500);
    ahead(&r, 7000, 500);
    ahead(&r, 9000, 500); /* as many as fit, the latest */
    CHECK(options_of(&r.server->last).sack_count == 4 && r.server->last.options_len == 36);
    CHECK(block_is(&r, 0, 9000, 9500) && block_is(&r, 1, 7000, 7500) &&
          block_is(&r, 2, 5000, 5500) && block_is(&r, 3, 1000, 2000));
    CHECK(r.server->last.ack == r.seq);
    ahead(&r, 0, 9000); /* the holes are filled */
    CHECK(r.server->last.ack == r.seq + 9500 && options_of(&r.server->last).sack_count == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void three_blocks_fit_beside_a_timestamp(void)
{
    struct tcp_link_options o = {.seed = 1};
    struct tcp_raw r;

    tcp_raw_init(&r, &o);
    r.sack = true;
    r.ts = 5;
    tcp_raw_open(&r);
    for (uint32_t i = 1; i < 6; i++)
        ahead(&r, i * 1000, 100);
    CHECK(options_of(&r.server->last).sack_count == 3 && r.server->last.options_len == 40);
    CHECK(block_is(&r, 0, 5000, 5100) && block_is(&r, 2, 3000, 3100));
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 2883 section 4.1: below the acknowledgement, and within what lies ahead; once each. */
static void what_comes_twice_is_reported_once(void)
{
    struct tcp_raw r;

    begin(&r, true);
    r.read = true;
    tcp_raw_send(&r, TCP_ACK, tcp_link_bytes(0, 1000));
    tcp_raw_send_at(&r, r.seq - 1000, TCP_ACK, tcp_link_bytes(0, 1000));
    CHECK(options_of(&r.server->last).sack_count == 1 && block_is(&r, 0, -1000u, 0));
    tcp_raw_send_at(&r, r.seq - 300, TCP_ACK, tcp_link_bytes(700, 600)); /* in part */
    r.seq += 300;
    tcp_raw_wait(&r, 100000);
    CHECK(r.server->last.ack == r.seq && block_is(&r, 0, -600u, -300u));
    ahead(&r, 2000, 1000);
    ahead(&r, 2400, 100); /* RFC 2883 section 4.1.2: the second block is the run around it */
    CHECK(block_is(&r, 0, 2400, 2500) && block_is(&r, 1, 2000, 3000));
    ahead(&r, 4000, 100);
    CHECK(block_is(&r, 0, 4000, 4100) && block_is(&r, 1, 2000, 3000));
    CHECK(counters(&r)->duplicates_out == 3);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void nothing_without_the_peers_offer(void)
{
    struct tcp_raw r;

    begin(&r, false);
    CHECK(!(options_of(tcp_raw_sent(&r, 0)).present & TCP_OPTION_SACK_PERMITTED));
    ahead(&r, 1000, 500);
    CHECK(options_of(&r.server->last).sack_count == 0 && r.server->last.ack == r.seq);
    CHECK(!(r.conn->modes & TCP_MODE_SACK));
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 2018 section 4: data that goes the other way carries blocks as well, and is shorter by them.
 */
static void data_carries_blocks(void)
{
    struct tcp_raw r;

    begin(&r, true);
    ahead(&r, 1000, 500);
    tcp_raw_put(&r, 0, 3000);
    CHECK(r.server->last.len == 3000 && block_is(&r, 0, 1000, 1500));
    CHECK(r.server->last.mss == MSS - 12 && r.server->last.options_len == 12);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 6675: only the holes go out again, in order, and new data follows. */
static void only_holes_are_sent_again(void)
{
    struct tcp_raw r;
    uint32_t sent;

    begin(&r, true);
    tcp_raw_put(&r, 0, 60000);
    CHECK(r.server->sent_bytes == 10 * MSS);
    tcp_raw_wait(&r, 10000);
    sent = r.server->sent;
    tcp_raw_block(&r, 1 * MSS, 4 * MSS);
    tcp_raw_block(&r, 5 * MSS, 10 * MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->sent == sent + 2 || r.server->sent == sent + 3);
    CHECK(r.server->log[sent % TCP_LINK_LOG].seq == r.ack &&
          r.server->log[sent % TCP_LINK_LOG].len == MSS);
    CHECK(r.server->log[(sent + 1) % TCP_LINK_LOG].seq == r.ack + 4 * MSS &&
          r.server->log[(sent + 1) % TCP_LINK_LOG].len == MSS);
    CHECK(counters(&r)->fast_retransmits == 1 && counters(&r)->retransmitted == 2);
    r.ack += 4 * MSS;
    tcp_raw_block(&r, 1 * MSS, 6 * MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    r.ack = r.conn->snd_max;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(counters(&r)->retransmitted == 2 && counters(&r)->timeouts == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 6675 section 5, step 3; RFC 3042: what is SACKed makes room for new data. */
static void limited_transmit_sends_new_data(void)
{
    struct tcp_raw r;

    begin_far(&r);
    tcp_raw_put(&r, 0, 60000);
    tcp_raw_wait(&r, 10000);
    tcp_raw_block(&r, 1 * MSS, 2 * MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->last.seq == r.ack + 10 * MSS && r.server->last.len == MSS);
    tcp_raw_block(&r, 1 * MSS, 3 * MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->last.seq == r.ack + 11 * MSS && r.server->last.len == MSS);
    CHECK(counters(&r)->retransmitted == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void what_was_not_sent_is_not_believed(void)
{
    struct tcp_raw r;

    begin(&r, true);
    tcp_raw_put(&r, 0, 10 * MSS);
    tcp_raw_block(&r, 9 * MSS, 11 * MSS); /* beyond SND.MAX */
    tcp_raw_block(&r, 5 * MSS, 3 * MSS);  /* backwards */
    tcp_raw_block(&r, 4 * MSS, 4 * MSS);  /* nothing */
    tcp_raw_block(&r, 0x40000000, 0x40000000 + MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(tcp_flight_of(r.server->tcp, r.conn)->sacked == 0 && counters(&r)->retransmitted == 0);
    CHECK(counters(&r)->duplicates_in == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* RFC 2018 section 8: after a timeout nothing SACKed is taken for granted. */
static void a_timeout_forgets_what_was_sacked(void)
{
    struct tcp_raw r;
    uint32_t again = 0;

    begin(&r, true);
    tcp_raw_put(&r, 0, 10 * MSS);
    tcp_raw_block(&r, 2 * MSS, 10 * MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(tcp_flight_of(r.server->tcp, r.conn)->sacked == 8 * MSS);
    while (!counters(&r)->timeouts)
        tcp_raw_wait(&r, 1000);
    CHECK(counters(&r)->reneged == 1 && r.server->last.seq == r.ack && r.server->last.len == MSS);
    CHECK(r.conn->congestion.cwnd == MSS && tcp_flight_of(r.server->tcp, r.conn)->sacked == 0);
    while (r.conn->queue.bytes && again++ < 20) { /* the peer has dropped all */
        CHECK(r.server->last.seq - r.ack < 3 * MSS);
        r.ack = r.server->last.seq + r.server->last.len;
        tcp_raw_send(&r, TCP_ACK, none);
    }
    CHECK(r.conn->queue.bytes == 0 && counters(&r)->timeouts == 1);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* SACK arrives again after the timeout: what it names is not sent once more (RFC 6675 section
 * 5.1). */
static void blocks_after_a_timeout_count(void)
{
    struct tcp_raw r;

    begin(&r, true);
    tcp_raw_put(&r, 0, 10 * MSS);
    while (!counters(&r)->timeouts)
        tcp_raw_wait(&r, 1000);
    r.ack += MSS;
    tcp_raw_block(&r, 1 * MSS, 9 * MSS);
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->last.seq == r.ack && r.server->last.len == MSS);
    r.ack += 9 * MSS;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.conn->queue.bytes == 0 && counters(&r)->bytes_out <= 13 * MSS);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* Blocks of single bytes everywhere: the records stay within their bound, and all arrives. */
static void split_blocks_stay_bounded(void)
{
    struct tcp_raw r;
    struct tcp_flight *f;

    begin(&r, true);
    for (int i = 0; i < 4; i++) {
        tcp_raw_put(&r, 0, 120000);
        r.ack = r.conn->snd_max;
        tcp_raw_send(&r, TCP_ACK, none);
    }
    tcp_raw_put(&r, 0, 200000);
    f = tcp_flight_of(r.server->tcp, r.conn);
    for (uint32_t at = 1; at < 60000; at += 8) {
        for (uint32_t n = 0; n < 4; n++)
            tcp_raw_block(&r, at + 2 * n, at + 2 * n + 1);
        tcp_raw_send(&r, TCP_ACK, none);
        if (!CHECK(f->count <= TCP_SENT))
            break;
    }
    for (int i = 0; i < 2000 && r.conn->queue.bytes; i++) {
        r.ack = r.conn->snd_una + (r.conn->snd_max - r.conn->snd_una + 1) / 2;
        tcp_raw_send(&r, TCP_ACK, none);
        tcp_raw_wait(&r, 20000);
    }
    CHECK(r.conn->queue.bytes == 0);
    CHECK(tcp_raw_fini(&r) == 0);
}

static void a_flight_is_held_only_while_bytes_are_out(void)
{
    struct tcp_raw r;

    begin(&r, true);
    CHECK(r.server->tcp->flights_used == 0);
    tcp_raw_put(&r, 0, 100);
    CHECK(r.server->tcp->flights_used == 1);
    r.ack += 100;
    tcp_raw_send(&r, TCP_ACK, none);
    CHECK(r.server->tcp->flights_used == 0);
    tcp_raw_put(&r, 0, 100);
    CHECK(tcp_raw_fini(&r) == 0);
}

/* One flight for two connections: the second does without, by counting duplicates. */
static void no_flight_means_newreno(void)
{
    struct tcp_link_options o = {.seed = 1, .tcp = {.flights = 1}};
    struct tcp_raw r;
    struct tcp_conn *first;

    tcp_raw_init(&r, &o);
    r.sack = true;
    tcp_raw_open(&r);
    tcp_raw_put(&r, 0, 100);
    first = r.conn;
    r.port++;
    r.seq = TCP_RAW_ISN;
    tcp_raw_open(&r);
    CHECK(r.conn != first);
    tcp_raw_put(&r, 0, 20 * MSS);
    CHECK(counters(&r)->no_flight > 0 && r.conn->flight == CONN_NONE);
    for (int i = 0; i < 3; i++) {
        tcp_raw_block(&r, 1 * MSS, (2 + (uint32_t)i) * MSS);
        tcp_raw_send(&r, TCP_ACK, none);
    }
    CHECK(r.conn->flags & CONN_RECOVERY && r.server->last.seq == r.ack &&
          r.server->last.len == MSS && counters(&r)->fast_retransmits == 1);
    r.ack = r.conn->snd_max;
    tcp_raw_send(&r, TCP_ACK, none);
    tcp_abort(r.server->tcp, first); /* its block is free: the next bytes get it */
    tcp_forget(r.server->tcp, first);
    r.ack = r.conn->snd_max;
    tcp_raw_send(&r, TCP_ACK, none);
    tcp_raw_put(&r, 0, 100);
    CHECK(r.conn->flight != CONN_NONE);
    CHECK(tcp_raw_fini(&r) == 0);
}

enum { BYTES = 3000 };

struct model {
    uint8_t flags[BYTES];
    uint32_t una, max;
};

static uint64_t state = 7;

static uint32_t random_below(uint32_t n)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 33) % n;
}

static bool agrees(const struct tcp_flight *f, const struct model *m, uint32_t base)
{
    uint32_t sacked = 0, lost = 0, at = m->una;

    for (uint32_t i = m->una; i < m->max; i++) {
        sacked += !!(m->flags[i] & SENT_SACKED);
        lost += !!(m->flags[i] & SENT_LOST);
    }
    if (!CHECK(f->sacked == sacked && f->lost == lost && f->count <= TCP_SENT) ||
        !CHECK(tcp_flight_bytes(f, base + m->una) == m->max - m->una) ||
        !CHECK(tcp_flight_pipe(f, base + m->una) == m->max - m->una - sacked - lost))
        return false;
    for (uint32_t i = 0; i < f->count; i++)
        for (; base + at != f->sent[i].end; at++)
            if (!CHECK(at < m->max && m->flags[at] == f->sent[i].flags))
                return false;
    return CHECK(at == m->max);
}

static void mark(struct model *m, uint32_t start, uint32_t end, uint32_t set, uint32_t clear)
{
    for (uint32_t i = start; i < end; i++)
        m->flags[i] = (uint8_t)((m->flags[i] | set) & ~clear);
}

static void one_step(struct tcp_flight *f, struct model *m, uint32_t base, uint32_t now)
{
    uint32_t una = base + m->una, start, end, i;

    switch (f->count ? random_below(5) : 0) {
    case 0: /* new data */
        end = m->max + 1 + random_below(60);
        if (end > BYTES || f->count > 90)
            return;
        tcp_flight_sent(f, una, base + m->max, base + end, now);
        m->max = end;
        return;
    case 1: /* an acknowledgement */
        end = m->una + random_below(m->max - m->una + 1) / 4;
        tcp_flight_acked(f, una, base + end);
        m->una = end;
        return;
    case 2: /* a block within one record */
        i = random_below(f->count);
        start = tcp_flight_start(f, una, i) - base;
        end = f->sent[i].end - base;
        if (f->sent[i].flags & SENT_SACKED)
            return;
        start += random_below(end - start);
        end -= random_below(end - start);
        if (tcp_flight_sack(f, una, i, base + start, base + end) != TCP_SENT)
            mark(m, start, end, SENT_SACKED, SENT_LOST);
        return;
    case 3:
        i = random_below(f->count);
        if (f->sent[i].flags & SENT_SACKED)
            return;
        mark(m, tcp_flight_start(f, una, i) - base, f->sent[i].end - base, SENT_LOST, 0);
        tcp_flight_lose(f, una, i);
        return;
    default: /* the front of a lost record again */
        i = tcp_flight_first_lost(f);
        if (i == TCP_SENT)
            return;
        start = tcp_flight_start(f, una, i) - base;
        end = f->sent[i].end - base - random_below(f->sent[i].end - base - start);
        tcp_flight_sent(f, una, base + start, base + end, now);
        mark(m, start, end, SENT_RESENT, SENT_LOST);
    }
}

/* Random steps against a table with an entry a byte, with sequence numbers that wrap. */
static void records_agree_with_a_table_of_bytes(void)
{
    static struct tcp_flight f;
    static struct model m;

    for (uint32_t run = 0; run < 300; run++) {
        uint32_t base = 0u - run * 11;

        memset(&f, 0, sizeof(f));
        memset(&m, 0, sizeof(m));
        f.rack.min_rtt = 96; /* 3 steps are a grain */
        for (uint32_t now = 0; now < 400; now++) {
            one_step(&f, &m, base, now);
            tcp_flight_join(&f);
            if (!agrees(&f, &m, base)) {
                printf("# run %u, step %u\n", run, now);
                return;
            }
        }
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(blocks_name_the_latest_first);
    CHECK_CASE(three_blocks_fit_beside_a_timestamp);
    CHECK_CASE(what_comes_twice_is_reported_once);
    CHECK_CASE(nothing_without_the_peers_offer);
    CHECK_CASE(data_carries_blocks);
    CHECK_CASE(only_holes_are_sent_again);
    CHECK_CASE(limited_transmit_sends_new_data);
    CHECK_CASE(what_was_not_sent_is_not_believed);
    CHECK_CASE(a_timeout_forgets_what_was_sacked);
    CHECK_CASE(blocks_after_a_timeout_count);
    CHECK_CASE(split_blocks_stay_bounded);
    CHECK_CASE(a_flight_is_held_only_while_bytes_are_out);
    CHECK_CASE(no_flight_means_newreno);
    CHECK_CASE(records_agree_with_a_table_of_bytes);
    return check_end();
}
