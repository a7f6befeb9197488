/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap/tap_secure.h"

#include "dataplane/tap/tap_flow.h"

/* One large chunk holds the state and both sides' messages; the server's with its certificates. */
enum { CLIENT_ROOM = 16 * 1024 };

static struct chunk *chunk_of(const struct tap_flow *f)
{
    return (struct chunk *)(void *)((uint8_t *)f->tls - offsetof(struct chunk, data));
}

void tap_secure_begin(struct tap *t, struct tap_flow *f)
{
    struct chunk *c = chunk_take(t->pool, CHUNK_LARGE);
    uint8_t *room;

    if (!c) {
        f->stage = TAP_BLIND;
        return;
    }
    f->tls = (struct tap_secure *)(void *)c->data;
    *f->tls = (struct tap_secure){0};
    room = c->data + ((sizeof(struct tap_secure) + 7) & ~(size_t)7);
    tls_hello_init(&f->tls->hello[TCP_TO_SERVER], room, CLIENT_ROOM);
    tls_hello_init(&f->tls->hello[TCP_TO_CLIENT], room + CLIENT_ROOM,
                   (uint32_t)(c->cap - (size_t)(room + CLIENT_ROOM - c->data)));
}

static void tell(struct tap *t, struct tap_flow *f)
{
    const struct tls_hello *client = &f->tls->hello[TCP_TO_SERVER];
    const struct tls_hello *server = &f->tls->hello[TCP_TO_CLIENT];
    struct tap_event event = {.kind = TAP_EVENT_TLS};

    if (!client->hello && !server->hello)
        return;
    event.tls = (struct tap_tls_facts){
        .version = server->hello ? server->version : client->version,
        .answered = server->hello,
        .certificate = server->certificate.len > 0,
        .server_name = client->server_name,
        .alpn = server->hello ? server->alpn : client->alpn,
        .certificate_der = server->certificate,
    };
    tap_flow_say(t, f, &event);
}

void tap_secure_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    if (!f->tls || f->tls->done[d])
        return;
    f->tls->done[d] = tls_hello_feed(&f->tls->hello[d], bytes) != TLS_HELLO_MORE;
    if (f->tls->done[0] && f->tls->done[1])
        tap_secure_end(t, f);
}

void tap_secure_end(struct tap *t, struct tap_flow *f)
{
    if (!f->tls)
        return;
    tell(t, f);
    chunk_give(t->pool, chunk_of(f));
    f->tls = NULL;
}
