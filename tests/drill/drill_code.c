/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/embed/embed_stack.h"
#include "dataplane/tcp/tcp_conn.h"
#include "dataplane/tcp/tcp_flight.h"
#include "dataplane/tcp/tcp_timer.h"
#include "tests/drill/drill_run.h"

/*
 * What stands in %{ }%: assertions about a connection's tcp_info, of Python's language as much as
 * they are written in.
 *
 * code   = *((statement) (newline / ";"))
 * stmt   = "assert" expr ["," message] / "print" text
 * expr   = both *("or" both)
 * both   = test *("and" test)
 * test   = ["not"] (sum *(("==" / "!=" / "<=" / "<" / ">=" / ">") sum))
 * sum    = term *(("+" / "-") term)
 * term   = value *(("//" / "*" / "/" / "%") value)
 * value  = "-" value / number / name / "(" expr ")"
 */
struct code {
    const struct drill *d;
    const struct tcp *tcp;
    const struct tcp_conn *conn;
    const char *at;
    int line, depth;
};

enum { DEEPEST = 50 };

static double expression(struct code *c);

static void blanks(struct code *c)
{
    c->at += strspn(c->at, " \t\r");
}

static bool skip(struct code *c, const char *text)
{
    size_t len = strlen(text);

    blanks(c);
    if (strncmp(c->at, text, len))
        return false;
    if (isalpha((unsigned char)*text) && (isalnum((unsigned char)c->at[len]) || c->at[len] == '_'))
        return false;
    c->at += len;
    return true;
}

/* By the system that the script was written for. */
static double state_number(const struct code *c)
{
    static const uint8_t linux_[TCP_STATES] = {
        [TCP_CLOSED] = 7,     [TCP_SYN_SENT] = 2,   [TCP_SYN_RECEIVED] = 3, [TCP_ESTABLISHED] = 1,
        [TCP_FIN_WAIT_1] = 4, [TCP_FIN_WAIT_2] = 5, [TCP_CLOSE_WAIT] = 8,   [TCP_CLOSING] = 11,
        [TCP_LAST_ACK] = 9,   [TCP_TIME_WAIT] = 6};
    static const uint8_t freebsd[TCP_STATES] = {
        [TCP_CLOSED] = 0,     [TCP_SYN_SENT] = 2,   [TCP_SYN_RECEIVED] = 3, [TCP_ESTABLISHED] = 4,
        [TCP_FIN_WAIT_1] = 6, [TCP_FIN_WAIT_2] = 9, [TCP_CLOSE_WAIT] = 5,   [TCP_CLOSING] = 7,
        [TCP_LAST_ACK] = 8,   [TCP_TIME_WAIT] = 10};

    return (c->d->rules[DRILL_RULE_window] ? freebsd : linux_)[c->conn->state];
}

static double options_of(const struct tcp_conn *conn)
{
    return (conn->flags & CONN_TIMESTAMPS ? 1 : 0) + (conn->modes & TCP_MODE_SACK ? 2 : 0) +
           (conn->rcv_scale ? 4 : 0) + (conn->modes & TCP_MODE_ECN ? 8 : 0);
}

/* Linux counts windows in segments, FreeBSD in bytes. */
static double window_of(const struct code *c, uint32_t bytes)
{
    return c->d->rules[DRILL_RULE_window] ? bytes : bytes / c->conn->mss;
}

static double segments_of(const struct code *c, uint32_t bytes)
{
    return (bytes + c->conn->mss - 1) / c->conn->mss;
}

static double name_value(const struct code *c, const char *name, size_t len)
{
    const struct tcp_conn *conn = c->conn;
    const struct tcp_flight *f = tcp_flight_of(c->tcp, conn);
    const struct {
        const char *name;
        double value;
    } rows[] = {
        {"True", 1},
        {"False", 0},
        {"tcpi_state", state_number(c)},
        {"tcpi_ca_state", !f || f->state == FLIGHT_OPEN ? 0
                          : f->state == FLIGHT_RECOVERY ? 3
                                                        : 4},
        {"tcpi_retransmits", conn->retries},
        {"tcpi_probes", conn->probes},
        {"tcpi_backoff", conn->backoff},
        {"tcpi_options", options_of(conn)},
        {"tcpi_snd_wscale", conn->snd_scale},
        {"tcpi_rcv_wscale", conn->rcv_scale},
        {"tcpi_rto", (double)tcp_timer_rto(conn)},
        {"tcpi_rtt", conn->rto.srtt},
        {"tcpi_rttvar", conn->rto.rttvar},
        {"tcpi_snd_mss", conn->mss},
        {"tcpi_rcv_mss", conn->rcv_mss},
        {"tcpi_advmss", tcp_conn_announced_mss(c->tcp, conn)},
        {"tcpi_unacked", segments_of(c, conn->snd_max - conn->snd_una)},
        {"tcpi_sacked", f ? segments_of(c, f->sacked) : 0},
        {"tcpi_lost", f ? segments_of(c, f->lost) : 0},
        {"tcpi_snd_cwnd", window_of(c, conn->congestion.cwnd)},
        {"tcpi_snd_ssthresh", window_of(c, conn->congestion.ssthresh)},
        {"tcpi_snd_wnd", conn->snd_wnd},
        {"tcpi_notsent_bytes", conn->queue.bytes - (conn->snd_nxt - conn->snd_una)},
        {"tcpi_total_retrans", (double)c->tcp->counters.retransmitted},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (strlen(rows[i].name) == len && !strncmp(rows[i].name, name, len))
            return rows[i].value;
    drill_stop(DRILL_REFUSED, c->line, "code that asks for %.*s", (int)len, name);
}

static double value(struct code *c)
{
    const char *from;
    double v;

    if (++c->depth > DEEPEST)
        drill_stop(DRILL_SYNTAX, c->line, "code that is too deep");
    if (skip(c, "-")) {
        v = -value(c);
    } else if (skip(c, "(")) {
        v = expression(c);
        if (!skip(c, ")"))
            drill_stop(DRILL_SYNTAX, c->line, "')' is missing before '%.20s'", c->at);
    } else if (isdigit((unsigned char)*c->at)) {
        char *end;

        v = strtod(c->at, &end);
        c->at = end;
    } else {
        from = c->at;
        while (isalnum((unsigned char)*c->at) || *c->at == '_')
            c->at++;
        if (from == c->at)
            drill_stop(DRILL_REFUSED, c->line, "code: '%.20s'", c->at);
        v = name_value(c, from, (size_t)(c->at - from));
    }
    c->depth--;
    return v;
}

static double term(struct code *c)
{
    double v = value(c), w;

    for (;;) {
        bool floor = skip(c, "//");

        if (!floor && skip(c, "*")) {
            v *= value(c);
            continue;
        }
        if (!floor && !skip(c, "/")) {
            if (!skip(c, "%"))
                return v;
            w = value(c);
            v = w != 0 ? (double)((int64_t)v % (int64_t)w) : 0;
            continue;
        }
        w = value(c);
        v = w != 0 ? v / w : 0;
        v = floor ? (double)(int64_t)v : v;
    }
}

static double sum(struct code *c)
{
    double v = term(c);

    for (;;) {
        if (skip(c, "+"))
            v += term(c);
        else if (skip(c, "-"))
            v -= term(c);
        else
            return v;
    }
}

static bool compared(int op, double a, double b)
{
    switch (op) {
    case 0:
        return a == b;
    case 1:
        return a != b;
    case 2:
        return a <= b;
    case 3:
        return a >= b;
    case 4:
        return a < b;
    default:
        return a > b;
    }
}

static double test(struct code *c)
{
    static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
    bool no = skip(c, "not"), holds = true, any = false;
    double left = sum(c), right;

    for (int op = 0; op < 6; op++) {
        if (!skip(c, ops[op]))
            continue;
        right = sum(c);
        holds &= compared(op, left, right);
        left = right;
        any = true;
        op = -1;
    }
    if (no)
        return any ? !holds : left == 0;
    return any ? holds : left;
}

static double both(struct code *c)
{
    double v = test(c);

    while (skip(c, "and")) {
        double w = test(c);

        v = v != 0 && w != 0;
    }
    return v;
}

static double expression(struct code *c)
{
    double v = both(c);

    while (skip(c, "or")) {
        double w = both(c);

        v = v != 0 || w != 0;
    }
    return v;
}

static void statement(struct code *c)
{
    const char *from = c->at;

    if (skip(c, "print")) {
        c->at += strcspn(c->at, "\n;");
        return;
    }
    if (!skip(c, "assert"))
        drill_stop(DRILL_REFUSED, c->line, "code that is neither assert nor print: '%.20s'", c->at);
    if (expression(c) == 0)
        drill_stop(DRILL_FAILED, c->line, "%.*s", (int)(c->at - from), from);
    blanks(c);
    if (*c->at == ',')
        c->at += strcspn(c->at, "\n;");
}

void drill_code(struct drill *d, const struct drill_event *event)
{
    struct code c = {.d = d, .at = event->command, .line = event->line};
    struct drill_socket *s = d->sockets;

    while (s && !s->conn)
        s = s->next;
    if (!s)
        drill_stop(DRILL_FAILED, event->line, "code that asks for a connection; there is none");
    c.conn = s->conn->tcp;
    c.tcp = s->conn->stack->tcp;
    for (;;) {
        for (; isspace((unsigned char)*c.at) || *c.at == ';'; c.at++)
            c.line += *c.at == '\n';
        if (*c.at == '#')
            c.at += strcspn(c.at, "\n");
        else if (!*c.at)
            return;
        else
            statement(&c);
        blanks(&c);
        if (*c.at && !strchr("\n;#", *c.at))
            drill_stop(DRILL_SYNTAX, c.line, "code: '%.20s'", c.at);
    }
}
