/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_RETIRED_CHAINS_H
#define CONTROL_SERVICE_RETIRED_CHAINS_H

#include "control/directory/directory_chain.h"

enum { RETIRED_CHAINS = 8 };

/* Chains that a reload has replaced and that questions may still hold. Zeros: none. For one thread
 * at a time. */
struct retired_chains {
    struct directory_chain *chain[RETIRED_CHAINS];
};

/* Takes the chain. Waits while there are too many: questions end by their deadlines. */
void retired_chains_add(struct retired_chains *retired, struct directory_chain *chain);
/* Frees those that nobody holds any more; whether that was all. */
bool retired_chains_free(struct retired_chains *retired);

#endif
