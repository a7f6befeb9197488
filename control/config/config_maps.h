/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_CONFIG_MAPS_H
#define CONTROL_CONFIG_CONFIG_MAPS_H

#include "control/config/config.h"
#include "proto/address/address_map.h"

/* The maps of submitted mail, from the configuration to what workers read. */

/* Octets that config_maps_put() needs, a multiple of 8; 0: there are no maps. */
size_t config_maps_size(const struct config *config);
/* Builds them in that memory, aligned to 8. */
const struct address_maps *config_maps_put(const struct config *config, void *memory);

#endif
