/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_JSON_H
#define CONTROL_API_API_JSON_H

#include <jansson.h>

#include "control/directory/directory_admin.h"

/* A row of the directory as the API shows it: what a PUT of it takes, its name, and of a password
 * how it is kept, never what. A new reference; NULL: no memory. */
json_t *api_json_row(struct span key, const struct directory_admin_row *row);
/* Reads a value of the store into a row of its kind. False: it cannot be read. */
bool api_json_read(struct span value, struct directory_admin_row *row);

#endif
