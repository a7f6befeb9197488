/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_pressure.h"

#include "dataplane/session/transaction.h"

static bool short_of(uint64_t used, uint64_t all, uint32_t percent)
{
    return all && used * 100 >= all * percent;
}

bool session_pressure(const struct sessions *ss)
{
    uint32_t percent = ss->settings.pressure;
    bool is_short = short_of(ss->count, ss->options.connections, percent);

    for (int class = 0; class < CHUNK_CLASSES && !is_short; class ++)
        is_short = short_of(chunk_used(ss->options.pool, (enum chunk_class) class),
                            chunk_limit(ss->options.pool, (enum chunk_class) class), percent);
    return is_short;
}

/* Its data could have come: it is being read, and all that came was. */
static bool is_awaited(const struct sessions *ss, const struct session *s)
{
    return s->state == SESSION_OPEN && s->conn && !s->closing && !s->stalled &&
           session_is_smtp(s) && s->tx && smtp_server_in_data(&s->smtp) && !session_unread(ss, s);
}

static bool is_slow(const struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;
    uint64_t passed = ss->time.now - tx->rate_us, came = tx->bytes - tx->rate_bytes;
    bool measured = passed >= SESSION_PRESSURE_WINDOW && passed < 2 * SESSION_PRESSURE_WINDOW;

    if (passed < SESSION_PRESSURE_WINDOW)
        return false;
    tx->rate_us = ss->time.now;
    tx->rate_bytes = tx->bytes;
    return measured && came * 1000000 < ss->settings.pressure_rate * passed;
}

static void look(struct sessions *ss, struct session *s,
                 void (*slow)(struct sessions *ss, struct session *s))
{
    if (is_awaited(ss, s)) {
        if (is_slow(ss, s))
            slow(ss, s);
    } else if (s->state == SESSION_OPEN && session_is_smtp(s) && s->tx) {
        s->tx->rate_us = ss->time.now;
        s->tx->rate_bytes = s->tx->bytes;
    }
}

void session_pressure_run(struct sessions *ss, void (*slow)(struct sessions *ss, struct session *s))
{
    if (ss->settings.pressure_rate == 0 || ss->count == 0 || ss->sweep_tick == ss->tick ||
        !session_pressure(ss))
        return;
    for (uint32_t i = 0; i < SESSION_PRESSURE_SWEEP && i < ss->options.connections; i++) {
        look(ss, &ss->table[ss->sweep], slow);
        ss->sweep = (ss->sweep + 1) % ss->options.connections;
    }
    /* A round of the table takes a share of the window at most. */
    if (ss->sweep < SESSION_PRESSURE_SWEEP)
        ss->sweep_tick = ss->tick;
}

void session_pressure_tell(struct sessions *ss)
{
    uint64_t turned_away = tcp_counters(ss->options.tcp)->drop_connections;

    if (turned_away == ss->turned_away ||
        (ss->turned_away && ss->time.now - ss->told_full < SESSION_PRESSURE_TOLD))
        return;
    ss->turned_away = turned_away;
    ss->told_full = ss->time.now;
    session_log(ss, LOG_MESSAGE_connections_full, &(struct ip_address){{0}});
}
