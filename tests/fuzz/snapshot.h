/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_FUZZ_SNAPSHOT_H
#define TESTS_FUZZ_SNAPSHOT_H

/*
 * Tables that a fuzz target makes once and has as new for each input: what was allocated between
 * snapshot_begin() and snapshot_end() is put back by snapshot_restore(), byte for byte, at the same
 * addresses. For what allocates nothing afterwards that would have to be found again.
 *
 * Needs the linker's --wrap for malloc, calloc and aligned_alloc.
 */
struct snapshot;

void snapshot_begin(void);
struct snapshot *snapshot_end(void);
void snapshot_restore(const struct snapshot *snapshot);

#endif
