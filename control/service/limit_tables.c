/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/limit_tables.h"

#include <string.h>

#include "control/base/clock.h"
#include "dataplane/handoff/gauge_table.h"
#include "dataplane/handoff/window_table.h"

/* Each session counts for its address, its network and its account. */
enum { GAUGES_A_SESSION = 3 };

/* Sessions that are there end. Where the ring is full, workers have a look to take all the same. */
static void tell_workers(void *handoff)
{
    notice_send(handoff, UINT16_MAX, &(struct notice){.kind = NOTICE_BAN});
}

/* Names what is kept, so it is the store's own. */
static struct login_guard *make_guard(struct store *store)
{
    uint8_t secret[STORE_SECRET];
    struct login_guard *guard;

    _Static_assert(STORE_SECRET >= 16, "it is as long as a guard's");
    store_secret(store, secret);
    guard = login_guard_new(secret);
    explicit_bzero(secret, sizeof(secret));
    return guard;
}

bool limit_tables_init(struct limit_tables *t, const struct limit_tables_options *options,
                       const uint8_t secret[16])
{
    t->gauges = gauge_table_new(GAUGES_A_SESSION * options->sessions);
    t->windows = window_table_new(options->counters, secret);
    t->banned = ban_table_new(BAN_LIST_MAX, secret);
    t->bans = t->windows && t->banned ? ban_list_new(t->banned, t->windows) : NULL;
    t->guard = make_guard(options->store);
    if (!t->gauges || !t->bans || !t->guard)
        return false;
    ban_list_watch(t->bans, tell_workers, options->handoff);
    t->defence = defence_store_new(options->store, t->bans, t->guard);
    return t->defence != NULL;
}

void limit_tables_fini(struct limit_tables *t)
{
    defence_store_free(t->defence);
    login_guard_free(t->guard);
    ban_list_free(t->bans);
    ban_table_free(t->banned);
    window_table_free(t->windows);
    gauge_table_free(t->gauges);
}

void limit_tables_set(struct limit_tables *t, const struct config *config)
{
    const struct config_limits *c = &config->limits;
    struct login_guard_limits logins = login_guard_configured(config);
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
    login_guard_limit(t->guard, &logins);
}

void limit_tables_counters(const struct limit_tables *t, const struct counter_sink *sink)
{
    struct window_stats windows = window_table_stats(t->windows);

    sink->put(sink->user, "limit_counters_evicted", windows.evicted);
    sink->put(sink->user, "limit_events_missed", windows.missed);
    ban_list_counters(t->bans, clock_monotonic_ms(), sink);
}
