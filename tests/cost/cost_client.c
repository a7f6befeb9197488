/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/cost/cost_client.h"

#include "tests/sim/sim_engine.h"

enum { FIRST_PORT = 10000 };

static void say(struct cost_client *c, struct cost_talk *t)
{
    const struct cost_line *line = &t->script->lines[t->at];

    if (!sendq_view(tcp_sendq(t->conn), c->host.pool, line->text, SENDQ_STATIC, NULL))
        c->refused++;
    t->at++;
    t->answers = 0;
    tcp_send(c->host.tcp, t->conn);
}

/* A line of an answer has ended: 250-first, 250 last; +OK; or a dot behind many. */
static void take_line(struct cost_client *c, struct cost_talk *t)
{
    bool many = t->at && t->script->lines[t->at - 1].many;
    bool dot = t->line_len == 3 && t->line[0] == '.';

    if (t->line[0] == '4' || t->line[0] == '5' || (t->line[0] == '-' && !many))
        c->refused += !many;
    if (many ? dot : t->line[0] == '+' || t->line[3] == ' ')
        t->answers++;
}

static void read_all(struct cost_client *c, struct cost_talk *t)
{
    struct span s;

    while ((s = tcp_peek(t->conn)).len) {
        for (size_t i = 0; i < s.len; i++) {
            if (t->line_len < sizeof(t->line))
                t->line[t->line_len] = s.data[i];
            t->line_len++;
            if (s.data[i] != '\n')
                continue;
            take_line(c, t);
            t->line_len = 0;
        }
        tcp_consume(c->host.tcp, t->conn, (uint32_t)s.len);
    }
}

static void news(void *user, struct tcp_conn *conn)
{
    struct cost_client *c = user;
    struct cost_talk *t = tcp_user(conn);
    uint32_t events = tcp_events(conn);

    read_all(c, t);
    if (t->at < t->script->count && t->answers >= t->script->lines[t->at].answers)
        say(c, t);
    if (events & TCP_EVENT_EOF)
        tcp_shutdown(c->host.tcp, conn);
    if (!(events & TCP_EVENT_CLOSED))
        return;
    c->refused += t->at < t->script->count;
    tcp_forget(c->host.tcp, conn);
    t->conn = NULL;
    c->ended++;
}

void cost_client_init(struct cost_client *c, const struct sim_host_options *options)
{
    struct sim_host_options host = *options;

    host.way = SIM_IN;
    host.news = news;
    host.user = c;
    sim_host_init(&c->host, &host);
    c->source = FIRST_PORT;
}

static void open_talk(struct cost_client *c, struct cost_talk *t)
{
    struct ip_address own = ip_address_v4((uint8_t[]){198, 19, 0, 1});
    struct ip_address engine = sim_engine_address(true);
    const struct cost_script *script = &c->scripts[c->begun % c->script_count];

    *t = (struct cost_talk){.script = script};
    t->conn = tcp_connect(c->host.tcp, &own, ++c->source, &engine, script->port, c->now);
    if (!t->conn)
        return;
    tcp_set_user(t->conn, t);
    c->begun++;
}

uint32_t cost_client_turn(struct cost_client *c, uint64_t now)
{
    /* The first is alone: the engine has to look for the router. */
    uint32_t talks = c->ended ? c->talk_count : 1;

    c->now = now;
    for (uint32_t i = 0; i < talks && c->begun < c->connections; i++)
        if (!c->talks[i].conn)
            open_talk(c, &c->talks[i]);
    return sim_host_turn(&c->host, now);
}
