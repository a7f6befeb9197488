/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/telemetry.h"

#include <pthread.h>

#include "dataplane/port/dpdk_compat.h"

/* Only DPDK's telemetry threads and whoever starts and stops the engine meet here; no worker does. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct engine *shown;
static void (*more)(void *user, const struct counter_sink *sink);
static void *more_user;
static bool registered;

static void put(void *user, const char *name, uint64_t value)
{
    compat_tel_add_uint(user, name, value);
}

static int counters(const char *command, const char *parameters, struct rte_tel_data *data)
{
    struct counter_sink sink = {.put = put, .user = data};

    (void)command, (void)parameters;
    rte_tel_data_start_dict(data);
    pthread_mutex_lock(&lock);
    if (shown) {
        engine_counters(shown, &sink);
        if (more)
            more(more_user, &sink);
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

bool telemetry_show(const struct engine *engine, const struct engine_options *options)
{
    pthread_mutex_lock(&lock);
    shown = engine;
    more = options->more_counters;
    more_user = options->more_user;
    registered = registered || rte_telemetry_register_cmd("/wirepost/counters", counters,
                                                          "Returns all counters, summed over workers") == 0;
    pthread_mutex_unlock(&lock);
    return registered;
}

void telemetry_hide(void)
{
    pthread_mutex_lock(&lock);
    shown = NULL;
    pthread_mutex_unlock(&lock);
}
