/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/cli/cli_dns.h"
#include "control/cli/cli_load.h"
#include "control/cli/cli_spf.h"

/* Who really sent it: commands that ask DNS, the network or a zone file. */

enum { LIMIT_MS_DEFAULT = 20000 }; /* RFC 7208 section 4.6.4: at least 20 seconds */

/* A number from `least` to `most`, all of the text. */
static bool read_number(const char *text, double least, double most, double *number_out)
{
    char *end;

    *number_out = strtod(text, &end);
    return end != text && *end == 0 && *number_out >= least && *number_out <= most;
}

/* Opens DNS and checks; the status. */
static int run_spf(const struct cli_options *o, const struct cli_spf *told,
                   const struct config_dns *config)
{
    struct cli_dns dns;
    int status;

    if (!cli_dns_open(&dns, o, config, "spf"))
        return CLI_USAGE;
    status = cli_spf(told, &dns.source);
    if (told->batch)
        cli_dns_counts(&dns);
    cli_dns_close(&dns);
    return status;
}

int cli_auth_spf(const struct cli_options *o, const struct cli_actions *actions,
                 const char *program)
{
    struct cli_spf told = {.ip = o->ip,
                           .helo = o->helo,
                           .mail_from = o->mail_from,
                           .receiver = o->receiver,
                           .json = o->json,
                           .batch = o->batch,
                           .headers = o->headers};
    double seconds = LIMIT_MS_DEFAULT / 1e3, voids = SPF_VOIDS_DEFAULT;
    struct config *config = NULL;
    int status = CLI_OK;

    if ((o->timeout && !read_number(o->timeout, 0.01, 3600, &seconds)) ||
        (o->voids && !read_number(o->voids, 0, SPF_LOOKUPS_MAX, &voids))) {
        fprintf(stderr, "wirepost spf: not a number, or out of its bounds\n");
        return CLI_USAGE;
    }
    told.limit_ns = (uint64_t)(seconds * 1e9);
    told.voids = (uint32_t)voids;
    if (o->config && !(config = cli_load(o->config, NULL, &status)))
        return status;
    if (config && !told.receiver)
        told.receiver = config->hostname;
    status = run_spf(o, &told, config ? &config->dns : NULL);
    config_free(config);
    return status;
}
