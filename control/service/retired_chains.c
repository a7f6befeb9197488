/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/retired_chains.h"

#include <unistd.h>

bool retired_chains_free(struct retired_chains *retired)
{
    bool all = true;

    for (int i = 0; i < RETIRED_CHAINS; i++) {
        if (directory_chain_free(retired->chain[i]))
            retired->chain[i] = NULL;
        else
            all = false;
    }
    return all;
}

void retired_chains_add(struct retired_chains *retired, struct directory_chain *chain)
{
    int i = 0;

    while (retired->chain[i] && ++i == RETIRED_CHAINS) {
        retired_chains_free(retired);
        usleep(1000);
        i = 0;
    }
    retired->chain[i] = chain;
    retired_chains_free(retired);
}
