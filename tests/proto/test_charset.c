/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/charset/charset.h"
#include "tests/harness/check.h"

#include <stdio.h>

#define NONE "\xef\xbf\xbd"

static const struct {
    const char *charset, *in, *out;
} rows[] = {
    {"ISO-8859-2", "\xb1", "\xc4\x85"},
    {"iso_8859_2", "\xb1", "\xc4\x85"},
    {"latin2", "a\xb1", "a\xc4\x85"},
    {"ISO-8859-15", "\xa4", "\xe2\x82\xac"},
    {"iso-8859-8-i", "\xe0\xa1", "\xd7\x90" NONE},
    {"Windows-1251", "\xcf\xf0", "\xd0\x9f\xd1\x80"},
    {"cp-1251", "\xcf", "\xd0\x9f"},
    {"koi8-r", "\xf0", "\xd0\x9f"},
    {"KOI8-U", "\xa4", "\xd1\x94"},
    {"646", "a\xff", "a" NONE},
    {"unicode-1-1-utf-8", "\xc3\xa4\xff", "\xc3\xa4" NONE},
    {"gb2312", "\xd6\xd0", "\xe4\xb8\xad"},
    {"gbk", "\x81\x40", "\xe4\xb8\x82"},
    {"gb18030", "\x81\x30\x81\x30", "\xc2\x80"},
    {"gb18030", "\x90\x30\x81\x30", "\xf0\x90\x80\x80"},
    {"gb18030", "\xe3\x32\x9a\x35\xe3\x32\x9a\x36", "\xf4\x8f\xbf\xbf" NONE "2" NONE "6"},
    {"gb18030", "\x81\x30\x81", NONE "0" NONE},
    {"hz-gb-2312", "a~{VP~}~~b", "a\xe4\xb8\xad~b"},
    {"big5", "\xa4\xa4", "\xe4\xb8\xad"},
    {"big5", "\xa4<", NONE "<"},
    {"Shift_JIS",
     "\x83\x65\xb1"
     "a",
     "\xe3\x83\x86\xef\xbd\xb1"
     "a"},
    {"euc-jp", "\xa5\xc6\x8e\xb1\x8f\xb0\xa1x\x8f", "\xe3\x83\x86\xef\xbd\xb1\xe4\xb8\x82x" NONE},
    {"iso-2022-jp", "\x1b$B%F\x1b(Ba\x1b(I1",
     "\xe3\x83\x86"
     "a\xef\xbd\xb1"},
    {"iso-2022-jp", "\x1b$B%", NONE},
    {"iso-2022-jp-1", "\x1b$(D0!\x1b(J", "\xe4\xb8\x82"},
    {"euc-kr", "\xc7\xd1", "\xed\x95\x9c"},
    {"ks_c_5601-1987", "\x81\x41", "\xea\xb0\x82"},
    {"iso-2022-kr",
     "\x1b$)C\x0eGQ\x0f"
     "a",
     "\xed\x95\x9c"
     "a"},
    {"utf-7", "a+AOQ-b+-+2D3cqQ",
     "a\xc3\xa4"
     "b+\xf0\x9f\x92\xa9"},
    {"utf-7", "+2D0-x\xff", NONE "x" NONE},
    {"utf-16", "\xfe\xff\x01\x42\x01", "\xc5\x82" NONE},
    {"utf-16", "\xff\xfe\x42\x01", "\xc5\x82"},
    {"utf-16be", "\x01\x42", "\xc5\x82"},
    {"utf-16le", "\x42\x01\x3d\xd8\xa9\xdc", "\xc5\x82\xf0\x9f\x92\xa9"},
};

static void characters_are_read(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span in = guard_copy(span_text(rows[i].in), i % 2);
        uint8_t text[64];
        struct writer w = writer_of(text, sizeof(text));

        CHECK(mime_charset_to_utf8(&charset_all, span_text(rows[i].charset), in, &w));
        if (!CHECK_TEXT(writer_span(&w), rows[i].out))
            printf("# %s, row %zu\n", rows[i].charset, i);
        guard_free(in);
    }
}

/* Any bytes, any beginning, any room: what is written is well-formed UTF-8, and at most three times
 * as long. */
static void output_is_well_formed(void)
{
    uint8_t bytes[200], text[600], clean[600];
    uint32_t seed = 7;

    for (size_t n = 0; n < 200 * sizeof(rows) / sizeof(rows[0]); n++) {
        struct span name = span_text(rows[n % (sizeof(rows) / sizeof(rows[0]))].charset), in;
        struct writer w = writer_of(text, n % 3 ? sizeof(text) : n % 64),
                      again = writer_of(clean, sizeof(clean));
        size_t len = n % sizeof(bytes);

        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(n % 2 ? seed >> 24 : (seed >> 24) % 0x60 + 0x20);
        }
        if (len > 5)
            memcpy(bytes, "\x1b$B", 3);
        in = guard_copy(span_of(bytes, len), true);
        CHECK(charset_all.to_utf8(NULL, name, in, &w));
        CHECK(w.len <= 3 * len && (!w.full || n % 3 == 0));
        mime_charset_clean(writer_span(&w), &again);
        CHECK(span_equal(writer_span(&w), writer_span(&again)));
        guard_free(in);
    }
}

static void unknown_names_write_nothing(void)
{
    static const char *const names[] = {
        "", "-", "x-unknown", "iso-8859-99", "a-name-that-is-longer-than-any-charset-has", "\xff"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint8_t text[8];
        struct writer w = writer_of(text, sizeof(text));

        CHECK(!mime_charset_to_utf8(&charset_all, span_text(names[i]), span_text("a"), &w));
        CHECK(w.len == 0);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(characters_are_read);
    CHECK_CASE(output_is_well_formed);
    CHECK_CASE(unknown_names_write_nothing);
    return check_end();
}
