/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Macro strings, and records of them: what is well-formed in a stricter place is so in a wider one,
 * and expands within its bounds, whatever its letters stand for. The first line is what they do.
 */
#include <stdlib.h>

#include "proto/spf/spf_term.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void expand(struct span text, struct span value)
{
    struct spf_macro_values v = {.local = value,
                                 .origin = value,
                                 .domain = value,
                                 .validated = value,
                                 .helo = value,
                                 .receiver = value,
                                 .now = UINT64_MAX};
    uint8_t out[2000];
    struct writer w = writer_of(out, SPF_EXPANDED_MAX);

    memset(v.ip.bytes, 0xfe, sizeof(v.ip.bytes));
    spf_macro_domain(text, &v, &w);
    MUST(!w.full);
    w = writer_of(out, sizeof(out));
    MUST(spf_macro_text(text, &v, &w) == !w.full || w.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size), text, term, value;
    ptrdiff_t line = span_find(all, '\n');
    struct spf_term t;
    size_t taken = 0;

    value = span_head(all, line < 0 ? 0 : (size_t)line);
    value = span_head(value, 255);
    text = span_skip(all, line < 0 ? 0 : (size_t)line + 1);
    if (spf_macro_check(text, SPF_MACRO_DOMAIN) == SPF_MACRO_GOOD)
        MUST(spf_macro_check(text, SPF_MACRO_MODIFIER) == SPF_MACRO_GOOD);
    if (spf_macro_check(text, SPF_MACRO_MODIFIER) == SPF_MACRO_GOOD)
        MUST(spf_macro_check(text, SPF_MACRO_TEXT) == SPF_MACRO_GOOD);
    if (spf_macro_check(text, SPF_MACRO_TEXT) == SPF_MACRO_GOOD)
        expand(text, value);
    spf_macro_ends(text);
    spf_macro_has(text, 'p');
    while (spf_term_next(&text, &term)) {
        taken += term.len;
        if (spf_term_read(term, &t) != SPF_MATCH)
            continue;
        MUST(t.bits4 <= 32 && t.bits6 <= 128 && t.mechanism <= SPF_TERM_OTHER);
        MUST(t.domain.len == 0 || spf_macro_check(t.domain, SPF_MACRO_DOMAIN) == SPF_MACRO_GOOD);
    }
    MUST(taken <= size && text.len == 0);
    return 0;
}
