/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/tcp/tcp_raw.h"

#include "dataplane/tcp/tcp_option.h"

static void app(struct tcp_link *link, int end, struct tcp_conn *conn)
{
    struct tcp_link_end *e = &link->ends[end];
    struct tcp_raw *r = e->user;
    uint32_t events = tcp_events(conn);

    r->conn = conn;
    r->events |= events;
    while (r->read && tcp_unread(conn)) {
        struct span s = tcp_peek(conn);

        s = span_head(s, 60000);
        r->wrong |= !span_equal(s, tcp_link_bytes(r->bytes_read, (uint32_t)s.len));
        r->bytes_read += (uint32_t)s.len;
        tcp_consume(e->tcp, conn, (uint32_t)s.len);
    }
    if (r->close && events & TCP_EVENT_EOF)
        tcp_shutdown(e->tcp, conn);
}

void tcp_raw_init(struct tcp_raw *r, struct tcp_link_options *options)
{
    *r = (struct tcp_raw){
        .link = tcp_link_new(options), .seq = TCP_RAW_ISN, .port = 4000, .window = 65535};
    r->server = &r->link->ends[TCP_LINK_SERVER];
    r->server->app = app;
    r->server->user = r;
    r->link->track = false;
    r->link->cut[TCP_LINK_SERVER] = true;
}

uint32_t tcp_raw_fini(struct tcp_raw *r)
{
    if (r->conn) {
        tcp_abort(r->server->tcp, r->conn);
        tcp_forget(r->server->tcp, r->conn);
    }
    r->server->app = NULL;
    tcp_link_run(r->link, r->link->now + 1000000000);
    if (tcp_connections(r->server->tcp))
        r->link->faults++;
    for (int c = 0; c < CHUNK_CLASSES; c++)
        r->link->faults += chunk_used(r->server->pool, (enum chunk_class)c);
    return tcp_link_free(r->link);
}

uint32_t tcp_raw_send_at(struct tcp_raw *r, uint32_t seq, uint8_t flags, struct span payload)
{
    struct tcp_segment s = {.destination_port = TCP_LINK_PORT,
                            .seq = seq,
                            .ack = r->ack,
                            .flags = flags,
                            .window = r->window,
                            .ecn = r->ecn,
                            .source = r->source};
    struct writer w = writer_of(s.options, sizeof(s.options));
    struct tcp_option o = {.mss = 1460, .scale = 2, .ts_value = r->ts, .ts_echo = r->ts_echo};
    uint32_t before = r->server->sent;

    if (flags & TCP_SYN)
        o.present = TCP_OPTION_MSS | TCP_OPTION_SCALE;
    if (r->ts)
        o.present |= TCP_OPTION_TIMESTAMPS;
    if (r->sack && flags & TCP_SYN)
        o.present |= TCP_OPTION_SACK_PERMITTED;
    if (r->block_count) {
        o.present |= TCP_OPTION_SACK;
        o.sack_count = r->block_count;
        memcpy(o.sack, r->blocks, sizeof(o.sack));
        r->block_count = 0;
    }
    tcp_option_put(&w, &o);
    s.options_len = (uint8_t)w.len;
    tcp_link_inject(r->link, TCP_LINK_SERVER, r->port, &s, payload);
    return r->server->sent - before;
}

uint32_t tcp_raw_send(struct tcp_raw *r, uint8_t flags, struct span payload)
{
    uint32_t seq = r->seq;

    r->seq += (uint32_t)payload.len + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
    return tcp_raw_send_at(r, seq, flags, payload);
}

void tcp_raw_open(struct tcp_raw *r)
{
    tcp_raw_send(r, TCP_SYN, span_of(NULL, 0));
    r->ack = r->server->last.seq + 1;
    tcp_raw_send(r, TCP_ACK, span_of(NULL, 0));
}

void tcp_raw_put(struct tcp_raw *r, uint32_t offset, uint32_t len)
{
    while (len) {
        struct span s = tcp_link_bytes(offset, len);

        if (!sendq_view(tcp_sendq(r->conn), r->server->pool, s, SENDQ_STATIC, NULL))
            break;
        offset += (uint32_t)s.len;
        len -= (uint32_t)s.len;
    }
    tcp_send(r->server->tcp, r->conn);
    tcp_link_run(r->link, r->link->now);
}

void tcp_raw_block(struct tcp_raw *r, uint32_t start, uint32_t end)
{
    r->blocks[r->block_count++] = (struct tcp_sack_block){r->ack + start, r->ack + end};
}

const struct tcp_segment *tcp_raw_sent(const struct tcp_raw *r, uint32_t back)
{
    return &r->server->log[(r->server->sent - 1 - back) % TCP_LINK_LOG];
}

void tcp_raw_wait(struct tcp_raw *r, uint64_t microseconds)
{
    tcp_link_run(r->link, r->link->now + microseconds);
}
