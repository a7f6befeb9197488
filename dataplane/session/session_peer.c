/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_peer.h"

#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_more.h"

static struct session_more *more_of(const struct session *s)
{
    return s->more ? (struct session_more *)s->more->data : NULL;
}

void session_peer(const struct session *s, struct record_peer *peer_out)
{
    const struct session_more *more = more_of(s);

    *peer_out = (struct record_peer){0};
    if (s->conn)
        tcp_endpoints(s->conn, &peer_out->server, &peer_out->server_port, &peer_out->client,
                      &peer_out->client_port);
    if (!more || !more->relayed)
        return;
    peer_out->relayed = true;
    peer_out->via = peer_out->client;
    peer_out->via_port = peer_out->client_port;
    peer_out->client = more->client;
    peer_out->client_port = more->client_port;
    peer_out->server = more->server;
    peer_out->server_port = more->server_port;
}

struct span session_peer_name(const struct session *s)
{
    const struct session_more *more = more_of(s);

    return more ? span_of(more->client_name, more->client_name_len) : span_of(NULL, 0);
}

struct span session_peer_login(const struct session *s)
{
    const struct session_more *more = more_of(s);

    if (session_auth_account(s))
        return session_auth_name(s);
    return more ? span_of(more->login, more->login_len) : span_of(NULL, 0);
}

static bool is_among(const struct network_list *list, const struct ip_address *address)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (ip_address_inside(address, &list->network[i].address, list->network[i].bits))
            return true;
    return false;
}

/* Makes the endpoints that hold now ones of our own, to be changed. NULL: no memory. */
static struct session_more *relay(struct sessions *ss, struct session *s)
{
    struct session_more *more = session_more(ss, s);
    struct record_peer peer;

    if (!more || more->relayed)
        return more;
    session_peer(s, &peer);
    more->client = peer.client;
    more->client_port = peer.client_port;
    more->server = peer.server;
    more->server_port = peer.server_port;
    more->relayed = true;
    return more;
}

/* ---- the PROXY header ---- */

bool session_peer_proxied(struct sessions *ss, struct session *s, bool *proxied_out)
{
    struct session_more *more;
    struct record_peer peer;

    *proxied_out = false;
    if (ss->settings.proxy_networks.count == 0)
        return true;
    session_peer(s, &peer);
    if (!is_among(&ss->settings.proxy_networks, &peer.client))
        return true;
    more = session_more(ss, s);
    if (!more)
        return false;
    proxy_reader_init(&more->proxy);
    *proxied_out = true;
    session_deadline(ss, s, ss->settings.proxy_timeout_ms);
    return true;
}

static void take_endpoints(struct sessions *ss, struct session *s, struct session_more *more)
{
    struct proxy_endpoints endpoints;

    if (!proxy_reader_endpoints(&more->proxy, &endpoints))
        return;
    ss->counters->sessions_proxied++;
    more->relayed = true;
    more->client = endpoints.client;
    more->client_port = endpoints.client_port;
    more->server = endpoints.server;
    more->server_port = endpoints.server_port;
}

bool session_peer_read(struct sessions *ss, struct session *s)
{
    struct session_more *more = more_of(s);
    enum proxy_status status = PROXY_MORE;

    while (status == PROXY_MORE && tcp_unread(s->conn)) {
        struct span all = tcp_peek(s->conn), in = all;

        status = proxy_reader_feed(&more->proxy, &in);
        tcp_consume(ss->options.tcp, s->conn, (uint32_t)(all.len - in.len));
        s->bytes_in += all.len - in.len;
    }
    if (status == PROXY_DONE) {
        take_endpoints(ss, s, more);
        return true;
    }
    if (status == PROXY_BAD || s->eof) {
        ss->counters->sessions_refused_proxy++;
        session_abort(ss, s, "no PROXY header");
    }
    return false;
}

/* ---- XCLIENT ---- */

bool session_peer_trusted(const struct sessions *ss, const struct session *s)
{
    struct record_peer peer;

    if (ss->settings.xclient_networks.count == 0)
        return false;
    session_peer(s, &peer);
    return is_among(&ss->settings.xclient_networks, &peer.client);
}

/* The octets of a value that was given, or none. False: it does not fit. */
static bool take_text(const struct smtp_xclient *x, enum smtp_xclient_attribute which,
                      struct span xtext, struct writer *text)
{
    if (smtp_xclient_has(x, which))
        smtp_xtext_put(text, xtext);
    return !text->full;
}

static bool given(const struct smtp_xclient *x, enum smtp_xclient_attribute which)
{
    return x->given >> which & 1;
}

/* A name that does not fit is not known; a login that does not is refused: half of one is another.
 */
static bool take_texts(struct sessions *ss, struct session *s, struct session_more *more,
                       const struct smtp_xclient *x)
{
    struct writer name = writer_of(more->client_name, sizeof(more->client_name));
    struct writer login = writer_of(more->login, sizeof(more->login));
    uint8_t memory[SESSION_NAME_MAX];
    struct writer helo = writer_of(memory, sizeof(memory));

    if (given(x, SMTP_XCLIENT_NAME))
        more->client_name_len =
            take_text(x, SMTP_XCLIENT_NAME, x->name, &name) ? (uint8_t)name.len : 0;
    if (given(x, SMTP_XCLIENT_LOGIN)) {
        bool fits = take_text(x, SMTP_XCLIENT_LOGIN, x->login, &login);

        more->login_len = fits ? (uint8_t)login.len : 0;
        if (!fits)
            return false;
    }
    if (smtp_xclient_has(x, SMTP_XCLIENT_HELO)) {
        take_text(x, SMTP_XCLIENT_HELO, x->helo, &helo);
        return session_name_set(ss, s, writer_span(&helo));
    }
    return true;
}

enum smtp_reply_id session_peer_xclient(struct sessions *ss, struct session *s,
                                        const struct smtp_xclient *x)
{
    struct session_more *more = relay(ss, s);

    if (!more)
        return SMTP_REPLY_NO_RESOURCES;
    if (!take_texts(ss, s, more, x))
        return SMTP_REPLY_BAD_XCLIENT;
    if (smtp_xclient_has(x, SMTP_XCLIENT_ADDR))
        more->client = x->addr;
    if (smtp_xclient_has(x, SMTP_XCLIENT_PORT))
        more->client_port = x->port;
    if (smtp_xclient_has(x, SMTP_XCLIENT_DESTADDR))
        more->server = x->dest;
    if (smtp_xclient_has(x, SMTP_XCLIENT_DESTPORT))
        more->server_port = x->dest_port;
    if (smtp_xclient_has(x, SMTP_XCLIENT_PROTO))
        s->esmtp = x->esmtp;
    /* What the proxy does not know is not known here either: not the proxy's own. */
    if (given(x, SMTP_XCLIENT_ADDR) && !smtp_xclient_has(x, SMTP_XCLIENT_ADDR))
        more->client = (struct ip_address){{0}};
    if (given(x, SMTP_XCLIENT_PORT) && !smtp_xclient_has(x, SMTP_XCLIENT_PORT))
        more->client_port = 0;
    return SMTP_REPLY_OK;
}
