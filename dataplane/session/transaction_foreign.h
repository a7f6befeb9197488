/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_TRANSACTION_FOREIGN_H
#define DATAPLANE_SESSION_TRANSACTION_FOREIGN_H

#include "proto/mime/mime_reader.h"

/*
 * Fields that are ours to write, in a message that somebody else sends: Return-Path, which final
 * delivery puts in front (RFC 5321 section 4.4), Authentication-Results of our name (RFC 8601
 * section 5), X-Wirepost-*, and what rules in force add. Nobody
 * must be able to forge them, and a body is stored once, as it came: so they are renamed in place,
 * to a name as long that begins with "X-", or "Y-" where it did already, so that sizes and offsets
 * stay.
 *
 * Of a row that was already handed over nothing can be renamed: a field that begins in one and is
 * whole only behind it is left and counted (fields_not_hidden).
 */
struct sessions;
struct transaction;

/* A field of the message's own header. What was read of it is kept already. */
void transaction_foreign_field(struct sessions *ss, struct transaction *tx,
                               const struct mime_event *event);

#endif
