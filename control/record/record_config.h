/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_CONFIG_H
#define CONTROL_RECORD_RECORD_CONFIG_H

#include "control/config/config.h"
#include "control/record/record_writer.h"

/* What the configuration says of records, in the writer's units. */
struct record_writer_options record_config_options(const struct config *config);

#endif
