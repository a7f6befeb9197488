/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_CONFIG_SPF_H
#define CONTROL_CONFIG_CONFIG_SPF_H

#include <stdbool.h>
#include <stdint.h>

/* `spf`: what is asked about senders, and what it does. Part of struct config. */

/* In the order of the options' choices. */
enum config_spf_does { CONFIG_SPF_ACCEPT, CONFIG_SPF_REFUSE, CONFIG_SPF_DEFER = CONFIG_SPF_REFUSE };

struct config_spf {
    bool check, helo;
    int fail, permerror, temperror; /* enum config_spf_does */
    int64_t timeout, checks;
};

#endif
