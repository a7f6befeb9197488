/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_SPF_H
#define CONTROL_CLI_CLI_SPF_H

#include <stdbool.h>

#include "control/dns/dns_source.h"
#include "proto/spf/spf_check.h"

/* What `wirepost spf` was told. Texts are NULL where nothing was said. */
struct cli_spf {
    const char *ip, *helo, *mail_from;
    const char *receiver;
    uint64_t limit_ns;
    uint32_t voids;
    bool json, batch;
    bool headers; /* print the fields that a message would get */
};

/*
 * Checks, and prints the result with its steps; with `batch` each line of standard input. The exit
 * status: 0 for pass, from CLI_SPF_FAIL on for the others; of a batch 0 when each line was one.
 */
enum {
    CLI_SPF_FAIL = 3,
    CLI_SPF_SOFTFAIL,
    CLI_SPF_NEUTRAL,
    CLI_SPF_NONE,
    CLI_SPF_TEMPERROR,
    CLI_SPF_PERMERROR
};
int cli_spf(const struct cli_spf *told, const struct dns_source *source);

#endif
