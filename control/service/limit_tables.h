/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_LIMIT_TABLES_H
#define CONTROL_SERVICE_LIMIT_TABLES_H

#include "control/config/config.h"
#include "control/service/ban_list.h"
#include "control/service/defence_store.h"
#include "dataplane/handoff/handoff.h"

/* What limits are counted with, and who is banned: for as long as workers run, whatever the
 * configuration. */
struct limit_tables {
    struct gauge_table *gauges;
    struct window_table *windows;
    struct ban_table *banned; /* as workers see it */
    struct ban_list *bans;
    struct login_guard *guard; /* of all ways to log in */
    struct defence_store *defence;
};

struct limit_tables_options {
    uint32_t sessions, counters; /* room for so many, of the latter of windowed ones */
    struct store *store;         /* what outlives the engine; borrowed, like the next */
    struct handoff *handoff;     /* workers are told of bans */
};

/* `secret` is random. False: no memory; limit_tables_fini() all the same. */
bool limit_tables_init(struct limit_tables *t, const struct limit_tables_options *options,
                       const uint8_t secret[16]);
void limit_tables_fini(struct limit_tables *t);
/* What a configuration says of bans and wrong passwords. Any thread. */
void limit_tables_set(struct limit_tables *t, const struct config *config);
/* By name; metrics_named.def says what. Any thread. */
void limit_tables_counters(const struct limit_tables *t, const struct counter_sink *sink);

#endif
