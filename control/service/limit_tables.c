/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/limit_tables.h"

#include "control/base/clock.h"
#include "dataplane/handoff/gauge_table.h"
#include "dataplane/handoff/window_table.h"

/* Each session counts for its address, its network and its account. */
enum { GAUGES_A_SESSION = 3 };

bool limit_tables_init(struct limit_tables *t, uint32_t sessions, uint32_t counters,
                       const uint8_t secret[16])
{
    t->gauges = gauge_table_new(GAUGES_A_SESSION * sessions);
    t->windows = window_table_new(counters, secret);
    t->banned = ban_table_new(BAN_LIST_MAX, secret);
    t->bans = t->windows && t->banned ? ban_list_new(t->banned, t->windows) : NULL;
    return t->gauges && t->bans;
}

void limit_tables_fini(struct limit_tables *t)
{
    ban_list_free(t->bans);
    ban_table_free(t->banned);
    window_table_free(t->windows);
    gauge_table_free(t->gauges);
}

void limit_tables_set(struct limit_tables *t, const struct config *config)
{
    const struct config_limits *c = &config->limits;
    struct ban_limits limits = {.failures = (uint32_t)c->ban.failures,
                                .window_ms = (uint32_t)(c->ban.window / 1000),
                                .time_ms = (uint64_t)c->ban.time / 1000,
                                .time_max_ms = (uint64_t)c->ban.time_max / 1000};

    for (uint32_t i = 0; i < c->networks_count; i++) {
        const struct config_network *from = &c->networks[i].network;
        struct limit_network *to = &limits.trusted[limits.network_count];

        if (!c->networks[i].trusted)
            continue;
        to->bits = (uint8_t)(from->prefix + (ip_address_is_v4(&from->address) ? 96 : 0));
        to->address = limits_masked(&from->address, to->bits);
        limits.network_count++;
    }
    ban_list_limit(t->bans, &limits);
}

void limit_tables_counters(const struct limit_tables *t, const struct counter_sink *sink)
{
    struct window_stats windows = window_table_stats(t->windows);

    sink->put(sink->user, "limit_counters_evicted", windows.evicted);
    sink->put(sink->user, "limit_events_missed", windows.missed);
    ban_list_counters(t->bans, clock_monotonic_ms(), sink);
}
