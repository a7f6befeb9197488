/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "tests/drill/drill_run.h"

/* What sockets do with calls, over wirepost_tcp.h. */

struct outcome {
    int64_t value;
    const char *error;
};

/* A call at work. */
struct at {
    struct drill *d;
    const struct drill_event *event;
    const struct drill_call *call;
    struct drill_socket *socket; /* of the first argument, or NULL */
    struct outcome out;
};

static void set_error(struct at *at, const char *error)
{
    at->out = (struct outcome){-1, error};
}

static const struct drill_value *argument(const struct at *at, uint32_t i)
{
    if (i >= at->call->count)
        drill_stop(DRILL_SYNTAX, at->event->line, "%s() needs %u arguments", at->call->name, i + 1);
    return &at->call->arguments[i];
}

/* Whether a word stands among those that are or-ed. */
static bool has_word(const struct drill_value *v, const char *word)
{
    size_t len = strlen(word);

    for (const char *t = v->kind == DRILL_WORD ? v->text : NULL; t; t = strchr(t, '|')) {
        t += *t == '|';
        if (!strncmp(t, word, len) && (t[len] == 0 || t[len] == '|'))
            return true;
    }
    return false;
}

struct drill_socket *drill_socket_find(struct drill *d, int64_t fd)
{
    for (struct drill_socket *s = d->sockets; s; s = s->next)
        if (s->fd == fd)
            return s;
    return NULL;
}

static struct drill_socket *new_socket(struct at *at)
{
    struct drill_socket *s = drill_memory(sizeof(*s));

    s->fd = at->call->result.number;
    s->next = at->d->sockets;
    at->d->sockets = s;
    at->out.value = s->fd;
    return s;
}

static const char *error_name(enum wirepost_tcp_error error)
{
    static const char *const names[WIREPOST_TCP_ERRORS] = {
        [WIREPOST_TCP_AGAIN] = "EAGAIN",
        [WIREPOST_TCP_ARGUMENT] = "EINVAL",
        [WIREPOST_TCP_MEMORY] = "ENOMEM",
        [WIREPOST_TCP_FULL] = "ENOBUFS",
        [WIREPOST_TCP_IN_USE] = "EADDRINUSE",
        [WIREPOST_TCP_NOT_CONNECTED] = "ENOTCONN",
        [WIREPOST_TCP_SHUT_DOWN] = "EPIPE",
        [WIREPOST_TCP_REFUSED] = "ECONNREFUSED",
        [WIREPOST_TCP_RESET] = "ECONNRESET",
        [WIREPOST_TCP_TIMED_OUT] = "ETIMEDOUT",
        [WIREPOST_TCP_UNREACHABLE] = "EHOSTUNREACH",
        [WIREPOST_TCP_ABORTED] = "ECONNABORTED",
    };

    return names[error] ? names[error] : "0";
}

/* How the connection ended, told once. */
static enum wirepost_tcp_error take_error(struct drill_socket *s)
{
    if (!s->conn || s->told || !(wirepost_tcp_readiness(s->conn) & WIREPOST_TCP_ENDED))
        return WIREPOST_TCP_OK;
    s->told = true;
    return wirepost_tcp_error(s->conn);
}

static bool call_socket(struct at *at)
{
    const struct drill_value *type = argument(at, 1);

    if (!has_word(type, "SOCK_STREAM") ||
        (at->call->count > 2 && !has_word(argument(at, 2), "IPPROTO_TCP") &&
         (argument(at, 2)->kind != DRILL_NUMBER || argument(at, 2)->number)))
        drill_stop(DRILL_REFUSED, at->event->line, "a socket that is not TCP's");
    drill_stack(at->d);
    new_socket(at)->nonblocking = has_word(type, "SOCK_NONBLOCK");
    return true;
}

static bool call_bind(struct at *at)
{
    at->socket->port = DRILL_PORT;
    at->d->bound = DRILL_PORT;
    at->d->fresh = true;
    return true;
}

static bool call_listen(struct at *at)
{
    enum wirepost_tcp_error error;

    /* Once more: the next packet in is another client's. */
    at->d->fresh = true;
    if (at->socket->listening)
        return true;
    if (!at->socket->port)
        call_bind(at);
    error = wirepost_tcp_listen(drill_stack(at->d), at->socket->port);
    if (error)
        set_error(at, error_name(error));
    at->socket->listening = !error;
    return true;
}

static bool call_accept(struct at *at)
{
    struct wirepost_tcp_conn *conn;
    struct drill_socket *s = at->socket;

    if (!s->listening) {
        set_error(at, "EINVAL");
        return true;
    }
    if (wirepost_tcp_accept(drill_stack(at->d), s->port, &conn)) {
        set_error(at, "EAGAIN");
        return s->nonblocking;
    }
    s = new_socket(at);
    s->conn = conn;
    s->no_delay = at->socket->no_delay;
    s->keep_alive = at->socket->keep_alive;
    drill_tune(s);
    s->nonblocking = at->call->count > 3 && has_word(argument(at, 3), "SOCK_NONBLOCK");
    return true;
}

static void begin_connect(struct at *at)
{
    struct wirepost_tcp_endpoint local = at->d->local;
    enum wirepost_tcp_error error;

    local.port = at->socket->port;
    error = wirepost_tcp_connect(drill_stack(at->d), &local, &at->d->remote, at->d->now,
                                 &at->socket->conn);
    if (error) {
        set_error(at, error_name(error));
        return;
    }
    at->socket->connecting = true;
    drill_tune(at->socket);
    at->d->fresh = true;
    set_error(at, "EINPROGRESS");
}

static bool call_connect(struct at *at)
{
    struct drill_socket *s = at->socket;
    enum wirepost_tcp_error error;

    if (!s->conn) {
        begin_connect(at);
        return s->nonblocking || !s->connecting;
    }
    error = take_error(s);
    if (error) {
        set_error(at, error_name(error));
        return true;
    }
    if (!(wirepost_tcp_readiness(s->conn) & WIREPOST_TCP_CONNECTED)) {
        set_error(at, "EALREADY");
        return s->nonblocking;
    }
    if (!s->connecting)
        set_error(at, "EISCONN");
    s->connecting = false;
    return true;
}

/* The length that a call asks for: the last argument, or the sum of a vector. */
static uint32_t length_of(const struct drill_value *v)
{
    uint32_t sum = 0;

    if (v->kind == DRILL_NUMBER)
        return (uint32_t)v->number;
    /* [{..., 100}, {..., 200}], or the msghdr that holds such a vector */
    for (uint32_t i = 0; i < v->count; i++) {
        const struct drill_value *item = &v->items[i];

        if (v->kind == DRILL_STRUCT && item->name && strcmp(item->name, "msg_iov"))
            continue;
        if (v->kind == DRILL_STRUCT && !item->name && i != v->count - 1)
            continue;
        sum += length_of(item);
    }
    return sum;
}

static uint32_t requested(const struct at *at)
{
    const char *name = at->call->name;

    return length_of(argument(at, !strcmp(name, "readv") || !strcmp(name, "writev") ||
                                          !strcmp(name, "sendmsg") || !strcmp(name, "recvmsg")
                                      ? 1
                                      : 2));
}

static bool flag(const struct at *at, const char *name)
{
    for (uint32_t i = 2; i < at->call->count; i++)
        if (has_word(&at->call->arguments[i], name))
            return true;
    return false;
}

static void take_bytes(struct at *at, uint32_t len)
{
    struct drill_socket *s = at->socket;
    uint8_t bytes[4096];
    size_t n = 0;

    for (uint32_t done = 0; done < len; done += (uint32_t)n) {
        size_t want = len - done < sizeof(bytes) ? len - done : sizeof(bytes);

        if (wirepost_tcp_read(s->conn, bytes, want, &n) || !n)
            return;
        for (size_t i = 0; i < n; i++)
            if (bytes[i] != drill_byte(s->taken + (uint32_t)i))
                drill_stop(DRILL_FAILED, at->event->line, "byte %u read is not what was sent",
                           s->taken + (uint32_t)i);
        s->taken += (uint32_t)n;
    }
}

static bool call_read(struct at *at)
{
    struct drill_socket *s = at->socket;
    uint32_t len = requested(at), unread;
    enum wirepost_tcp_error error;
    size_t none;

    if (!s->conn) {
        set_error(at, "ENOTCONN");
        return true;
    }
    unread = (uint32_t)wirepost_tcp_unread(s->conn);
    if (unread && !s->deaf) {
        at->out.value = unread < len ? unread : len;
        if (!flag(at, "MSG_PEEK"))
            take_bytes(at, (uint32_t)at->out.value);
        return true;
    }
    error = take_error(s);
    if (!error && !s->deaf && !s->told)
        error = wirepost_tcp_read(s->conn, NULL, 1, &none);
    if (error)
        set_error(at, error_name(error));
    return error != WIREPOST_TCP_AGAIN || s->nonblocking || flag(at, "MSG_DONTWAIT");
}

static enum wirepost_tcp_error write_bytes(struct drill_socket *s, uint32_t len)
{
    enum wirepost_tcp_error error = WIREPOST_TCP_OK;
    uint8_t bytes[4096];

    while (s->part < len && !error) {
        size_t n = len - s->part < sizeof(bytes) ? len - s->part : sizeof(bytes);

        for (size_t i = 0; i < n; i++)
            bytes[i] = drill_byte(s->written + (uint32_t)i);
        error = wirepost_tcp_write(s->conn, bytes, n, &n);
        s->written += (uint32_t)n;
        s->part += (uint32_t)n;
    }
    return error;
}

static bool call_write(struct at *at)
{
    struct drill_socket *s = at->socket;
    enum wirepost_tcp_error error = take_error(s);
    bool blocks;

    if (flag(at, "MSG_FASTOPEN") || flag(at, "MSG_OOB") || flag(at, "MSG_ZEROCOPY") ||
        flag(at, "MSG_MORE"))
        drill_stop(DRILL_REFUSED, at->event->line, "a flag of %s()", at->call->name);
    if (!s->conn)
        error = WIREPOST_TCP_NOT_CONNECTED;
    if (!error)
        error = write_bytes(s, requested(at));
    blocks = error == WIREPOST_TCP_AGAIN && !s->nonblocking;
    if (blocks)
        return false;
    if (!error && flag(at, "MSG_EOF"))
        wirepost_tcp_shutdown(s->conn);
    at->out.value = s->part;
    if (!s->part && error)
        set_error(at, error_name(error));
    s->part = 0;
    return true;
}

static bool call_shutdown(struct at *at)
{
    enum wirepost_tcp_error error = WIREPOST_TCP_OK;
    const struct drill_value *how = argument(at, 1);

    if (!at->socket->conn)
        error = WIREPOST_TCP_NOT_CONNECTED;
    if (!error && !has_word(how, "SHUT_WR"))
        at->socket->deaf = true;
    if (!error && !has_word(how, "SHUT_RD"))
        error = wirepost_tcp_shutdown(at->socket->conn);
    if (error == WIREPOST_TCP_SHUT_DOWN)
        error = WIREPOST_TCP_OK;
    if (error)
        set_error(at, error_name(error));
    return true;
}

static bool call_close(struct at *at)
{
    struct drill_socket **p = &at->d->sockets;

    while (*p != at->socket)
        p = &(*p)->next;
    *p = at->socket->next;
    if (at->socket->listening)
        wirepost_tcp_unlisten(at->d->stack, at->socket->port);
    if (at->socket->conn && at->socket->cut)
        wirepost_tcp_abort(at->socket->conn);
    else if (at->socket->conn)
        wirepost_tcp_close(at->socket->conn);
    return true;
}

static bool call_fcntl(struct at *at)
{
    if (has_word(argument(at, 1), "F_SETFL"))
        at->socket->nonblocking = has_word(argument(at, 2), "O_NONBLOCK");
    else if (at->call->result.kind == DRILL_NUMBER)
        at->out.value = at->call->result.number; /* bits of the system's own */
    return true;
}

static bool call_ioctl(struct at *at)
{
    const struct drill_value *what = argument(at, 1), *into = argument(at, 2);
    int64_t n = 0;

    if (has_word(what, "FIONBIO")) {
        at->socket->nonblocking = into->count && into->items[0].number;
        return true;
    }
    if (!at->socket->conn)
        set_error(at, "EINVAL");
    else if (has_word(what, "FIONREAD") || has_word(what, "SIOCINQ"))
        n = (int64_t)wirepost_tcp_unread(at->socket->conn);
    else if (has_word(what, "SIOCOUTQ") || has_word(what, "FIONWRITE"))
        n = (int64_t)wirepost_tcp_unsent(at->socket->conn);
    else
        drill_stop(DRILL_REFUSED, at->event->line, "ioctl()");
    if (!at->out.error && into->count && into->items[0].kind == DRILL_NUMBER &&
        into->items[0].number != n)
        drill_stop(DRILL_FAILED, at->event->line, "it is %lld", (long long)n);
    return true;
}

/* state(fd) = FIN_WAIT_1: no system has this call; scenarios of our own use it. */
static bool call_state(struct at *at)
{
    const char *state = at->socket->conn ? wirepost_tcp_state(at->socket->conn) : "CLOSED";
    char text[DRILL_NAME] = "";

    for (size_t i = 0; state[i] && i < sizeof(text) - 1; i++)
        text[i] = state[i] == '-' ? '_' : state[i];
    if (!at->call->result.text || strcmp(at->call->result.text, text))
        drill_stop(DRILL_FAILED, at->event->line, "the state is %s", text);
    return true;
}

static uint32_t polled(const struct drill_socket *s)
{
    uint32_t ready = 0, r;

    if (!s || !s->conn)
        return 0;
    r = wirepost_tcp_readiness(s->conn);
    ready |= r & (WIREPOST_TCP_READABLE | WIREPOST_TCP_END | WIREPOST_TCP_ENDED) ? 1 : 0;
    ready |= r & (WIREPOST_TCP_WRITABLE | WIREPOST_TCP_ENDED) ? 2 : 0;
    ready |= r & WIREPOST_TCP_ENDED && wirepost_tcp_error(s->conn) ? 4 : 0;
    ready |= r & WIREPOST_TCP_ENDED ? 8 : 0;
    return ready;
}

/* The events that a structure of poll() names. */
static uint32_t poll_words(const struct drill_value *v)
{
    static const char *const names[] = {"POLLIN", "POLLOUT", "POLLERR", "POLLHUP"};
    uint32_t bits = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        bits |= has_word(v, names[i]) ? 1u << i : 0;
    return bits;
}

static bool call_poll(struct at *at)
{
    const struct drill_value *list = argument(at, 0);
    int64_t timeout = argument(at, 2)->number;

    for (uint32_t i = 0; i < list->count; i++) {
        const struct drill_value *row = &list->items[i];
        uint32_t wanted, ready;

        if (row->count < 3)
            drill_stop(DRILL_SYNTAX, at->event->line, "poll() needs fd, events and revents");
        wanted = poll_words(&row->items[1]) | 4 | 8;
        ready = polled(drill_socket_find(at->d, row->items[0].number)) & wanted;
        at->out.value += !!ready;
        if (ready && at->call->result.number && ready != poll_words(&row->items[2]))
            drill_stop(DRILL_FAILED, at->event->line, "revents are %u", ready);
    }
    return at->out.value ||
           (timeout >= 0 && at->d->now >= at->d->called + (uint64_t)timeout * 1000);
}

static bool call_option(struct at *at)
{
    drill_option(at->d, at->event, at->socket);
    return true;
}

/* Addresses are the interpreter's to choose. */
static bool call_name(struct at *at)
{
    if (!at->socket->conn)
        set_error(at, "ENOTCONN");
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct at *at);
} calls[] = {
    {"socket", call_socket},     {"bind", call_bind},         {"listen", call_listen},
    {"accept", call_accept},     {"accept4", call_accept},    {"connect", call_connect},
    {"read", call_read},         {"recv", call_read},         {"recvfrom", call_read},
    {"readv", call_read},        {"recvmsg", call_read},      {"write", call_write},
    {"send", call_write},        {"sendto", call_write},      {"writev", call_write},
    {"sendmsg", call_write},     {"shutdown", call_shutdown}, {"close", call_close},
    {"fcntl", call_fcntl},       {"ioctl", call_ioctl},       {"poll", call_poll},
    {"setsockopt", call_option}, {"getsockopt", call_option}, {"getpeername", call_name},
    {"getsockname", call_name},  {"state", call_state},
};

/* Two errors that a script may mean by one of ours. */
static bool same_error(const char *expected, const char *got)
{
    static const char *const unreachable[] = {"EHOSTUNREACH", "ENETUNREACH", "ECONNREFUSED",
                                              "ENOPROTOOPT"};

    if (!strcmp(expected, got) || (!strcmp(expected, "EWOULDBLOCK") && !strcmp(got, "EAGAIN")))
        return true;
    for (size_t i = 0; !strcmp(got, unreachable[0]) && i < 4; i++)
        if (!strcmp(expected, unreachable[i]))
            return true;
    return false;
}

static void check(const struct at *at)
{
    const struct drill_call *call = at->call;
    const char *got = at->out.error;

    if (call->result.kind != DRILL_NUMBER)
        return;
    if (call->error && (!got || !same_error(call->error, got)))
        drill_stop(DRILL_FAILED, at->event->line, "%s() gave %lld %s, not %s", call->name,
                   (long long)at->out.value, got ? got : "", call->error);
    if (call->result.number != at->out.value)
        drill_stop(DRILL_FAILED, at->event->line, "%s() gave %lld %s, not %lld", call->name,
                   (long long)at->out.value, got ? got : "", (long long)call->result.number);
}

bool drill_call(struct drill *d, const struct drill_event *event)
{
    struct at at = {.d = d, .event = event, .call = &event->call};

    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        if (strcmp(calls[i].name, event->call.name))
            continue;
        if (calls[i].run != call_socket && calls[i].run != call_poll) {
            at.socket = drill_socket_find(d, argument(&at, 0)->number);
            if (!at.socket)
                drill_stop(DRILL_SYNTAX, event->line, "%s(): no such descriptor", event->call.name);
        }
        if (!calls[i].run(&at))
            return false;
        check(&at);
        return true;
    }
    drill_stop(DRILL_REFUSED, event->line, "%s()", event->call.name);
}
