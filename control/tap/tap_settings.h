/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_SETTINGS_H
#define CONTROL_TAP_TAP_SETTINGS_H

#include "control/config/config.h"
#include "dataplane/handoff/tap_source.h"

/* What a tap is asked for, by the words behind `wirepost tap --pcap` or by a configuration: the
 * same for both. Borrowed. */
struct tap_settings {
    const char *policy, *extract; /* extract NULL: nothing is written */
    const char *keylog;           /* NULL: no TLS is opened */
    bool commands, secrets, ignore_checksums;
    uint32_t flows, messages; /* of a worker, at a time */
    uint64_t held;
    uint32_t idle_ms;
    uint16_t node;
};

enum { TAP_SETTINGS_FLOWS = 65536, TAP_SETTINGS_MESSAGES = 256 };

bool tap_settings_policy(const char *name);
void tap_settings_of(const struct config *config, struct tap_settings *out);
/* The part of a source that they decide, its keys included. False: no randomness. */
bool tap_settings_source(const struct tap_settings *settings, struct tap_source *source);

#endif
