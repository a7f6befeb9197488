/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_JSON_TLS_H
#define CONTROL_TAP_TAP_JSON_TLS_H

#include "control/record/json_line.h"
#include "dataplane/handoff/tap_source.h"

/* What an event says of a TLS handshake: names, versions, fingerprints, certificates. */
void tap_json_tls_put(struct json_line *line, const struct tap_event *event);

#endif
