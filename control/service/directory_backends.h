/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_DIRECTORY_BACKENDS_H
#define CONTROL_SERVICE_DIRECTORY_BACKENDS_H

#include "control/config/config.h"
#include "control/directory/directory_chain.h"
#include "control/store/store.h"

/* The back ends of directory.backends, in their order, `first` (which is taken) in front. NULL,
 * with lines in `why`: one of them could not be begun. */
struct directory_chain *directory_backends_make(const struct config *config, struct store *store,
                                                struct directory_backend *first,
                                                struct writer *why);

#endif
