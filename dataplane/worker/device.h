/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_WORKER_DEVICE_H
#define DATAPLANE_WORKER_DEVICE_H

#include "dataplane/port/eal.h"

/* A device as somebody chose it, and as DPDK's environment wants to hear it. */
enum { DEVICE_TEXT = 256 };

struct device {
    char argument[DEVICE_TEXT]; /* of --vdev or --allow */
    char name[DEVICE_TEXT];     /* of the ethdev */
};

/*
 * Either `pmd` (as port_vdev() has it) over a kernel interface, or `device` as DPDK names it; the
 * other is NULL. `number` tells those of one driver apart. False, with the reason in `why`.
 */
bool device_choose(struct device *device_out, const char *pmd, const char *interface,
                   const char *device, uint32_t number, struct writer *why);
/* That the interface is there, and that nobody's XDP program is on it. */
bool device_check(const char *pmd, const char *interface, struct writer *why);
/* Adds it to what the environment opens, as its `number`th. */
void device_open_with(const struct device *device, uint32_t number, struct eal_options *eal);

#endif
