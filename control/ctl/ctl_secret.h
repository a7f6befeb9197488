/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_SECRET_H
#define CONTROL_CTL_CTL_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CTL_SECRET_MAX = 512 };

/* A password from standard input, its first line without the line end; from a terminal it is asked
 * for twice, and not shown. NUL-terminated. False, with the reason told. */
bool ctl_secret_read(char secret_out[CTL_SECRET_MAX + 1], FILE *errors);

#endif
