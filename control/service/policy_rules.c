/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/rulefile/rule_loader.h"
#include "control/service/policy.h"

/* The part of a policy that needs no engine: `wirepost check` asks for it too. */

void policy_rule_options(const struct config *config, struct rule_loader_options *options_out)
{
    *options_out =
        (struct rule_loader_options){.files = (const char *const *)config->rules.files,
                                     .file_count = config->rules.files_count,
                                     .tenants = {config->tenants, config->tenants_count},
                                     .domains = {config->domain_keys, config->domains_count},
                                     .cache = config->rules.cache,
                                     .scan_ns = (uint64_t)config->rules.scan_time,
                                     .workers = (uint32_t)config->engine.workers,
                                     .streams = (uint32_t)config->rules.streams};
}

bool policy_check_rules(const struct config *config, struct writer *why)
{
    struct rule_loader_options options;

    policy_rule_options(config, &options);
    return rule_loader_check(&options, why);
}
