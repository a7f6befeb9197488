/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_RECORD_JSON_LINE_H
#define CONTROL_RECORD_JSON_LINE_H

#include <jansson.h>

#include "proto/base/span.h"

/*
 * A line of JSON (RFC 8259), written from left to right into memory that grows and is used again
 * for the next line. Each message leaves one: as objects of a JSON library it costs several hundred
 * allocations. Everything else that speaks JSON uses the library.
 *
 * A key is a text of ours that needs no escapes; NULL for the items of an array and for the whole.
 */
struct json_line {
    char *data;
    size_t len, cap;
    bool more; /* the next value needs a comma */
    bool lost; /* no memory: the line is not to be used */
};

/* Empties it; the memory stays. A line of zeros is empty too. */
void json_line_reset(struct json_line *j);
void json_line_fini(struct json_line *j);

/* `bracket`: '{' or '[', and what closes it. */
void json_line_open(struct json_line *j, const char *key, char bracket);
void json_line_close(struct json_line *j, char bracket);
/* Bytes of a peer, made safe by peer_text(), escaped. */
void json_line_peer(struct json_line *j, const char *key, struct span bytes);
/* A text of ours. */
void json_line_text(struct json_line *j, const char *key, const char *text);
void json_line_number(struct json_line *j, const char *key, uint64_t n);
/* Thousandths as a decimal fraction. */
void json_line_thousandths(struct json_line *j, const char *key, int64_t n);
void json_line_bool(struct json_line *j, const char *key, bool value);
void json_line_null(struct json_line *j, const char *key);
/* Ends the line with its LF. */
void json_line_end(struct json_line *j);

/* The line as a value of the library. A new reference, NULL: no memory. */
json_t *json_line_load(const struct json_line *j);

#endif
