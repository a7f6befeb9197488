/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_settings.h"

#include <sys/random.h>

/* In the order of the words of tap.policy. */
static const char *const policies[] = {"linux", "first", "last", "bsd", "windows"};

bool tap_settings_policy(const char *name)
{
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
        if (strcmp(policies[i], name) == 0)
            return true;
    return false;
}

void tap_settings_of(const struct config *config, struct tap_settings *out)
{
    const struct config_tap *t = &config->tap;

    *out = (struct tap_settings){
        .policy = policies[t->policy],
        .extract = t->extract[0] ? t->extract : NULL,
        .keylog = t->keylog[0] ? t->keylog : NULL,
        .commands = t->commands,
        .secrets = t->secrets,
        .ignore_checksums = t->ignore_checksums,
        .flows = (uint32_t)t->flows,
        .messages = (uint32_t)t->messages,
        .held = (uint64_t)t->memory,
        .idle_ms = (uint32_t)(t->idle / 1000),
        .node = (uint16_t)config->engine.node,
    };
}

bool tap_settings_source(const struct tap_settings *s, struct tap_source *source)
{
    source->policy = s->policy;
    source->ignore_checksums = s->ignore_checksums;
    source->flows = s->flows;
    source->messages = s->messages;
    source->held = s->held;
    source->idle_ms = s->idle_ms;
    source->node = s->node;
    return getrandom(source->secret, sizeof(source->secret), 0) == sizeof(source->secret);
}
