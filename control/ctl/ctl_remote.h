/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_REMOTE_H
#define CONTROL_CTL_CTL_REMOTE_H

#include <stdio.h>

#include "control/transfer/export_run.h"

/*
 * A running engine as the far end of an import or an export, over its control socket. Files are
 * read and written by this process with its own rights; what travels is messages, in pieces.
 */
struct ctl_remote;

/* NULL, with the reason in `why`: nobody listens, or no such account. */
struct ctl_remote *ctl_remote_open(const char *socket, const char *account, struct writer *why);
void ctl_remote_close(struct ctl_remote *remote);
/* Begins an import. False, with the reason. */
bool ctl_remote_import(struct ctl_remote *remote, struct import_sink *sink_out, struct writer *why);
/* Fills list, fetch and context of the run; the list is the remote's. False, with the reason. */
bool ctl_remote_export(struct ctl_remote *remote, struct export_run *run, struct writer *why);

#endif
