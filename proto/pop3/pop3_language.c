/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_language.h"

static const struct {
    const char *tag, *title, *chosen;
} languages[POP3_LANGUAGES] = {
#define POP3_LANGUAGE(name, tag_, title_, chosen_)                                                 \
    [POP3_LANGUAGE_##name] = {.tag = tag_, .title = title_, .chosen = chosen_},
#include "proto/pop3/pop3_language.def"
#undef POP3_LANGUAGE
};

/* Without the last subtag, and without a single letter that introduced it. */
static struct span shorten(struct span range)
{
    do {
        while (range.len && range.data[range.len - 1] != '-')
            range.len--;
        range.len -= range.len > 0;
    } while (range.len >= 2 && range.data[range.len - 2] == '-');
    return range;
}

/*
 * language-range = (1*8ALPHA *("-" 1*8alphanum)) / "*"                 ; RFC 4647 section 2.1
 */
enum pop3_language pop3_language_find(struct span range)
{
    if (span_equal(range, span_text("*")))
        return POP3_LANGUAGE_ENGLISH;
    for (; range.len; range = shorten(range))
        for (unsigned i = 0; i < POP3_LANGUAGES; i++)
            if (span_equal_nocase(range, span_text(languages[i].tag)))
                return (enum pop3_language)i;
    return POP3_LANGUAGES;
}

/*
 * lang-listing = language-tag SP UTF8-text CRLF                        ; RFC 6856 section 3
 */
void pop3_language_put(enum pop3_language language, struct writer *w)
{
    if (language < POP3_LANGUAGES) {
        writer_printf(w, "+OK %s %s\r\n", languages[language].tag, languages[language].chosen);
        return;
    }
    writer_text(w, "+OK languages\r\n");
    for (unsigned i = 0; i < POP3_LANGUAGES; i++)
        writer_printf(w, "%s %s\r\n", languages[i].tag, languages[i].title);
    writer_text(w, ".\r\n");
}
