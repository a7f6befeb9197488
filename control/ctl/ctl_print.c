/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_print.h"

#include <stdlib.h>

#include "proto/base/peer_text.h"

enum { CELL_MAX = 120, COLUMNS_MAX = 16, INDENT = 2 };

/* One value on a line, at most CELL_MAX bytes. */
static const char *cell(const json_t *value, char text_out[CELL_MAX + 1])
{
    struct writer w = writer_of(text_out, CELL_MAX);

    if (json_is_string(value)) {
        peer_text(&w, span_of(json_string_value(value), json_string_length(value)), CELL_MAX, PEER_TEXT_UTF8);
    } else if (json_is_null(value) || !value) {
        writer_text(&w, "-");
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));

        peer_text(&w, span_text(text ? text : "?"), CELL_MAX, PEER_TEXT_UTF8);
        free(text);
    }
    text_out[w.len] = 0;
    return text_out;
}

/* Columns of a terminal, were every character one wide. */
static int width(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((uint8_t)*text & 0xc0) != 0x80;
    return n;
}

static void put_padded(FILE *out, const char *text, int columns)
{
    fprintf(out, "%s%*s", text, columns > width(text) ? columns - width(text) : 0, "");
}

static bool is_table(const json_t *value)
{
    return json_array_size(value) > 0 && json_is_object(json_array_get(value, 0));
}

/* What goes under its name rather than beside it. */
static bool is_block(const json_t *value)
{
    return json_object_size(value) > 0 || is_table(value);
}

static void put_table(FILE *out, const json_t *rows, int indent)
{
    const char *names[COLUMNS_MAX], *name;
    int widths[COLUMNS_MAX], count = 0;
    json_t *first = json_array_get(rows, 0), *row, *value;
    char text[CELL_MAX + 1];
    size_t i;

    json_object_foreach (first, name, value)
        if (count < COLUMNS_MAX) {
            names[count] = name;
            widths[count++] = width(name);
        }
    json_array_foreach (rows, i, row)
        for (int c = 0; c < count; c++) {
            int n = width(cell(json_object_get(row, names[c]), text));

            widths[c] = n > widths[c] ? n : widths[c];
        }
    for (size_t r = 0; r <= json_array_size(rows); r++) {
        row = r ? json_array_get(rows, r - 1) : NULL;
        fprintf(out, "%*s", indent, "");
        for (int c = 0; c < count; c++) {
            put_padded(out, r ? cell(json_object_get(row, names[c]), text) : names[c], c + 1 < count ? widths[c] : 0);
            fputs(c + 1 < count ? "  " : "\n", out);
        }
    }
}

/* Deeper than this the value stands on its line as JSON. */
enum { DEPTH_MAX = 4 };

static void put_value(FILE *out, const json_t *value, int depth);

static void put_object(FILE *out, const json_t *object, int depth)
{
    int columns = 0, indent = depth * INDENT;
    char text[CELL_MAX + 1];
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)object, name, value)
        if (!is_block(value) && width(name) > columns)
            columns = width(name);
    json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
        fprintf(out, "%*s", indent, "");
        if (is_block(value) && depth < DEPTH_MAX) {
            fprintf(out, "%s:\n", name);
            put_value(out, value, depth + 1);
        } else {
            put_padded(out, name, columns);
            fprintf(out, "  %s\n", cell(value, text));
        }
    }
}

static void put_value(FILE *out, const json_t *value, int depth)
{
    char text[CELL_MAX + 1];
    json_t *item;
    size_t i;

    if (is_table(value)) {
        put_table(out, value, depth * INDENT);
    } else if (json_is_object(value)) {
        put_object(out, value, depth);
    } else if (json_is_array(value)) {
        json_array_foreach (value, i, item)
            fprintf(out, "%*s%s\n", depth * INDENT, "", cell(item, text));
    } else {
        fprintf(out, "%*s%s\n", depth * INDENT, "", cell(value, text));
    }
}

void ctl_print(FILE *out, const json_t *value)
{
    put_value(out, value, 0);
}
