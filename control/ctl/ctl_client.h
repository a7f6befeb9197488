/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_CLIENT_H
#define CONTROL_CTL_CTL_CLIENT_H

#include <stdbool.h>
#include <stdio.h>

#include "proto/base/span.h"

/* One command to a running engine, its answer to people or, with `json`, as it came. */
struct ctl_client_options {
    const char *socket;
    int argc; /* the command's words and arguments */
    char **argv;
    bool json;
    FILE *out, *errors;
};

/* 0: done. 1: refused, or no engine listens. 2: no such command, or its arguments are wrong;
 * nothing was sent. */
int ctl_client_run(const struct ctl_client_options *options);
/* A connection to the socket, for reading through and sending on its descriptor. NULL with errno.
 */
FILE *ctl_client_connect(const char *path);
/* Sends a line and its end on such a connection's descriptor, whole. False with errno. */
bool ctl_client_send(FILE *stream, struct span line);
/* The commands with their arguments and what they do, from ctl_command.def. */
void ctl_client_help(FILE *out);

#endif
