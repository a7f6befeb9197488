/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_MIME_TREE_H
#define CONTROL_CLI_CLI_MIME_TREE_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "proto/mime/mime_readings.h"

/*
 * The tree of a message as a JSON document, made of the reader's events. Depth is bounded by
 * MIME_DEPTH_MAX, parts and headers by the reader's limits.
 */
struct cli_mime_tree {
    json_t *parts;    /* one object a part, at its index */
    EVP_MD_CTX *hash; /* of the leaf under way: leaves do not nest */
    EVP_MD_CTX *text; /* of its text as UTF-8 */
    EVP_MD_CTX *file; /* of the file within it that is under way */
    uint8_t depth;
    struct {
        json_t *part; /* borrowed from `parts` */
        unsigned children;
    } open[MIME_DEPTH_MAX];
};

/* False when there is no memory. */
bool cli_mime_tree_init(struct cli_mime_tree *t);
/* As `from` stands now: another reading of the same message. False when there is no memory. */
bool cli_mime_tree_copy(struct cli_mime_tree *t, const struct cli_mime_tree *from);
void cli_mime_tree_feed(struct cli_mime_tree *t, const struct mime_event *event);
/*
 * Of finished parts: a multipart in which no delimiter stands has no parts (RFC 2046 section 5.1
 * wants one at least), so it is shown as one leaf: its body as it stands, read again from `in`.
 * False when that failed or there is no memory.
 */
bool cli_mime_tree_undivided(json_t *parts, FILE *in);
/* Gives the parts, of which the caller has one reference, and frees the rest. */
json_t *cli_mime_tree_finish(struct cli_mime_tree *t);

#endif
