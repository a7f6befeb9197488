/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/control_cpus.h"

#include <errno.h>
#include <sched.h>

#include "control/config/config.h"
#include "control/log/log.h"

void control_cpus_set(const char *list)
{
    cpu_set_t cpus;

    _Static_assert(sizeof(cpus) == 128, "config_cpus() has the layout of cpu_set_t");
    if (list[0] && config_cpus(list, (uint64_t *)&cpus) &&
        sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
        LOG(WARNING, "engine.control_cpus: %s", strerror(errno));
}
