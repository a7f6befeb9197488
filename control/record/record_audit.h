/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_AUDIT_H
#define CONTROL_RECORD_RECORD_AUDIT_H

#include <jansson.h>

#include "control/store/store_audit.h"

/* A row of the audit log as an object: a new reference; NULL: no memory. docs/quarantine.md. */
json_t *record_audit_row(const struct store_audit *row);
/* Writes the row as a record; a store_audit_visit whose context is the record writer. */
bool record_audit_tell(void *writer, const struct store_audit *row);

#endif
