/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/dns/dns_context.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>

/* Digits, up to 65535. */
static bool read_port(struct span digits, uint16_t *port_out)
{
    uint32_t port = 0;

    for (size_t i = 0; i < digits.len; i++) {
        if ((uint8_t)(digits.data[i] - '0') >= 10 || i >= 5)
            return false;
        port = port * 10 + (digits.data[i] - '0');
    }
    *port_out = (uint16_t)port;
    return port > 0 && port <= 65535;
}

bool dns_context_server(const char *text, struct dns_server *server_out)
{
    struct span address = span_text(text);
    ptrdiff_t end;

    *server_out = (struct dns_server){.port = 53};
    if (ip_address_parse(address, &server_out->address))
        return true;
    if (address.len && address.data[0] == '[') {
        address = span_skip(address, 1);
        end = span_find(address, ']');
        if (end >= 0 && (size_t)end + 1 == address.len)
            return ip_address_parse(span_head(address, (size_t)end), &server_out->address);
        if (end < 0 || address.data[end + 1] != ':')
            return false;
        return ip_address_parse(span_head(address, (size_t)end), &server_out->address) &&
               read_port(span_skip(address, (size_t)end + 2), &server_out->port);
    }
    end = span_find(address, ':');
    return end >= 0 && ip_address_parse(span_head(address, (size_t)end), &server_out->address) &&
           read_port(span_skip(address, (size_t)end + 1), &server_out->port);
}

/* As libunbound takes it: "192.0.2.1@5353". */
static void write_server(const struct dns_server *server, char text[80])
{
    struct writer w = writer_of(text, 79);

    ip_address_put(&w, &server->address);
    writer_byte(&w, '@');
    writer_number(&w, server->port);
    text[w.len] = 0;
}

static bool complain(struct writer *why, const char *what, const char *which, int error)
{
    writer_printf(why, "%s%s%s%s%s", what, which ? " " : "", which ? which : "", error ? ": " : "",
                  error ? ub_strerror(error) : "");
    return false;
}

/* Options of libunbound that are the same everywhere, with the reason for each. */
static const struct {
    const char *name, *value;
} options[] = {
    {"do-not-query-localhost:", "no"}, /* a resolver or a zone of one's own on this machine */
    /* Reverse zones of private and of documentation networks are the configured servers' to
     * answer. */
    {"unblock-lan-zones:", "yes"},
    {"insecure-lan-zones:", "yes"},
    {"local-zone:", "test. transparent"}, /* names of a laboratory are looked up */
    {"edns-buffer-size:", "1232"},        /* nothing is fragmented */
    /* A server that did not answer for a while is asked again soon. */
    {"infra-keep-probing:", "yes"},
    {"infra-host-ttl:", "60"},
};

static bool set_servers(struct ub_ctx *context, const struct dns_settings *s, struct writer *why)
{
    char text[80];
    int error;

    for (uint32_t i = 0; i < s->forwarder_count; i++) {
        write_server(&s->forwarders[i], text);
        error = ub_ctx_set_fwd(context, text);
        if (error)
            return complain(why, "forwarder", text, error);
    }
    for (uint32_t i = 0; i < s->stub_count; i++) {
        write_server(&s->stubs[i], text);
        error = ub_ctx_set_stub(context, s->stubs[i].zone, text, 0);
        if (error)
            return complain(why, "zone", s->stubs[i].zone, error);
    }
    return true;
}

static bool set_up(struct ub_ctx *context, const struct dns_settings *s, struct writer *why)
{
    char bytes[24];
    int error;

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        error = ub_ctx_set_option(context, options[i].name, options[i].value);
        if (error)
            return complain(why, options[i].name, options[i].value, error);
    }
    /* Twice as much for records as for messages, as libunbound's documentation has it. */
    for (unsigned i = 0; s->cache_bytes && i < 2; i++) {
        snprintf(bytes, sizeof(bytes), "%" PRIu64, s->cache_bytes * (i + 1) / 3);
        error = ub_ctx_set_option(context, i ? "rrset-cache-size:" : "msg-cache-size:", bytes);
        if (error)
            return complain(why, "cache of", bytes, error);
    }
    if (!set_servers(context, s, why))
        return false;
    if (s->trust_anchors && (error = ub_ctx_add_ta_file(context, s->trust_anchors)))
        return complain(why, "trust anchors", s->trust_anchors, error);
    if (s->hosts && (error = ub_ctx_hosts(context, s->hosts)))
        return complain(why, "hosts", s->hosts, error);
    error = ub_ctx_async(context, 1);
    if (error)
        return complain(why, "DNS in a thread", NULL, error);
    /* The files are read now, not with the first question. */
    error = ub_ctx_zone_remove(context, "wirepost.invalid.");
    return error ? complain(why, "DNS cannot start", NULL, error) : true;
}

struct ub_ctx *dns_context_new(const struct dns_settings *settings, struct writer *why)
{
    struct ub_ctx *context = ub_ctx_create();

    if (!context) {
        writer_text(why, "out of memory");
        return NULL;
    }
    /* What it has to say goes into results, not to standard error. */
    ub_ctx_debugout(context, NULL);
    if (set_up(context, settings, why))
        return context;
    ub_ctx_delete(context);
    return NULL;
}
