/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CAPTURE_CAPTURE_FILES_H
#define CONTROL_CAPTURE_CAPTURE_FILES_H

#include "control/capture/capture_reader.h"

/*
 * Several files as one: in the order given, or (`by_time`) by the time of their frames, which needs
 * all of them open at once: at most CAPTURE_FILES_MERGED. A file that is broken tells once and the
 * others go on.
 */
struct capture_files;
enum { CAPTURE_FILES_MERGED = 64 };

/* NULL: no memory, or too many to merge. The paths are borrowed. */
struct capture_files *capture_files_new(char *const *paths, uint32_t count, bool by_time);
void capture_files_free(struct capture_files *files);
/* CAPTURE_BROKEN: a file could not be opened or read on; the next call goes on with the others. */
enum capture_status capture_files_next(struct capture_files *files,
                                       struct capture_frame *frame_out);
/* After CAPTURE_BROKEN: "FILE: what, at offset N". */
const char *capture_files_error(const struct capture_files *files);

#endif
