/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_PARTS_H
#define CONTROL_RECORD_RECORD_PARTS_H

#include "control/record/record_privacy.h"

/*
 * The parts of a message from its encoded tree (proto/mime/mime_tree.h), in order: an array of
 * objects, at most RECORD_PARTS of them. An empty array where the tree is empty or not readable.
 */
enum { RECORD_PARTS = 1000 };
/* `digests` as in a record: the parts that have one tell it. */
void record_parts_put(struct json_line *j, const char *key, struct span tree, struct span digests,
                      const struct record_privacy *privacy);
/* The part's SHA-256 among them; empty: it has none. */
struct span record_parts_digest(struct span digests, uint32_t part);
/* The same as a value of the library. A new reference, NULL: no memory. */
json_t *record_parts(struct span tree, const struct record_privacy *privacy);

#endif
