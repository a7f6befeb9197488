/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_IMPORT_H
#define CONTROL_API_API_IMPORT_H

#include "control/api/api_call.h"

/*
 * Accounts as JSON lines (application/x-ndjson), as they come: some hundred are a batch, which is
 * durable before more is taken in. A line that cannot be taken is told by its number, and the rest
 * goes on. Memory: a struct api_lines, and what is told of refused ones, of which there are
 * API_IMPORT_REFUSED at most: with one more the import ends.
 */
enum { API_IMPORT_REFUSED = 10000 };

struct api_import;

/* Borrows the call. `size_max`: octets of all lines. NULL: no memory. */
struct api_import *api_import_new(const struct api_call *call, uint64_t size_max);
/* The next octets, as they are cut. Blocks while a batch is made durable. */
void api_import_feed(struct api_import *import, struct span bytes);
/* No more comes. 200 with a line for each that was refused and one with the sum, or a problem that
 * says how many accounts are there. */
void api_import_end(struct api_import *import, struct api_answer *answer);
/* `accounts` and `refused` so far. */
void api_import_counts(const struct api_import *import, uint64_t *accounts_out,
                       uint64_t *refused_out);
void api_import_free(struct api_import *import);

#endif
