/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/judgement.h"

#include <stdlib.h>

#include "control/config/config_settings.h"
#include "control/rulefile/rule_loader.h"
#include "control/service/policy.h"

enum { STREAMS = 64, JOBS = 16 }; /* streams of a message */

struct judgement {
    struct judgement_options options;
    struct rule_loader *loader;
    struct handoff *handoff;
    struct directory *directory;
    struct settings *settings; /* published */
    uint64_t version;          /* the last that was tried */
    uint64_t ids;              /* given to accounts and tenants */
};

static uint64_t next_id(void *context, struct span name)
{
    return ++((struct judgement *)context)->ids;
}

static bool load(struct judgement *j, const struct config *config, struct writer *why,
                 struct rule_generation **rules_out)
{
    struct rule_loader_options options;
    uint32_t messages = j->options.messages;

    policy_rule_options(config, &options);
    if (!j->options.cache)
        options.cache = "";
    options.workers = j->options.workers;
    options.streams = messages > STREAMS ? messages : STREAMS;
    return rule_loader_load(j->loader, &options, why, rules_out);
}

static void publish(struct judgement *j, struct settings *settings)
{
    struct settings *old = settings_publish(j->handoff, settings);

    if (old)
        rule_loader_retire(j->loader, old->rules);
    free(old);
    j->settings = settings;
}

bool judgement_apply(struct judgement *j, const struct config *config, struct writer *why)
{
    struct rule_generation *rules = NULL;
    struct settings *settings;

    if (!load(j, config, why, &rules))
        return false;
    settings = config_settings(&(struct config_settings_source){
        .config = config,
        .version = ++j->version,
        .directory = j->directory,
        .rules = rules,
        .account_id = next_id,
        .tenant_id = next_id,
        .context = j,
    });
    if (!settings) {
        rule_loader_retire(j->loader, rules);
        writer_text(why, "out of memory\n");
        return false;
    }
    publish(j, settings);
    directory_sweep(j->directory, settings->version);
    return true;
}

struct judgement *judgement_new(const struct config *config,
                                const struct judgement_options *options, struct writer *why)
{
    struct judgement *j = calloc(1, sizeof(*j));

    if (!j)
        return NULL;
    j->options = *options;
    j->loader = rule_loader_new();
    j->handoff =
        handoff_new(&(struct handoff_options){.workers = options->workers,
                                              .jobs = JOBS,
                                              .records = options->messages + JUDGEMENT_RECORDS});
    j->directory = directory_new((uint32_t)config->engine.directory);
    if (j->loader && j->handoff && j->directory && judgement_apply(j, config, why))
        return j;
    judgement_free(j);
    return NULL;
}

void judgement_free(struct judgement *j)
{
    if (!j)
        return;
    if (j->settings)
        publish(j, NULL);
    rule_loader_free(j->loader);
    directory_free(j->directory);
    handoff_free(j->handoff);
    free(j);
}

struct handoff *judgement_handoff(const struct judgement *j)
{
    return j->handoff;
}

uint64_t judgement_version(const struct judgement *j)
{
    return j->settings->version;
}

void judgement_sweep(struct judgement *j)
{
    rule_loader_sweep(j->loader);
}
