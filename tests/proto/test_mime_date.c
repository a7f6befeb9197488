/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_date.h"
#include "proto/mime/mime_id.h"
#include "tests/harness/check.h"

#include <stdio.h>

struct row {
    const char *in, *out; /* "": no date */
};

static const struct row dates[] = {
    {"Sat, 29 Feb 2020 23:59:60 +0530", "2020-02-29T23:59:60+05:30"},
    {"1 jan 1999 0:5 -0001", "1999-01-01T00:05:00-00:01"},
    {"mon(a \\) (b)) , 3 \r\n Mar(x)49 1 : 2 : 3 GMT (y", "2049-03-03T01:02:03+00:00"},
    {"3 Mar 50 1:2 UT", "1950-03-03T01:02:00+00:00"},
    {"3 Mar 101 1:2 -0000", "2001-03-03T01:02:00-00:00"},
    {"3 Mar 2001 1:2", "2001-03-03T01:02:00-00:00"},
    {"3 Mar 2001 1:2 PDT", "2001-03-03T01:02:00-07:00"},
    {"3 Mar 2001 1:2 EDT", "2001-03-03T01:02:00-04:00"},
    {"3 Mar 2001 1:2 X", "2001-03-03T01:02:00-00:00"},
    {"3 Mar 2001 1:2 EST5EDT", "2001-03-03T01:02:00-05:00"},
    {"3 12 2001 1:2 GMT", "2001-12-03T01:02:00+00:00"},
    {"3 0 2001 1:2 GMT", ""},
    {"3 13 2001 1:2 GMT", ""},
    {"3 012 2001 1:2 GMT", ""},
    {"29 Feb 2100 1:2 GMT", ""},
    {"0 Mar 2001 1:2 GMT", ""},
    {"3 Mar 2001 24:2 GMT", ""},
    {"3 Mar 2001 1:2:61 GMT", ""},
    {"3 Mar 2001 1:2 +0060", ""},
    {"3 Mar 2001 1:2 +100", ""},
    {"3 Mar 20010 1:2 GMT", ""},
    {"3 March 2001 1:2 GMT", ""},
    {"Xyz, 3 Mar 2001 1:2 GMT", ""},
    {"3 Mar (2001 1:2 GMT", ""},
    {"", ""},
};

static void dates_are_read(void)
{
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
        for (size_t len = strlen(dates[i].in), whole = len; len <= whole; len--) {
            struct span in = guard_copy(span_of(dates[i].in, len), true);
            uint8_t text[MIME_DATE_TEXT];
            struct writer w = writer_of(text, sizeof(text));
            struct mime_date date;

            if (mime_date_parse(in, &date))
                mime_date_put(&w, &date);
            if (len == whole && !CHECK_TEXT(writer_span(&w), dates[i].out))
                printf("# %s\n", dates[i].in);
            CHECK(!w.full);
            guard_free(in);
        }
}

/* The ids, each with a bar behind it. */
static const struct row ids[] = {
    {"<a@b>", "a@b|"},
    {" <a@b>\r\n\t<c@d><e@f>", "a@b|c@d|e@f|"},
    {"<> < > <a@b>", "a@b|"},
    {"<J\xc3\xb6rg@B\xc3\xbc.test>", "J\xc3\xb6rg@B\xc3\xbc.test|"},
    {"(<x@y> \\) () ) \"<p@q>\" phrase <a@b> more", "a@b|"},
    {"<a @ b (c)>", "a @ b (c)|"},
    {" a@b ", "a@b|"},
    {"<a@b", "a@b|"},
    {"<a@b> c", "a@b|"},
    {"\"open <a@b>", ""},
    {"<>", ""},
    {"", ""},
};

static void ids_are_read(void)
{
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct span whole = guard_copy(span_text(ids[i].in), i % 2), in = whole, id;
        char text[64];
        struct writer w = writer_of(text, sizeof(text));

        while (mime_id_next(&in, w.len == 0, &id)) {
            writer_span_put(&w, id);
            writer_byte(&w, '|');
        }
        CHECK_TEXT(writer_span(&w), ids[i].out);
        guard_free(whole);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(dates_are_read);
    CHECK_CASE(ids_are_read);
    return check_end();
}
