/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SASL_SASL_FIELD_H
#define PROTO_SASL_SASL_FIELD_H

#include "proto/base/span.h"

/* Fields of messages that commas divide (RFC 5801 section 4, RFC 5802 section 7). */

/* Takes what stands before the next comma, and the comma. False: there is none. */
bool sasl_field_take(struct span *text, struct span *field_out);
/* The value of "name=value" where the name is this letter. Borrows. */
bool sasl_field_value(struct span field, char name, struct span *value_out);

#endif
