/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_bulk.h"

#include "tests/sim/sim_host.h"
#include "tests/sim/sim_link.h"

enum { PATTERN = 65521, PIECE = 60000, BEGIN = 1000000, SECOND = 1000000, WINDOW = 4 << 20 };

struct bulk {
    struct sim_link link;
    struct sim_host sender, receiver;
    struct tcp_conn *conn;
    uint64_t now, queued, read;
    bool wrong;
    uint8_t pattern[PATTERN + PIECE];
};

static void send(void *user, struct sim_packet *p)
{
    struct bulk *b = user;

    b->link.now = b->now;
    sim_link_send(&b->link, p);
}

static void deliver(void *user, struct sim_packet *p)
{
    struct bulk *b = user;

    sim_host_input(p->way == SIM_IN ? &b->receiver : &b->sender, p);
}

static void sender_news(void *user, struct tcp_conn *conn)
{
    struct bulk *b = user;
    uint32_t room;

    tcp_events(conn);
    while ((room = tcp_send_room(conn)) != 0) {
        uint32_t len = room < PIECE ? room : PIECE;
        struct span s = span_of(b->pattern + b->queued % PATTERN, len);

        if (!sendq_view(tcp_sendq(conn), b->sender.pool, s, SENDQ_STATIC, NULL))
            break;
        b->queued += len;
    }
    tcp_send(b->sender.tcp, conn);
}

static void receiver_news(void *user, struct tcp_conn *conn)
{
    struct bulk *b = user;
    struct span s;

    tcp_events(conn);
    while ((s = span_head(tcp_peek(conn), PIECE)).len) {
        if (memcmp(s.data, b->pattern + b->read % PATTERN, s.len) != 0)
            b->wrong = true;
        b->read += s.len;
        tcp_consume(b->receiver.tcp, conn, (uint32_t)s.len);
    }
}

static void init_host(struct bulk *b, struct sim_host *h, int way, uint8_t key)
{
    struct sim_host_options o = {.tcp = {.connections = 4,
                                         .half_open = 4,
                                         .receive_window = WINDOW,
                                         .send_limit = WINDOW,
                                         .mss_v4 = 1460,
                                         .mss_v6 = 1440,
                                         .secret = {key}},
                                 .chunks = {2000, 4000, 400},
                                 .way = way,
                                 .send = send,
                                 .news = way == SIM_IN ? sender_news : receiver_news,
                                 .user = b};

    sim_host_init(h, &o);
}

static void run_until(struct bulk *b, uint64_t until)
{
    while (b->now < until) {
        uint64_t next = until, at;
        uint32_t moved = sim_link_run(&b->link, b->now);

        moved += sim_host_turn(&b->sender, b->now);
        moved += sim_host_turn(&b->receiver, b->now);
        at = sim_link_next(&b->link);
        next = at < next ? at : next;
        at = sim_host_next(&b->sender);
        next = at < next ? at : next;
        at = sim_host_next(&b->receiver);
        next = at < next ? at : next;
        if (next > b->now)
            b->now = next;
        else if (!moved)
            b->now++;
    }
}

void sim_bulk_elements(const struct sim_bulk_link *bulk, struct sim_link *link)
{
    sim_link_add(link, link_delay_new(bulk->delay / 2));
    sim_link_add(link, link_loss_new(bulk->loss));
    sim_link_add(link, link_rate_new(bulk->rate, bulk->queue));
    sim_link_add(link, link_delay_new(bulk->delay - bulk->delay / 2));
}

double sim_bulk(const struct sim_bulk_link *link, uint64_t seed, uint32_t skip, uint32_t seconds)
{
    static struct bulk b;
    struct sim_random random = {seed};
    struct ip_address one = ip_address_v4((uint8_t[]){198, 18, 0, 1});
    struct ip_address other = ip_address_v4((uint8_t[]){198, 18, 0, 2});
    uint64_t before;

    b = (struct bulk){
        .now = BEGIN,
        .link = {.random = {sim_random_next(&random)}, .deliver = deliver, .user = &b}};
    for (uint32_t i = 0; i < sizeof(b.pattern); i++)
        b.pattern[i] = i < PATTERN ? (uint8_t)sim_random_next(&random) : b.pattern[i - PATTERN];
    sim_bulk_elements(link, &b.link);
    init_host(&b, &b.sender, SIM_IN, 1);
    init_host(&b, &b.receiver, SIM_OUT, 2);
    tcp_listen(b.receiver.tcp, 25, 1);
    b.conn = tcp_connect(b.sender.tcp, &one, 40000, &other, 25, b.now);
    run_until(&b, BEGIN + (uint64_t)skip * SECOND);
    before = b.read;
    run_until(&b, BEGIN + (uint64_t)(skip + seconds) * SECOND);
    sim_link_fini(&b.link);
    sim_host_fini(&b.sender);
    sim_host_fini(&b.receiver);
    return b.wrong ? 0 : (double)(b.read - before) / seconds;
}
