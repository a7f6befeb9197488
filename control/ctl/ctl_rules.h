/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_RULES_H
#define CONTROL_CTL_CTL_RULES_H

#include "control/ctl/ctl_server.h"

/* What `wirepost ctl rules` tells: each rule with what it did and what it costs. */
struct policy;

/* Borrows the policy. */
struct ctl_subject ctl_rules_subject(struct policy *policy);

#endif
