/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_LDAP_LDAP_HOLD_H
#define CONTROL_LDAP_LDAP_HOLD_H

#include "control/directory/directory_backend.h"

/*
 * Holds answers back until a whole number of steps has passed since their question, so that how
 * long a server took for them shows only where it took a step more. Nobody waits in a thread of the
 * back end's meanwhile.
 */
struct ldap_hold;

/* NULL with errno. */
struct ldap_hold *ldap_hold_start(void);
/* Answers what is held, ends the thread. Takes NULL too. */
void ldap_hold_stop(struct ldap_hold *hold);
/* Answers the question at the end of the step of `step_ms` that it is in since `since_ms`
 * (monotonic). At once without memory. */
void ldap_hold_answer(struct ldap_hold *hold, struct directory_question *question,
                      enum directory_result result, uint64_t since_ms, uint32_t step_ms);

#endif
