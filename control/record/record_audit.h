/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_AUDIT_H
#define CONTROL_RECORD_RECORD_AUDIT_H

#include <jansson.h>

#include "control/store/store_audit.h"

/* A row of the audit log as an object, and as a record with kind, version and id around it. New
 * references, NULL: no memory. docs/quarantine.md describes both. */
json_t *record_audit_row(const struct store_audit *row);
json_t *record_audit(const struct store_audit *row);

#endif
