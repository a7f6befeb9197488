/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/dns/dns_context.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>

bool dns_context_address(const char *text, struct writer *w)
{
    struct span address = span_text(text), port = span_of(NULL, 0);
    struct ip_address ip;
    ptrdiff_t end;
    unsigned long number = 53;

    if (address.len && address.data[0] == '[') {
        end = span_find(address, ']');
        if (end < 0)
            return false;
        port = span_skip(address, (size_t)end + 1);
        address = span_of(address.data + 1, (size_t)end - 1);
        if (port.len && port.data[0] != ':')
            return false;
        port = span_skip(port, 1);
    } else if (!ip_address_parse(address, &ip) && (end = span_find(address, ':')) >= 0) {
        port = span_skip(address, (size_t)end + 1);
        address = span_head(address, (size_t)end);
        if (port.len == 0)
            return false;
    }
    if (port.len) {
        number = 0;
        for (size_t i = 0; i < port.len; i++) {
            if ((uint8_t)(port.data[i] - '0') >= 10 || port.len > 5)
                return false;
            number = number * 10 + (port.data[i] - '0');
        }
    }
    if (!ip_address_parse(address, &ip) || number == 0 || number > 65535)
        return false;
    ip_address_put(w, &ip);
    writer_byte(w, '@');
    writer_number(w, number);
    return !w->full;
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
    {"edns-buffer-size:", "1232"}, /* nothing is fragmented */
    /* A server that did not answer for a while is asked again soon. */
    {"infra-keep-probing:", "yes"},
    {"infra-host-ttl:", "60"},
};

static bool set_servers(struct ub_ctx *context, const struct dns_settings *s, struct writer *why)
{
    char text[80];
    int error;

    for (uint32_t i = 0; i < s->forwarder_count; i++) {
        struct writer w = writer_of(text, sizeof(text) - 1);

        if (!dns_context_address(s->forwarders[i], &w))
            return complain(why, "no address of a server:", s->forwarders[i], 0);
        text[w.len] = 0;
        error = ub_ctx_set_fwd(context, text);
        if (error)
            return complain(why, "forwarder", s->forwarders[i], error);
    }
    for (uint32_t i = 0; i < s->stub_count; i++) {
        struct writer w = writer_of(text, sizeof(text) - 1);

        if (!dns_context_address(s->stubs[i].address, &w))
            return complain(why, "no address of a server:", s->stubs[i].address, 0);
        text[w.len] = 0;
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
    /* From here on it is set up and reads the files. Names below "test." are a laboratory's own. */
    error = ub_ctx_zone_remove(context, "test.");
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
