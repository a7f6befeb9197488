/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "proto/mime/mime_html.h"

/* The text of an HTML document, whole and in pieces as long as its first byte says: the same, and
 * no longer than promised. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_in(struct span html, size_t piece, uint8_t *out)
{
    struct mime_html h = {0};
    size_t len = 0;

    for (; html.len; html = span_skip(html, piece))
        len += mime_html_feed(&h, span_head(html, piece), out + len);
    return len + mime_html_finish(&h, out + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t room = size + 2 * MIME_HTML_PENDING;
    uint8_t *whole = malloc(room), *cut = malloc(room);
    struct span html = span_skip(span_of(data, size), 1);
    size_t len = read_in(html, SIZE_MAX, whole);

    if (len > html.len + MIME_HTML_PENDING ||
        read_in(html, size ? (size_t)data[0] % 16 + 1 : 1, cut) != len || memcmp(whole, cut, len))
        abort();
    free(whole);
    free(cut);
    return 0;
}
