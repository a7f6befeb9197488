/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_MIME_MIME_BASE64_RUN_H
#define PROTO_MIME_MIME_BASE64_RUN_H

#include "proto/base/writer.h"

/*
 * The hot loop of base64 bodies: runs of whole groups of four characters of the alphabet (RFC 2045
 * section 6.8), with line ends and blanks between groups. 32 characters a step where the processor
 * has AVX2, 64 where it has AVX-512 with VBMI2, chosen by CPUID.
 */
enum mime_base64_set { MIME_BASE64_PLAIN, MIME_BASE64_AVX2, MIME_BASE64_AVX512, MIME_BASE64_SETS };

/* Above the 64 values: what a byte outside the alphabet is. */
enum { MIME_BASE64_BLANK = 0x40, MIME_BASE64_PAD = 0x41, MIME_BASE64_OTHER = 0x42 };
extern const uint8_t mime_base64_value[256];

/*
 * Decodes from *in, which advances, into `out`, from the begin of a group. Stops before the first
 * group that is cut short by the input's end or has a byte outside the alphabet or a blank in it,
 * or for want of room; blanks before that are passed over, and with AVX-512 blanks within groups
 * too. How far it goes depends on the processor, what the bytes mean that it wrote does not. Reads
 * nothing outside the span, writes nothing beyond the room. Bound: one pass.
 */
void mime_base64_run(struct span *in, struct writer *out);

/* The same by one instruction set, for tests. False: the processor does not have it. */
bool mime_base64_run_by(enum mime_base64_set set, struct span *in, struct writer *out);

#endif
