/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/judgement.h"

#include <stdlib.h>

#include "control/config/config_settings.h"
#include "control/rulefile/rule_loader.h"
#include "control/service/policy.h"

enum { STREAMS = 64, JOBS = 16, RECORDS = 4 }; /* streams of a message; records beside it */

struct judgement {
    struct rule_loader *loader;
    struct handoff *handoff;
    struct directory *directory;
    struct rule_generation *rules;
    bool published;
    uint64_t ids; /* given to accounts and tenants */
};

static uint64_t next_id(void *context, struct span name)
{
    return ++((struct judgement *)context)->ids;
}

static bool publish(struct judgement *j, const struct config *config)
{
    struct settings *settings = config_settings(&(struct config_settings_source){
        .config = config,
        .version = 1,
        .directory = j->directory,
        .rules = j->rules,
        .account_id = next_id,
        .tenant_id = next_id,
        .context = j,
    });

    if (settings)
        settings_publish(j->handoff, settings);
    return settings != NULL;
}

struct judgement *judgement_new(const struct config *config, uint32_t messages, struct writer *why)
{
    struct rule_loader_options options;
    struct judgement *j = calloc(1, sizeof(*j));

    if (!j)
        return NULL;
    policy_rule_options(config, &options);
    /* The engine's cache is the engine's. */
    options.cache = "";
    options.workers = 1;
    options.streams = messages > STREAMS ? messages : STREAMS;
    j->loader = rule_loader_new();
    j->handoff = handoff_new(
        &(struct handoff_options){.workers = 1, .jobs = JOBS, .records = messages + RECORDS});
    j->directory = directory_new((uint32_t)config->engine.directory);
    if (j->loader && j->handoff && j->directory &&
        rule_loader_load(j->loader, &options, why, &j->rules))
        j->published = publish(j, config);
    if (j->published)
        return j;
    judgement_free(j);
    return NULL;
}

void judgement_free(struct judgement *j)
{
    if (!j)
        return;
    if (j->published)
        free(settings_publish(j->handoff, NULL));
    rule_loader_free(j->loader);
    directory_free(j->directory);
    handoff_free(j->handoff);
    free(j);
}

struct handoff *judgement_handoff(const struct judgement *j)
{
    return j->handoff;
}
