/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_EXTRACT_H
#define CONTROL_TAP_TAP_EXTRACT_H

#include "dataplane/handoff/part_digests.h"
#include "dataplane/handoff/tap_source.h"

/*
 * SHA-256 of parts, and where a folder is given their bytes and those of messages in it: files
 * named by their hash, "HASH.eml" and "HASH.part", written aside and renamed when they are whole.
 * No name of a mail's ever reaches the file system. What is there already is left alone.
 */
struct tap_extract;

/* `folder`: made when missing; NULL: digests alone. For so many parts open at a time. NULL with
 * errno. */
struct tap_extract *tap_extract_new(const char *folder, uint32_t parts);
void tap_extract_free(struct tap_extract *extract);
const struct part_digests *tap_extract_digests(const struct tap_extract *extract);
/* As struct tap_source has them; only with a folder. */
void *tap_extract_message(void *extract);
void tap_extract_bytes(void *message, struct span bytes);
void tap_extract_message_end(void *extract, void *message, bool whole);
/* Files that could not be written. */
uint64_t tap_extract_failed(const struct tap_extract *extract);

#endif
