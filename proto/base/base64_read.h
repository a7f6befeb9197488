/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_BASE_BASE64_READ_H
#define PROTO_BASE_BASE64_READ_H

#include "proto/base/writer.h"

/*
 * Decodes a short base64 text (RFC 4648 section 4), as SASL exchanges have it. False: a character
 * that is none, a wrong length, or it does not fit; what was written is then not to be used.
 * Padding may be left out.
 */
bool base64_read(struct span text, struct writer *w);

#endif
