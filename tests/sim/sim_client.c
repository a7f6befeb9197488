/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_client.h"

#include <stdlib.h>

enum { FIRST_PORT = 10000 };

static void sent(void *user, struct sim_packet *p)
{
    struct sim_client *c = user;

    sim_watch_sent(&c->watch, p);
    c->options.send(c->options.user, p);
}

static void news(void *user, struct tcp_conn *conn)
{
    (void)user;
    sim_talk_news(tcp_user(conn), tcp_events(conn));
}

void sim_client_init(struct sim_client *c, const struct sim_client_options *options,
                     struct sim_random *random, struct world *world, uint64_t now)
{
    struct sim_host_options host = {
        .tcp = options->tcp, .way = SIM_IN, .send = sent, .news = news, .user = c};

    *c = (struct sim_client){.options = *options, .random = random, .world = world, .now = now};
    memcpy(host.chunks, options->chunks, sizeof(host.chunks));
    sim_host_init(&c->host, &host);
    c->watch = (struct sim_watch){.name = "client", .fault = options->fault, .user = options->user};
    c->port = FIRST_PORT;
    c->count = options->messages + 1;
    for (uint32_t i = 0; i < c->count; i++) {
        struct sim_talk *t = &c->talks[i];

        *t = (struct sim_talk){.client = c, .begin = UINT64_MAX};
        if (i == options->messages)
            break;
        sim_message_init(&c->messages[i], random, i,
                         (uint32_t)sim_random_below(random, options->size_most));
        t->message = &c->messages[i];
        t->begin = now + sim_random_below(random, options->apart);
    }
}

void sim_client_input(struct sim_client *c, struct sim_packet *p)
{
    sim_watch_arrived(&c->watch, p);
    sim_host_input(&c->host, p);
}

/* The mailbox is read when all that is to be in it was sent. */
static void begin_reading(struct sim_client *c, uint64_t now)
{
    struct sim_talk *reader = &c->talks[c->count - 1];

    if (c->done == c->count - 1 && reader->begin == UINT64_MAX && !reader->done && !reader->conn)
        reader->begin = now;
}

uint32_t sim_client_turn(struct sim_client *c, uint64_t now)
{
    uint32_t moved = 0;

    c->now = now;
    for (uint32_t i = 0; i < c->count; i++) {
        struct sim_talk *t = &c->talks[i];

        if (!t->conn && t->begin <= now) {
            sim_talk_open(t);
            moved++;
        } else if (t->conn && t->patience <= now) {
            sim_talk_despair(t);
            moved++;
        } else if (t->conn && t->deaf && t->deaf <= now) {
            sim_talk_news(t, 0);
            moved++;
        }
    }
    moved += sim_host_turn(&c->host, now);
    begin_reading(c, now);
    sim_inside_look(&c->inside, c->host.tcp, &c->watch);
    return moved;
}

uint64_t sim_client_next(const struct sim_client *c)
{
    uint64_t next = sim_host_next(&c->host);

    for (uint32_t i = 0; i < c->count; i++) {
        const struct sim_talk *t = &c->talks[i];

        if (!t->conn && t->begin < next)
            next = t->begin;
        if (t->conn && t->patience < next)
            next = t->patience;
        if (t->conn && t->deaf && t->deaf < next)
            next = t->deaf;
    }
    return next;
}

bool sim_client_finished(const struct sim_client *c)
{
    return c->done == c->count && tcp_connections(c->host.tcp) == 0;
}

void sim_client_fini(struct sim_client *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        free(c->talks[i].expected);
        sim_message_fini(&c->messages[i]);
    }
    sim_inside_end(c->host.tcp, &c->watch);
    if (sim_host_fini(&c->host))
        c->options.fault(c->options.user, "client", "has chunks out at the end");
    sim_watch_fini(&c->watch);
}
