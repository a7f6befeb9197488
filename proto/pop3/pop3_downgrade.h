/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_DOWNGRADE_H
#define PROTO_POP3_POP3_DOWNGRADE_H

#include "proto/base/writer.h"

/*
 * One header field of an internationalized message for a client that knows ASCII headers alone
 * (RFC 6858 section 3): addresses with bytes above 127 become one that nobody has, its display name
 * telling what stood there; display names and Subject become encoded words (RFC 2047) of UTF-8;
 * parameters of Content-Type and Content-Disposition with such bytes are left out, and so is every
 * other field that has them.
 *
 * `field`: name to line end, folds in it, with at least one byte above 127. Writes the field with
 * its CRLF, in ASCII, lines folded. False when it is left out, also for want of room in `out` or
 * `scratch` (as large as the field); `out` is then as it was. One pass.
 */
bool pop3_downgrade_field(struct span field, struct writer *out, struct writer *scratch);

#endif
