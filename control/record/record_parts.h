/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_RECORD_PARTS_H
#define CONTROL_RECORD_RECORD_PARTS_H

#include "control/record/record_privacy.h"

/*
 * The parts of a message from its encoded tree (proto/mime/mime_tree.h), in order: an array of
 * objects, at most RECORD_PARTS of them. An empty array where the tree is empty or not readable. A
 * new reference, NULL: no memory.
 */
enum { RECORD_PARTS = 1000 };
json_t *record_parts(struct span tree, const struct record_privacy *privacy);

#endif
