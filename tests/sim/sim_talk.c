/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_engine.h"

/* What the scripts of both protocols do at a step: say a line when the answer to the last is there.
 */
enum smtp_step { GREETED, EHLO, MAIL, RCPT, DATA, BODY, QUIT };
enum pop3_step { POP3_GREETED, USER, PASS, STAT, RETR, POP3_QUIT };

#define PATIENCE (600ull * 1000000)

static struct ip_address own_address(bool v4)
{
    static const uint8_t four[4] = {198, 19, 0, 1}, six[16] = {0x20, 1, 0, 2, 0, 0, 0, 1, [15] = 1};

    return v4 ? ip_address_v4(four) : ip_address_v6(six);
}

static void fault(const struct sim_talk *t, const char *what)
{
    t->client->options.fault(t->client->options.user, t->message ? "SMTP client" : "POP3 client",
                             what);
}

void sim_talk_open(struct sim_talk *t)
{
    struct sim_client *c = t->client;
    struct ip_address own = own_address(c->options.v4);
    struct ip_address engine = sim_engine_address(c->options.v4);

    t->begin = UINT64_MAX;
    t->step = t->sent = t->line_len = 0;
    t->deaf = 0;
    t->patience = c->now + PATIENCE;
    t->pipelining = sim_random_ppm(c->random, c->options.pipelining);
    if (++t->tries > SIM_TRIES) {
        fault(t, "has tried too often");
        return;
    }
    t->conn = tcp_connect(c->host.tcp, &own, ++c->port, &engine, t->message ? 25 : 110, c->now);
    if (t->conn)
        tcp_set_user(t->conn, t);
    else
        t->begin = c->now + 1000000;
}

static void say(struct sim_talk *t, const char *text)
{
    struct sim_host *h = &t->client->host;

    if (!sendq_copy(tcp_sendq(t->conn), h->pool, span_text(text)))
        fault(t, "finds no room for a line");
    tcp_send(h->tcp, t->conn);
}

/* As much of the body as the queue takes. */
static void say_body(struct sim_talk *t)
{
    struct sim_host *h = &t->client->host;
    struct span left = span_of(t->message->wire + t->sent, t->message->wire_len - t->sent);
    uint32_t room = tcp_send_room(t->conn);
    uint32_t most = 1 + (uint32_t)sim_random_below(t->client->random, 60000);

    left = span_head(left, room < most ? room : most);
    if (!left.len || !sendq_copy(tcp_sendq(t->conn), h->pool, left))
        return;
    t->sent += (uint32_t)left.len;
    tcp_send(h->tcp, t->conn);
}

static void finish(struct sim_talk *t)
{
    if (!t->done)
        t->client->done++;
    t->done = true;
}

/* A refusal that will pass, or one that was not expected: another time. */
static void give_up(struct sim_talk *t)
{
    tcp_shutdown(t->client->host.tcp, t->conn);
    tcp_discard(t->client->host.tcp, t->conn);
}

static void smtp_answer(struct sim_talk *t, const char *line)
{
    static const struct {
        char code;
        const char *say;
    } script[] = {
        [GREETED] = {'2', "EHLO client.test\r\n"},
        [EHLO] = {'2', "MAIL FROM:<a@b.test>\r\n"},
        [MAIL] = {'2', "RCPT TO:<alice@example.test>\r\n"},
        [RCPT] = {'2', "DATA\r\n"},
        [DATA] = {'3', ""},
        [BODY] = {'2', "QUIT\r\n"},
        [QUIT] = {'2', ""},
    };

    if (line[3] == '-')
        return;
    if (t->step > QUIT || line[0] != script[t->step].code) {
        if (line[0] != '4')
            fault(t, line);
        give_up(t);
        return;
    }
    if (t->step == EHLO && t->pipelining)
        say(t, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
    else if (!t->pipelining || (t->step != MAIL && t->step != RCPT))
        say(t, script[t->step].say);
    if (t->step == DATA)
        say_body(t);
    if (t->step == BODY) {
        t->message->sent = true;
        finish(t);
    }
    if (t->step == QUIT)
        tcp_shutdown(t->client->host.tcp, t->conn);
    t->step++;
}

/* What the answer to RETR must be: the mailbox has the model's messages in their order. */
static void expect_message(struct sim_talk *t)
{
    const struct world_message *m = &t->client->world->messages[t->sent];

    free(t->expected);
    t->expected = sim_message_stuff(span_of(m->bytes, m->len), &t->expected_len);
    t->expected_at = 0;
}

static void retrieve(struct sim_talk *t)
{
    char command[32];

    if (t->sent == t->client->world->message_count) {
        say(t, "QUIT\r\n");
        t->step = POP3_QUIT;
        return;
    }
    snprintf(command, sizeof(command), "RETR %u\r\n", t->sent + 1);
    say(t, command);
    t->step = RETR;
}

static void pop3_answer(struct sim_talk *t, const char *line)
{
    static const char *const script[] = {[POP3_GREETED] = "USER alice@example.test\r\n",
                                         [USER] = "PASS secret\r\n",
                                         [PASS] = "STAT\r\n"};

    if (strncmp(line, "+OK", 3) != 0) {
        if (t->step > PASS)
            fault(t, line);
        give_up(t);
        return;
    }
    if (t->step < STAT) {
        say(t, script[t->step++]);
    } else if (t->step == STAT) {
        t->sent = 0;
        retrieve(t);
    } else if (t->step == RETR) {
        expect_message(t);
    } else {
        finish(t);
        tcp_shutdown(t->client->host.tcp, t->conn);
    }
}

/* Bytes of a message are compared as they come. Returns how many of them belong to it. */
static size_t compare(struct sim_talk *t, struct span s)
{
    struct span rest = span_of(t->expected + t->expected_at, t->expected_len - t->expected_at);
    size_t n = s.len < rest.len ? s.len : rest.len;

    if (memcmp(s.data, rest.data, n) != 0)
        fault(t, "reads other bytes than were stored");
    t->expected_at += (uint32_t)n;
    if (t->expected_at < t->expected_len)
        return n;
    free(t->expected);
    t->expected = NULL;
    t->sent++;
    retrieve(t);
    return n;
}

static size_t take_line(struct sim_talk *t, struct span s)
{
    ptrdiff_t end = span_find(s, '\n');
    size_t n = end < 0 ? s.len : (size_t)end + 1;

    if (t->line_len + n >= SIM_LINE) {
        fault(t, "reads a line without an end");
        t->line_len = 0;
        return n;
    }
    memcpy(t->line + t->line_len, s.data, n);
    t->line_len += (uint32_t)n;
    t->line[t->line_len] = 0;
    if (end < 0)
        return n;
    t->line_len = 0;
    if (t->message)
        smtp_answer(t, t->line);
    else
        pop3_answer(t, t->line);
    return n;
}

static void read_all(struct sim_talk *t)
{
    struct span s;

    while ((s = tcp_peek(t->conn)).len) {
        size_t n = t->expected ? compare(t, s) : take_line(t, s);

        tcp_consume(t->client->host.tcp, t->conn, (uint32_t)n);
    }
}

/* Looks away for a while, now and then. */
static bool is_deaf(struct sim_talk *t)
{
    struct sim_client *c = t->client;

    if (t->deaf > c->now)
        return true;
    if (!t->deaf && c->options.deaf && sim_random_below(c->random, 20) == 0) {
        t->deaf = c->now + 1 + sim_random_below(c->random, c->options.deaf);
        return true;
    }
    t->deaf = 0;
    return false;
}

static void let_go(struct sim_talk *t)
{
    tcp_forget(t->client->host.tcp, t->conn);
    t->conn = NULL;
    free(t->expected);
    t->expected = NULL;
    if (!t->done)
        t->begin = t->client->now + 1000000 + sim_random_below(t->client->random, 30000000);
}

void sim_talk_news(struct sim_talk *t, uint32_t events)
{
    struct tcp *tcp = t->client->host.tcp;

    if (events)
        t->patience = t->client->now + PATIENCE;
    if (events && t->tries <= SIM_RUDE && (t->expected || (t->message && t->step == BODY)) &&
        sim_random_ppm(t->client->random, t->client->options.rude)) {
        sim_talk_despair(t);
        return;
    }
    if (events & TCP_EVENT_CLOSED || !is_deaf(t))
        read_all(t);
    if (t->message && t->step == BODY)
        say_body(t);
    if (events & TCP_EVENT_EOF)
        tcp_shutdown(tcp, t->conn);
    if (!(events & TCP_EVENT_CLOSED))
        return;
    let_go(t);
}

void sim_talk_despair(struct sim_talk *t)
{
    tcp_abort(t->client->host.tcp, t->conn);
    let_go(t);
}
