/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/embed/wirepost_tcp.h"

#include <stdlib.h>

#include "dataplane/embed/embed_stack.h"

/* The stack: its memory, what came in, time. */

enum {
    MTU_DEFAULT = 1500,
    MTU_LEAST = 68, /* RFC 791 section 3.2 */
    MTU_MOST = 65535,
    CONNECTIONS_DEFAULT = 1024,
    CONNECTIONS_MOST = 1 << 24,
    HALF_OPEN_DEFAULT = 256,
    WINDOW_DEFAULT = 65536,
    MEMORY_DEFAULT = 64 << 20,
};

static const struct {
    enum chunk_class class;
    uint32_t bytes, share; /* in eighths of all memory */
} shares[] = {{CHUNK_SMALL, 512, 2}, {CHUNK_MEDIUM, 4096, 4}, {CHUNK_LARGE, 65536, 2}};

static struct chunk_pool *new_pool(uint64_t memory)
{
    uint32_t limits[CHUNK_CLASSES];

    for (size_t i = 0; i < CHUNK_CLASSES; i++) {
        uint64_t n = memory / 8 * shares[i].share / shares[i].bytes;

        limits[shares[i].class] = n < 16 ? 16 : n > INT32_MAX ? INT32_MAX : (uint32_t)n;
    }
    return chunk_pool_new(limits);
}

static bool config_good(const struct wirepost_tcp_config *config)
{
    if (!config || !config->output || !config->addresses || !config->address_count ||
        config->address_count > WIREPOST_TCP_ADDRESSES)
        return false;
    if (config->mtu && (config->mtu < MTU_LEAST || config->mtu > MTU_MOST))
        return false;
    return config->connections <= CONNECTIONS_MOST && (unsigned)config->ecn <= WIREPOST_TCP_ECN_OFF;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

static struct tcp *new_tcp(const struct wirepost_tcp_config *config, struct wirepost_tcp *stack)
{
    struct tcp_options options = {
        .connections = or_default(config->connections, CONNECTIONS_DEFAULT),
        .half_open = or_default(config->half_open, HALF_OPEN_DEFAULT),
        .receive_window = or_default(config->receive_window, WINDOW_DEFAULT),
        .send_limit = or_default(config->send_buffer, WINDOW_DEFAULT),
        .mss_v4 = (uint16_t)(stack->mtu - 40),
        .mss_v6 = (uint16_t)(stack->mtu > 60 ? stack->mtu - 60 : 1),
        .time_wait_ms = config->time_wait_ms,
        .ecn = (uint8_t)config->ecn,
        .ecn_repeats = config->ecn_repeats,
        .keepalive_ms = config->keep_alive_ms,
    };

    memcpy(options.secret, config->secret, sizeof(options.secret));
    return tcp_new(&options, stack->pool);
}

static bool take_memory(struct wirepost_tcp *stack, const struct wirepost_tcp_config *config)
{
    uint32_t n = stack->most = or_default(config->connections, CONNECTIONS_DEFAULT);

    stack->packet = malloc(stack->mtu);
    stack->conns = calloc(n, sizeof(*stack->conns));
    stack->pool = new_pool(config->memory ? config->memory : MEMORY_DEFAULT);
    stack->tcp = stack->pool ? new_tcp(config, stack) : NULL;
    if (!stack->packet || !stack->conns || !stack->tcp)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        stack->conns[i].stack = stack;
        embed_list_add(&stack->free, &stack->conns[i]);
    }
    return true;
}

struct wirepost_tcp *wirepost_tcp_new(const struct wirepost_tcp_config *config,
                                      enum wirepost_tcp_error *error_out)
{
    enum wirepost_tcp_error ignored;
    struct wirepost_tcp *stack = NULL;

    error_out = error_out ? error_out : &ignored;
    *error_out = WIREPOST_TCP_ARGUMENT;
    if (!config_good(config))
        return NULL;
    *error_out = WIREPOST_TCP_MEMORY;
    stack = calloc(1, sizeof(*stack));
    if (!stack)
        return NULL;
    stack->mtu = or_default(config->mtu, MTU_DEFAULT);
    stack->output = config->output;
    stack->output_user = config->output_user;
    for (; stack->address_count < config->address_count; stack->address_count++)
        stack->addresses[stack->address_count] =
            ip_address_v6(config->addresses[stack->address_count].address);
    if (!take_memory(stack, config)) {
        wirepost_tcp_free(stack);
        return NULL;
    }
    *error_out = WIREPOST_TCP_OK;
    return stack;
}

void wirepost_tcp_free(struct wirepost_tcp *stack)
{
    if (!stack)
        return;
    tcp_free(stack->tcp);
    if (stack->pool)
        chunk_pool_free(stack->pool);
    free(stack->conns);
    free(stack->packet);
    free(stack);
}

uint64_t embed_now(struct wirepost_tcp *stack, uint64_t now)
{
    if (now > stack->now)
        stack->now = now;
    return stack->now;
}

bool embed_is_ours(const struct wirepost_tcp *stack, const struct ip_address *address)
{
    for (uint32_t i = 0; i < stack->address_count; i++)
        if (ip_address_equal(&stack->addresses[i], address))
            return true;
    return false;
}

struct embed_listener *embed_listener(struct wirepost_tcp *stack, uint16_t port)
{
    for (uint32_t i = 0; i < EMBED_LISTENERS; i++)
        if (stack->listeners[i].port == port)
            return &stack->listeners[i];
    return NULL;
}

/* A connection that a peer opened: it waits to be accepted. */
static struct wirepost_tcp_conn *arrived(struct wirepost_tcp *stack, struct tcp_conn *tcp)
{
    struct ip_address local, remote;
    uint16_t local_port, remote_port;
    struct embed_listener *listener;
    struct wirepost_tcp_conn *conn;

    tcp_endpoints(tcp, &local, &local_port, &remote, &remote_port);
    listener = embed_listener(stack, local_port);
    conn = listener ? embed_list_take(&stack->free) : NULL;
    if (!conn) { /* the listener went away during the handshake */
        tcp_abort(stack->tcp, tcp);
        tcp_forget(stack->tcp, tcp);
        return NULL;
    }
    *conn = (struct wirepost_tcp_conn){.stack = stack, .tcp = tcp};
    tcp_set_user(tcp, conn);
    tcp_set_nagle(stack->tcp, tcp, true);
    embed_list_add(&listener->waiting, conn);
    return conn;
}

_Static_assert((int)WIREPOST_TCP_ECN_ASK == TCP_ECN_ASK && (int)WIREPOST_TCP_ECN_OFF == TCP_ECN_OFF,
               "alike");

static enum wirepost_tcp_error error_of(enum tcp_reason reason)
{
    static const uint8_t errors[TCP_REASONS] = {
        [TCP_REASON_RESET] = WIREPOST_TCP_RESET,
        [TCP_REASON_TIMED_OUT] = WIREPOST_TCP_TIMED_OUT,
        [TCP_REASON_ABORTED] = WIREPOST_TCP_ABORTED,
        [TCP_REASON_REFUSED] = WIREPOST_TCP_REFUSED,
        [TCP_REASON_UNREACHABLE] = WIREPOST_TCP_UNREACHABLE,
    };

    return errors[reason];
}

void embed_collect(struct wirepost_tcp *stack)
{
    struct tcp_conn *tcp;

    while ((tcp = tcp_ready(stack->tcp))) {
        uint32_t events = tcp_events(tcp);
        struct wirepost_tcp_conn *conn = tcp_user(tcp);

        conn = conn ? conn : arrived(stack, tcp);
        if (!conn)
            continue;
        conn->connected |= !!(events & TCP_EVENT_ACCEPTED);
        conn->end |= !!(events & TCP_EVENT_EOF);
        if (events & TCP_EVENT_CLOSED) {
            conn->ended = true;
            conn->error = (uint8_t)error_of(tcp_reason(tcp));
        }
        if (!conn->list)
            embed_list_add(&stack->news, conn);
    }
}

void wirepost_tcp_timers(struct wirepost_tcp *stack, uint64_t now)
{
    tcp_timers(stack->tcp, embed_now(stack, now));
    embed_collect(stack);
}

uint64_t wirepost_tcp_next_timer(const struct wirepost_tcp *stack)
{
    return tcp_next_timer(stack->tcp);
}

enum wirepost_tcp_error wirepost_tcp_listen(struct wirepost_tcp *stack, uint16_t port)
{
    struct embed_listener *row = embed_listener(stack, 0);

    if (!port)
        return WIREPOST_TCP_ARGUMENT;
    if (embed_listener(stack, port))
        return WIREPOST_TCP_IN_USE;
    if (!row || !tcp_listen(stack->tcp, port, 0))
        return WIREPOST_TCP_FULL;
    *row = (struct embed_listener){.port = port};
    return WIREPOST_TCP_OK;
}

void wirepost_tcp_unlisten(struct wirepost_tcp *stack, uint16_t port)
{
    struct embed_listener *row = port ? embed_listener(stack, port) : NULL;

    if (!row)
        return;
    tcp_unlisten_port(stack->tcp, port);
    while (row->waiting.first)
        wirepost_tcp_abort(row->waiting.first);
    row->port = 0;
}

enum wirepost_tcp_error wirepost_tcp_accept(struct wirepost_tcp *stack, uint16_t port,
                                            struct wirepost_tcp_conn **conn_out)
{
    struct embed_listener *row = port ? embed_listener(stack, port) : NULL;

    *conn_out = row ? embed_list_take(&row->waiting) : NULL;
    if (!row)
        return WIREPOST_TCP_ARGUMENT;
    if (!*conn_out)
        return WIREPOST_TCP_AGAIN;
    embed_list_add(&stack->news, *conn_out);
    return WIREPOST_TCP_OK;
}

struct wirepost_tcp_conn *wirepost_tcp_news(struct wirepost_tcp *stack)
{
    return embed_list_take(&stack->news);
}

uint32_t wirepost_tcp_connections(const struct wirepost_tcp *stack)
{
    return tcp_connections(stack->tcp);
}

bool wirepost_tcp_counter(const struct wirepost_tcp *stack, uint32_t index, const char **name_out,
                          uint64_t *value_out)
{
    static const char *const names[] = {
#define EMBED_COUNTER(name, text) #name,
#include "dataplane/embed/embed_counter.def"
#undef EMBED_COUNTER
#define TCP_COUNTER(name, text) #name,
#include "dataplane/tcp/tcp_counter.def"
#undef TCP_COUNTER
    };

    if (index >= sizeof(names) / sizeof(*names))
        return false;
    *name_out = names[index];
    if (index < EMBED_COUNTERS)
        *value_out = stack->counters[index];
    else
        memcpy(value_out,
               (const uint8_t *)tcp_counters(stack->tcp) +
                   (index - EMBED_COUNTERS) * sizeof(*value_out),
               sizeof(*value_out));
    return true;
}
