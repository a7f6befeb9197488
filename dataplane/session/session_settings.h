/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_SETTINGS_H
#define DATAPLANE_SESSION_SESSION_SETTINGS_H

#include "dataplane/session/session.h"

/*
 * Takes over what control has published: options of the machines, one set for each kind of
 * connection, and the ports that are listened at. Machines borrow from our copy, so sessions
 * outlive what control frees.
 */
void session_settings_take(struct sessions *ss, const struct settings *published);
/* What an SMTP session is offered, by its listener and by whether it is under TLS now. */
const struct smtp_server_options *session_settings_smtp(const struct sessions *ss,
                                                        const struct session *s);

#endif
