/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients of the API send: the first octet chooses between a path, bodies, a list of tags, a
 * token's row, and lines cut where the octet says. */
#include <stdlib.h>

#include "control/api/api_body.h"
#include "control/api/api_lines.h"

static void read_path(struct span data)
{
    struct api_match match;
    static uint8_t bytes[3 * API_PARAMETER], back[API_PARAMETER];
    struct writer w = writer_of(bytes, sizeof(bytes)), r = writer_of(back, sizeof(back));

    if (api_route_find(span_text("PUT"), data, &match) != API_FOUND)
        return;
    api_encode(span_of(match.parameter, match.len), &w);
    if (w.full || !api_decode(writer_span(&w), &r) ||
        !span_equal(writer_span(&r), span_of(match.parameter, match.len)))
        abort();
}

static void read_body(struct span data, enum api_body_kind kind)
{
    static uint8_t text[API_DETAIL];
    struct writer why = writer_of(text, sizeof(text));
    struct api_body body;
    enum api_problem problem = api_body_read(&body, kind, data, data.len % 2, &why);

    if (problem == API_PROBLEM_BAD_VALUE && !why.len)
        abort();
    if (problem)
        return;
    if (body.request.count > CTL_ARGUMENTS_MAX)
        abort();
    for (uint32_t i = 1; i < body.request.count; i++)
        if (memchr(body.request.arguments[i].data, 0, body.request.arguments[i].len))
            abort();
    api_body_fini(&body);
}

static void read_token(struct span data)
{
    static struct token_row row;
    static uint8_t bytes[1 << 20];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (!token_row_read(data, &row))
        return;
    token_row_put(&w, &row);
    if (!span_equal(writer_span(&w), data))
        abort();
}

static size_t lines_len;

static void note(void *context, struct span lines)
{
    if (!lines.len || lines.data[lines.len - 1] != '\n')
        abort();
    lines_len += lines.len;
}

static void note_long(void *context)
{
    abort(); /* inputs are shorter than that */
}

static void read_lines(struct span data, size_t piece)
{
    static struct api_lines lines = {.batch = note, .too_long = note_long};

    lines_len = 0;
    api_lines_init(&lines);
    for (struct span rest = data; rest.len;
         rest = span_skip(rest, piece < rest.len ? piece : rest.len))
        api_lines_feed(&lines, span_head(rest, piece < rest.len ? piece : rest.len));
    api_lines_end(&lines);
    if (lines_len != data.len + (data.len && data.data[data.len - 1] != '\n'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = size ? span_of(data + 1, size - 1) : span_of(data, 0);

    if (!size || size > API_LINES_ROOM / 2)
        return 0;
    switch (data[0] % 9) {
    case 0:
        read_path(rest);
        break;
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
        read_body(rest, (enum api_body_kind)(data[0] % 9 - 1));
        break;
    case 6:
        ctl_terms_tag_listed(rest, "0123456789abcdef0123456789abcdef");
        break;
    case 7:
        read_token(rest);
        break;
    default:
        read_lines(rest, 1 + data[0] / 9);
        break;
    }
    return 0;
}
