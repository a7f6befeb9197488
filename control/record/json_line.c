/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/record/json_line.h"

#include <stdlib.h>

#include "proto/base/peer_text.h"

enum { FIRST_CAP = 4096, NUMBER_DIGITS = 20, THOUSAND_DIGITS = 3, WORD = sizeof(uint64_t) };

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

static bool grow(struct json_line *j, size_t n)
{
    size_t cap = j->cap ? j->cap : FIRST_CAP;
    char *data;

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

/* Room for `n` bytes more, or the line is lost. What follows writes without asking again. */
static inline bool room(struct json_line *j, size_t n)
{
    return !j->lost && (n <= j->cap - j->len || grow(j, n));
}

static inline void put(struct json_line *j, const void *bytes, size_t n)
{
    memcpy(j->data + j->len, bytes, n);
    j->len += n;
}

static inline void put_byte(struct json_line *j, char byte)
{
    j->data[j->len++] = byte;
}

/* The comma and the key, in front of a value of at most `n` bytes, for which there is room then. */
static bool begin(struct json_line *j, const char *key, size_t n)
{
    size_t len = key ? strlen(key) : 0;

    if (!room(j, len + 4 + n))
        return false;
    if (j->more)
        put_byte(j, ',');
    j->more = true;
    if (!key)
        return true;
    put_byte(j, '"');
    put(j, key, len);
    put_byte(j, '"');
    put_byte(j, ':');
    return true;
}

void json_line_open(struct json_line *j, const char *key, char bracket)
{
    if (begin(j, key, 1))
        put_byte(j, bracket);
    j->more = false;
}

void json_line_close(struct json_line *j, char bracket)
{
    if (room(j, 1))
        put_byte(j, bracket);
    j->more = true;
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Whether each byte of the word is plain. A borrow from a lower byte can only make more of them
 * doubtful, and only where one is. */
static bool are_plain(uint64_t word)
{
    const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';

    return ((word | (word + ones) | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) &
            high) == 0;
}

/* Takes over what is plain; returns how much that was. */
static size_t put_plain(struct json_line *j, struct span bytes)
{
    char *to = j->data + j->len;
    size_t n = 0;
    uint64_t word;

    for (; n + WORD <= bytes.len; n += WORD) {
        memcpy(&word, bytes.data + n, WORD);
        if (!are_plain(word))
            break;
        memcpy(to + n, &word, WORD);
    }
    for (; n < bytes.len && is_plain(bytes.data[n]); n++)
        to[n] = (char)bytes.data[n];
    j->len += n;
    return n;
}

/* Control characters and bytes beyond ASCII: never more bytes than they are. */
static size_t put_doubtful(struct json_line *j, struct span bytes)
{
    struct writer w;
    size_t n = 0;

    while (n < bytes.len && (bytes.data[n] < 0x20 || bytes.data[n] >= 0x7f))
        n++;
    w = writer_of(j->data + j->len, n);
    peer_text(&w, span_head(bytes, n), n, PEER_TEXT_UTF8);
    j->len += w.len;
    return n;
}

void json_line_peer(struct json_line *j, const char *key, struct span bytes)
{
    /* Each byte becomes two at most. */
    if (!begin(j, key, 2 * bytes.len + 2))
        return;
    put_byte(j, '"');
    for (;;) {
        bytes = span_skip(bytes, put_plain(j, bytes));
        if (bytes.len == 0)
            break;
        if (bytes.data[0] != '"' && bytes.data[0] != '\\') {
            bytes = span_skip(bytes, put_doubtful(j, bytes));
            continue;
        }
        put_byte(j, '\\');
        put_byte(j, (char)bytes.data[0]);
        bytes = span_skip(bytes, 1);
    }
    put_byte(j, '"');
}

void json_line_text(struct json_line *j, const char *key, const char *text)
{
    json_line_peer(j, key, span_text(text));
}

/* Decimal, into room that is there. */
static void put_number(struct json_line *j, uint64_t n)
{
    struct writer w = writer_of(j->data + j->len, NUMBER_DIGITS);

    writer_number(&w, n);
    j->len += w.len;
}

void json_line_number(struct json_line *j, const char *key, uint64_t n)
{
    if (begin(j, key, NUMBER_DIGITS))
        put_number(j, n);
}

void json_line_thousandths(struct json_line *j, const char *key, int64_t n)
{
    uint64_t size = n < 0 ? -(uint64_t)n : (uint64_t)n;
    struct writer w;

    if (!begin(j, key, 2 + NUMBER_DIGITS + THOUSAND_DIGITS))
        return;
    if (n < 0)
        put_byte(j, '-');
    put_number(j, size / 1000);
    put_byte(j, '.');
    w = writer_of(j->data + j->len, THOUSAND_DIGITS);
    writer_digits(&w, size, THOUSAND_DIGITS);
    j->len += w.len;
}

void json_line_bool(struct json_line *j, const char *key, bool value)
{
    if (begin(j, key, 5))
        put(j, value ? "true" : "false", value ? 4 : 5);
}

void json_line_null(struct json_line *j, const char *key)
{
    if (begin(j, key, 4))
        put(j, "null", 4);
}

void json_line_end(struct json_line *j)
{
    if (room(j, 1))
        put_byte(j, '\n');
}

json_t *json_line_load(const struct json_line *j)
{
    return j->lost ? NULL : json_loadb(j->data, j->len, JSON_DECODE_ANY, NULL);
}
