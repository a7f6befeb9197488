/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_CONTROL_CPUS_H
#define CONTROL_SERVICE_CONTROL_CPUS_H

/* Threads that the caller makes from here on run on these CPUs (config_cpus()); an empty list
 * changes nothing. What the system does not allow is logged. */
void control_cpus_set(const char *list);

#endif
