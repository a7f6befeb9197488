/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_RESTORE_H
#define CONTROL_CLI_CLI_RESTORE_H

/* Makes the store at `path` from a backup in `folder`; `id`: its number as text, NULL for the
 * newest. The exit status. */
int cli_restore(const char *path, const char *folder, const char *id);

#endif
