/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_BASE64_RUN_H
#define PROTO_MIME_MIME_BASE64_RUN_H

#include "proto/base/writer.h"

/*
 * The hot loop of base64 bodies: runs of whole groups of four characters of the alphabet (RFC 2045
 * section 6.8), with line ends and blanks between groups. 32 characters a step where the processor
 * has AVX2, chosen by CPUID.
 */

/* Above the 64 values: what a byte outside the alphabet is. */
enum { MIME_BASE64_BLANK = 0x40, MIME_BASE64_PAD = 0x41, MIME_BASE64_OTHER = 0x42 };
extern const uint8_t mime_base64_value[256];

/*
 * Decodes from *in, which advances, into `out`, from the begin of a group. Stops before the first
 * group that is cut short by the input's end or has a byte outside the alphabet in it, or when
 * fewer than four bytes of room are left; blanks before that are passed over. Where it stops for
 * want of room depends on the processor, the bytes written up to there do not. Reads nothing
 * outside the span, writes nothing beyond the room. Bound: one pass.
 */
void mime_base64_run(struct span *in, struct writer *out);

/* The same without the instruction set that is chosen at run time; for tests and for machines
 * without. */
void mime_base64_run_baseline(struct span *in, struct writer *out);

#endif
