/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_DNS_H
#define CONTROL_CLI_CLI_DNS_H

#include "control/cli/cli_command.h"
#include "control/dns/dns_resolver.h"
#include "control/dns/dns_zone.h"

/* Whom commands ask: the network, or a zone file. */
struct cli_dns {
    struct dns_zone *zone;
    struct dns_resolver *resolver;
    struct dns_source source;
};

/* As the options say, and a configuration, which may be NULL; the options count more. False, and
 * told on standard error, when it cannot be. */
bool cli_dns_open(struct cli_dns *d, const struct cli_options *o, const struct config_dns *config,
                  const char *command);
void cli_dns_close(struct cli_dns *d);
/* How many questions ended how, on standard error: what a batch has to do with servers that fail
 * shows there. */
void cli_dns_counts(const struct cli_dns *d);

#endif
