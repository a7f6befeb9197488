/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TAP_TAP_FILES_H
#define CONTROL_TAP_TAP_FILES_H

#include "control/tap/tap_extract.h"

/*
 * What is extracted, as files of a folder named by their hash, "HASH.eml" and "HASH.part", written
 * aside and renamed when they are whole. No name of a mail's ever reaches the file system. What is
 * there already is left alone. One thread.
 */
struct tap_files;

/* `folder`: made when missing. For pieces numbered below `pieces`. NULL with errno. */
struct tap_files *tap_files_new(const char *folder, uint32_t pieces);
/* Pieces that are open are not kept. */
void tap_files_free(struct tap_files *files);
const struct tap_extract_sink *tap_files_sink(const struct tap_files *files);
/* How many could not be written. Any thread. */
uint64_t tap_files_failed(const struct tap_files *files);

#endif
