/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_PRINT_H
#define CONTROL_CTL_CTL_PRINT_H

#include <jansson.h>

/*
 * JSON for people: an object as aligned lines, objects in it indented, an array of objects as a table with a column for
 * each key of the first. Texts may come from anywhere: control characters are replaced.
 */
void ctl_print(FILE *out, const json_t *value);

#endif
