/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/json_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/peer_text.h"

enum { FIRST_CAP = 4096, NUMBER_TEXT = 32 };

void json_line_reset(struct json_line *j)
{
    j->len = 0;
    j->more = j->lost = false;
}

void json_line_fini(struct json_line *j)
{
    free(j->data);
    memset(j, 0, sizeof(*j));
}

/* Room for `n` bytes more, or the line is lost. */
static bool room(struct json_line *j, size_t n)
{
    size_t cap = j->cap ? j->cap : FIRST_CAP;
    char *data;

    if (j->lost || n <= j->cap - j->len)
        return !j->lost;
    while (cap - j->len < n)
        cap *= 2;
    data = realloc(j->data, cap);
    if (!data) {
        j->lost = true;
        return false;
    }
    j->data = data;
    j->cap = cap;
    return true;
}

static void put(struct json_line *j, const void *bytes, size_t n)
{
    if (!room(j, n))
        return;
    memcpy(j->data + j->len, bytes, n);
    j->len += n;
}

static void put_byte(struct json_line *j, char byte)
{
    put(j, &byte, 1);
}

/* The comma and the key, in front of a value. */
static void begin(struct json_line *j, const char *key)
{
    if (j->more)
        put_byte(j, ',');
    j->more = true;
    if (!key)
        return;
    put_byte(j, '"');
    put(j, key, strlen(key));
    put(j, "\":", 2);
}

void json_line_open(struct json_line *j, const char *key, char bracket)
{
    begin(j, key);
    put_byte(j, bracket);
    j->more = false;
}

void json_line_close(struct json_line *j, char bracket)
{
    put_byte(j, bracket);
    j->more = true;
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Control characters and bytes beyond ASCII: never more bytes than they are. */
static void put_doubtful(struct json_line *j, struct span bytes)
{
    struct writer w;

    if (!room(j, bytes.len))
        return;
    w = writer_of(j->data + j->len, bytes.len);
    peer_text(&w, bytes, bytes.len, PEER_TEXT_UTF8);
    j->len += w.len;
}

void json_line_peer(struct json_line *j, const char *key, struct span bytes)
{
    begin(j, key);
    put_byte(j, '"');
    for (size_t i = 0, n; i < bytes.len; i += n) {
        const uint8_t *at = bytes.data + i;

        for (n = 0; i + n < bytes.len && is_plain(at[n]);)
            n++;
        put(j, at, n);
        if (n > 0)
            continue;
        if (*at == '"' || *at == '\\') {
            put_byte(j, '\\');
            put_byte(j, (char)*at);
            n = 1;
            continue;
        }
        while (i + n < bytes.len && (at[n] < 0x20 || at[n] >= 0x7f))
            n++;
        put_doubtful(j, span_of(at, n));
    }
    put_byte(j, '"');
}

void json_line_text(struct json_line *j, const char *key, const char *text)
{
    json_line_peer(j, key, span_text(text));
}

void json_line_number(struct json_line *j, const char *key, uint64_t n)
{
    char text[NUMBER_TEXT];

    begin(j, key);
    put(j, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, n));
}

void json_line_thousandths(struct json_line *j, const char *key, int64_t n)
{
    char text[NUMBER_TEXT];
    uint64_t size = n < 0 ? -(uint64_t)n : (uint64_t)n;

    begin(j, key);
    put(j, text,
        (size_t)snprintf(text, sizeof(text), "%s%" PRIu64 ".%03u", n < 0 ? "-" : "", size / 1000,
                         (unsigned)(size % 1000)));
}

void json_line_bool(struct json_line *j, const char *key, bool value)
{
    begin(j, key);
    put(j, value ? "true" : "false", value ? 4 : 5);
}

void json_line_null(struct json_line *j, const char *key)
{
    begin(j, key);
    put(j, "null", 4);
}

void json_line_end(struct json_line *j)
{
    put_byte(j, '\n');
}

json_t *json_line_load(const struct json_line *j)
{
    return j->lost ? NULL : json_loadb(j->data, j->len, JSON_DECODE_ANY, NULL);
}
