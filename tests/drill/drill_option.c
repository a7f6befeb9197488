/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "tests/drill/drill_run.h"

/* setsockopt() and getsockopt(). */

enum known {
    IGNORED,
    REFUSED,
    LINGER,
    NO_OPTIONS,
    NO_DELAY,
    KEEP_ALIVE,
    KEEP_INIT,
    USER_TIMEOUT,
    ERROR
};

static const struct {
    const char *name;
    enum known what;
} rows[] = {
    {"SO_ERROR", ERROR},
    {"SO_LINGER", LINGER},
    {"TCP_NOOPT", NO_OPTIONS},
    {"TCP_NODELAY", NO_DELAY},
    {"SO_KEEPALIVE", KEEP_ALIVE},
    {"TCP_KEEPINIT", KEEP_INIT},
    {"TCP_USER_TIMEOUT", USER_TIMEOUT},
    {"TCP_MAXUNACKTIME", USER_TIMEOUT},
    /* of the socket layer, without a trace in the packets that are compared */
    {"SO_REUSEADDR", IGNORED},
    {"SO_REUSEPORT", IGNORED},
    {"SO_RCVBUF", IGNORED},
    {"SO_SNDBUF", IGNORED},
    {"SO_RCVLOWAT", IGNORED},
    {"SO_SNDLOWAT", IGNORED},
    {"SO_NOSIGPIPE", IGNORED},
    {"SO_DEBUG", IGNORED},
    {"SO_OOBINLINE", IGNORED}, /* they always are */
    {"SO_PRIORITY", IGNORED},
    {"SO_BUSY_POLL", IGNORED},
    {"IP_MTU_DISCOVER", IGNORED}, /* it always is */
    {"IPV6_MTU_DISCOVER", IGNORED},
    {"IPV6_V6ONLY", IGNORED},
    {"TCP_NOTSENT_LOWAT", IGNORED},
    {"TCP_FASTOPEN", IGNORED}, /* a peer's option is passed over (RFC 9293 section 3.1) */
    {"SO_TIMESTAMP", IGNORED},
    {"IP_TTL", IGNORED},
    {"IP_TOS", IGNORED},
    {"IPV6_TCLASS", IGNORED},
    {"TCP_CONGESTION", IGNORED},
    {"TCP_FUNCTION_BLK", IGNORED},
    {"TCP_LOG", IGNORED},
    {"TCP_LOGID", IGNORED},
    {"TCP_MAXSEG", IGNORED},
    {"TCP_INFO", IGNORED},
};

static const struct drill_value *first_of(const struct drill_value *v)
{
    return (v->kind == DRILL_LIST || v->kind == DRILL_STRUCT) && v->count ? &v->items[0] : v;
}

static int64_t member(const struct drill_value *v, uint32_t i)
{
    return v->kind == DRILL_STRUCT && i < v->count ? v->items[i].number : 0;
}

static void check_error(struct drill *d, const struct drill_event *event, struct drill_socket *s)
{
    static const struct {
        enum wirepost_tcp_error error;
        const char *names;
    } errors[] = {
        {WIREPOST_TCP_REFUSED, "ECONNREFUSED"},
        {WIREPOST_TCP_RESET, "ECONNRESET"},
        {WIREPOST_TCP_TIMED_OUT, "ETIMEDOUT"},
        {WIREPOST_TCP_UNREACHABLE, "EHOSTUNREACH ENETUNREACH ECONNREFUSED ENOPROTOOPT"},
        {WIREPOST_TCP_ABORTED, "ECONNABORTED"},
    };
    const struct drill_value *expected = first_of(&event->call.arguments[3]);
    enum wirepost_tcp_error error = WIREPOST_TCP_OK;

    if (s->conn && !s->told && wirepost_tcp_readiness(s->conn) & WIREPOST_TCP_ENDED) {
        s->told = true;
        error = wirepost_tcp_error(s->conn);
    }
    if (expected->kind == DRILL_NUMBER && !expected->number && !error)
        return;
    for (size_t i = 0; expected->kind == DRILL_WORD && i < sizeof(errors) / sizeof(*errors); i++)
        if (errors[i].error == error && strstr(errors[i].names, expected->text))
            return;
    drill_stop(DRILL_FAILED, event->line, "SO_ERROR is: %s", wirepost_tcp_error_text(error));
}

void drill_tune(struct drill_socket *s)
{
    uint32_t timeout = s->user_timeout;

    if (!s->conn)
        return;
    s->tuned = wirepost_tcp_readiness(s->conn) & WIREPOST_TCP_CONNECTED;
    if (!s->tuned && s->keep_init)
        timeout = s->keep_init;
    wirepost_tcp_set(s->conn, WIREPOST_TCP_NO_DELAY, s->no_delay);
    wirepost_tcp_set(s->conn, WIREPOST_TCP_KEEP_ALIVE, s->keep_alive);
    if (timeout || s->keep_init)
        wirepost_tcp_set(s->conn, WIREPOST_TCP_USER_TIMEOUT, timeout);
}

void drill_option(struct drill *d, const struct drill_event *event, struct drill_socket *s)
{
    const struct drill_call *call = &event->call;
    bool set = !strcmp(call->name, "setsockopt");
    const struct drill_value *value;
    enum known what = REFUSED;

    if (call->count < 4 || !call->arguments[2].text)
        drill_stop(DRILL_SYNTAX, event->line, "%s() needs a name and a value", call->name);
    value = first_of(&call->arguments[3]);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (!strcmp(rows[i].name, call->arguments[2].text))
            what = rows[i].what;
    switch (what) {
    case REFUSED:
        drill_stop(DRILL_REFUSED, event->line, "the option %s", call->arguments[2].text);
    case ERROR:
        check_error(d, event, s);
        break;
    case LINGER:
        value = call->arguments[3].kind == DRILL_LIST ? value : &call->arguments[3];
        s->cut = set && member(value, 0) && !member(value, 1);
        break;
    case NO_DELAY:
        s->no_delay = set ? value->number : s->no_delay;
        drill_tune(s);
        break;
    case KEEP_ALIVE:
        s->keep_alive = set ? value->number : s->keep_alive;
        drill_tune(s);
        break;
    case KEEP_INIT: /* in seconds */
        s->keep_init = set ? (uint32_t)value->number * 1000 : s->keep_init;
        drill_tune(s);
        break;
    case USER_TIMEOUT: /* Linux' in milliseconds, FreeBSD's in seconds */
        s->user_timeout = (uint32_t)value->number;
        s->user_timeout *= strcmp(call->arguments[2].text, "TCP_MAXUNACKTIME") ? 1 : 1000;
        drill_tune(s);
        break;
    case NO_OPTIONS:
        d->options_off = UINT32_MAX;
        break;
    case IGNORED:
        if (!set && !d->rules[DRILL_RULE_buffer])
            drill_stop(DRILL_REFUSED, event->line, "the value of %s", call->arguments[2].text);
        if (!set && !strcmp(call->arguments[2].text, "SO_RCVBUF"))
            d->their_buffer = (uint32_t)value->number;
        break;
    }
}
