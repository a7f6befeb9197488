/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_STORE_START_H
#define CONTROL_SERVICE_STORE_START_H

#include "control/config/config.h"
#include "control/store/store.h"

/* Opens the store that the configuration names, to be closed with store_close(). NULL: the log says
 * why. */
struct store *store_start(const struct config *config);

#endif
