/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A text of the search index, as a damaged disk might give it: the first byte says where is looked
 * and how long the needle behind it is, the rest is the text.
 */
#include <stdlib.h>

#include "control/mail/mail_index_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t joined[1 << 20];
    char query[MAIL_INDEX_QUERY];
    struct span in = span_of(data, size), text;
    struct mail_needle needle;
    struct mail_grep what = {.name = span_text("subject"), .needle = &needle};
    struct writer w = writer_of(joined, sizeof(joined));
    bool found, readable;

    if (size == 0 || size > sizeof(joined) / 2)
        return 0;
    what.where = (enum mail_grep_where)(data[0] % 3);
    text = span_head(span_skip(in, 1), data[0] >> 3);
    if (!mail_needle_make(text, &needle))
        return 0;
    text = span_skip(in, 1 + text.len);
    readable = mail_index_text_join(text, &w);
    /* It fits, as each piece has more octets around it than the line's end that it gets. */
    if (w.full || (!readable && !mail_index_text_find(text, &what, &found) && found))
        abort();
    if (readable && !mail_index_text_find(text, &what, &found))
        abort();
    if (mail_index_text_query(&what, query) && query[0] != '"')
        abort();
    free(needle.text);
    return 0;
}
