/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_COLLATE_H
#define CONTROL_MAIL_MAIL_COLLATE_H

#include "proto/base/writer.h"

/*
 * Writes what i;unicode-casemap compares of UTF-8 (RFC 5051 section 2: each character in its title
 * case, then decomposed): two texts are in the order of these octets. What is no UTF-8 stays as it
 * is. At most MAIL_COLLATE_GROWTH times as long; bounded by the writer.
 */
enum { MAIL_COLLATE_GROWTH = 12 };
void mail_collate(struct span text, struct writer *out);

#endif
