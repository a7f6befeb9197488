/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_HIDDEN_H
#define DATAPLANE_HANDOFF_HIDDEN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Memory for mail and secrets: core files leave it out. Taken at the start, whole pages, zeroed and
 * touched on first use only.
 */

/* NULL: no memory. */
void *hidden_new(size_t size);
/*
 * All pages of memory that hidden_new() gave and nobody has written to yet are taken from the
 * system now. First use costs a fault each, many times what is then done with the page. False:
 * there is not so much.
 */
bool hidden_prefault(void *memory, size_t size);
/* `size` as it was asked for; NULL is nothing to free. */
void hidden_free(void *memory, size_t size);
/* Memory of somebody else's is left out of core files from now on, with all of the pages that it
 * touches. */
void hidden_mark(const void *memory, size_t size);

/* The same for every mapping of this process whose name begins so: "socket:" for rings shared with
 * the kernel. At the start. */
void hidden_mark_named(const char *prefix);
/* The same for the calling thread's stack, for threads that work on mail: no local variable of
 * theirs is in a core file, only registers. */
void hidden_mark_stack(void);
/*
 * The same in pieces of any size, for libraries that take many: aligned to 64. They lie in blocks,
 * and a block goes when its last piece has. Control threads only.
 */
void *hidden_take(size_t size);
void hidden_give(void *piece);

#endif
