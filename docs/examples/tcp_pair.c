/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wirepost_tcp.h>

/*
 * Two TCP stacks in one process, with a wire between them that takes 10 ms and loses every 20th
 * packet. One is an echo server on port 7, the other sends it a megabyte and compares what comes
 * back. No privileges, no sockets, and no waiting: the clock is a variable.
 */
enum { PACKETS = 4096, BYTES = 1 << 20, DELAY = 10000, LOSS = 20 };

struct packet {
    uint64_t arrives;
    size_t len;
    uint8_t bytes[1500];
};

/* What is on its way to one of the two. */
struct wire {
    struct packet *packets;
    size_t first, count;
    unsigned sent;
};

static uint64_t now;
static struct wire wires[2];

static void put_on_wire(void *user, const uint8_t *bytes, size_t len)
{
    struct wire *w = user;
    struct packet *p = &w->packets[(w->first + w->count) % PACKETS];

    if (++w->sent % LOSS == 0 || w->count == PACKETS)
        return;
    p->arrives = now + DELAY;
    p->len = len;
    memcpy(p->bytes, bytes, len);
    w->count++;
}

static struct wirepost_tcp *new_stack(const char *address, struct wire *to)
{
    struct wirepost_tcp_endpoint own;
    struct wirepost_tcp_config config = {
        .addresses = &own,
        .address_count = 1,
        .secret = "use random bytes",
        .output = put_on_wire,
        .output_user = to,
    };

    to->packets = calloc(PACKETS, sizeof(*to->packets));
    if (!to->packets || !wirepost_tcp_endpoint_parse(address, 0, &own))
        return NULL;
    return wirepost_tcp_new(&config, NULL);
}

/* Sends back what comes in; closes when the other side has. */
static void serve(struct wirepost_tcp *stack)
{
    struct wirepost_tcp_conn *conn;

    while (!wirepost_tcp_accept(stack, 7, &conn))
        ;
    while ((conn = wirepost_tcp_news(stack))) {
        size_t len, taken = 1;
        const uint8_t *bytes;

        while (taken && (bytes = wirepost_tcp_peek(conn, &len), len)) {
            wirepost_tcp_write(conn, bytes, len, &taken);
            wirepost_tcp_read(conn, NULL, taken, &len);
        }
        if (wirepost_tcp_readiness(conn) & (WIREPOST_TCP_END | WIREPOST_TCP_ENDED) &&
            !wirepost_tcp_unread(conn))
            wirepost_tcp_close(conn);
    }
}

struct client {
    struct wirepost_tcp_conn *conn;
    size_t written, read;
    bool wrong, done;
};

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 256);
}

static void talk(struct client *c)
{
    uint8_t bytes[4096];
    size_t n;

    while (c->written < BYTES) {
        size_t len = BYTES - c->written < sizeof(bytes) ? BYTES - c->written : sizeof(bytes);

        for (size_t i = 0; i < len; i++)
            bytes[i] = byte_at(c->written + i);
        if (wirepost_tcp_write(c->conn, bytes, len, &n))
            break;
        c->written += n;
        if (c->written == BYTES)
            wirepost_tcp_shutdown(c->conn);
    }
    while (!wirepost_tcp_read(c->conn, bytes, sizeof(bytes), &n) && n) {
        for (size_t i = 0; i < n; i++)
            c->wrong |= bytes[i] != byte_at(c->read + i);
        c->read += n;
    }
    c->done = wirepost_tcp_readiness(c->conn) & (WIREPOST_TCP_END | WIREPOST_TCP_ENDED);
}

/* The packets that have arrived by now. */
static void deliver(struct wirepost_tcp *stack, struct wire *from)
{
    for (; from->count && from->packets[from->first].arrives <= now; from->count--) {
        struct packet *p = &from->packets[from->first];

        wirepost_tcp_input(stack, p->bytes, p->len, now);
        from->first = (from->first + 1) % PACKETS;
    }
}

/* The clock jumps to whatever comes next. */
static uint64_t next_event(struct wirepost_tcp *stacks[2])
{
    uint64_t next = UINT64_MAX;

    for (int i = 0; i < 2; i++) {
        uint64_t timer = wirepost_tcp_next_timer(stacks[i]);
        uint64_t packet = wires[i].count ? wires[i].packets[wires[i].first].arrives : UINT64_MAX;

        next = timer < next ? timer : next;
        next = packet < next ? packet : next;
    }
    return next > now ? next : now + 1;
}

int main(void)
{
    struct wirepost_tcp *stacks[2] = {new_stack("198.18.0.1", &wires[1]),
                                      new_stack("198.18.0.2", &wires[0])};
    struct wirepost_tcp_endpoint client, server;
    struct client c = {0};

    wirepost_tcp_endpoint_parse("198.18.0.1", 0, &client);
    wirepost_tcp_endpoint_parse("198.18.0.2", 7, &server);
    if (!stacks[0] || !stacks[1] || wirepost_tcp_listen(stacks[1], 7) ||
        wirepost_tcp_connect(stacks[0], &client, &server, now, &c.conn))
        return 1;
    while (!c.done && now < 600000000) {
        for (int i = 0; i < 2; i++) {
            deliver(stacks[i], &wires[i]);
            wirepost_tcp_timers(stacks[i], now);
        }
        serve(stacks[1]);
        talk(&c);
        for (int i = 0; i < 2; i++)
            wirepost_tcp_output(stacks[i], now);
        now = next_event(stacks);
    }
    printf("%zu bytes went there and back in %.3f s: %s, %s\n", c.read, (double)now / 1e6,
           c.wrong || c.read != BYTES ? "wrong" : "right",
           wirepost_tcp_error_text(wirepost_tcp_error(c.conn)));
    wirepost_tcp_close(c.conn);
    for (int i = 0; i < 2; i++) {
        wirepost_tcp_free(stacks[i]);
        free(wires[i].packets);
    }
    return c.wrong || c.read != BYTES;
}
