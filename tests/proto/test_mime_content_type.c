/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_content_type.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>

/* "type/subtype flags; name=value" with every parameter as it stands. */
static void put_type(struct span value, struct writer *w)
{
    struct mime_content_type t;

    mime_content_type_parse(value, &t);
    writer_span_put(w, t.type);
    writer_byte(w, '/');
    writer_span_put(w, t.subtype);
    writer_printf(w, " %u", t.flags);
    for (size_t i = 0; i < t.count; i++) {
        writer_text(w, "; ");
        writer_span_put(w, t.parameters[i].name);
        writer_byte(w, '=');
        mime_parameter_value(&t.parameters[i], w);
    }
}

static void types(void)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"text/plain", "text/plain 0"},
        {" Text / HTML ; Charset = utf-8 ", "Text/HTML 0; Charset=utf-8"},
        {"(a) text (b(c)\\)) / (d) plain (e) ; charset=us-ascii (Plain text)",
         "text/plain 0; charset=us-ascii"},
        {"multipart/mixed;\r\n boundary=\"a b\"", "multipart/mixed 0; boundary=a b"},
        {"multipart/mixed; boundary=\"a\r\n b\"", "multipart/mixed 0; boundary=a b"},
        {"a/b; n=\"q\\\"u\\\\o\\te\"", "a/b 0; n=q\"u\\o\\te"},
        {"attachment; filename=x.txt", "attachment/ 0; filename=x.txt"},
        {"attachment; filename=my file.txt; size=3", "attachment/ 1; filename=my file.txt; size=3"},
        {"attachment; filename=a(1).txt", "attachment/ 0; filename=a(1).txt"},
        {"a/b\r\n name=x\r\n other=y", "a/b 0; name=x; other=y"},
        {"a/b; name=\"open", "a/b 1; name=open"},
        {"a/b; name=", "a/b 0; name="},
        {"a/b; =x;; lone; c=d", "a/b 1; c=d"},
        {"a/b; c=1; C=2", "a/b 2; c=1"},
        {"text/", "text/ 0"},
        {"/plain", "/plain 0"},
        {"", "/ 0"},
        {"(open", "/ 0"},
        {"text/plain/x", "text/plain/x 0"},
    };

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        uint8_t text[256];
        struct writer w = writer_of(text, sizeof(text));
        struct span in = guard_copy(span_text(rows[r].in), r % 4 != 0);

        put_type(in, &w);
        CHECK_TEXT(writer_span(&w), rows[r].out);
        guard_free(in);
    }
}

static void names(void)
{
    static const struct {
        const char *in;
        const char *out; /* NULL: there is none */
        unsigned flags;
    } rows[] = {
        {"a/b; name=x", "x", 0},
        {"a/b; other=x", NULL, 0},
        {"a/b; name*=utf-8''%C3%A4%20b", "\xc3\xa4 b", 0},
        {"a/b; name*=iso-8859-1'de'%E4", "\xc3\xa4", 0},
        {"a/b; name*=\"iso-8859-1''%F6\"", "\xc3\xb6", 0},
        {"a/b; name*1=c; name*0=ab; name*2=d", "abcd", 0},
        {"a/b; name*0=ab; name*2=d", "ab", 0},
        {"a/b; name*1=ab", NULL, 0},
        {"a/b; name*0*=us-ascii'en'a%20; name*1*=%2A; name*2=\"%20'\"", "a *%20'", 0},
        {"a/b; name*0*=utf-8''%E2%82; name*1*=%AC", "\xe2\x82\xac", 0},
        {"a/b; name=plain; name*=utf-8''star", "star", 0},
        {"a/b; name*=x-none''%41", "x-none''%41", MIME_PARAMETER_CHARSET},
        {"a/b; name*=%41b", "Ab", 0},
        {"a/b; name=\"=?utf-8?Q?=C3=A4?= =?utf-8?Q?b?=.txt\"",
         "\xc3\xa4"
         "b.txt",
         0},
        {"a/b; name==?utf-8?Q?a?=.gif", "a.gif", 0},
        {"a/b; name==?x-none?Q?a?=", "=?x-none?Q?a?=", MIME_PARAMETER_CHARSET},
        {"a/b; name=\"  kept  \"", "  kept  ", 0},
        {"a/b; name=\"\xe4\"", "\xef\xbf\xbd", 0},
        {"a/b; name=\"0123456789012345678901234567890\xc3\xa4\"", "0123456789012345678901234567890",
         MIME_PARAMETER_CUT},
        {"a/b; name*x=1; name**=2; name*123=3", NULL, 0},
    };

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        uint8_t text[32], flags = 0;
        struct writer w = writer_of(text, sizeof(text));
        struct span in = guard_copy(span_text(rows[r].in), true);
        struct mime_content_type t;
        bool found;

        mime_content_type_parse(in, &t);
        found = mime_content_type_find(&t, "name", NULL, &w, &flags);
        CHECK(found == (rows[r].out != NULL) && flags == rows[r].flags);
        CHECK_TEXT(writer_span(&w), rows[r].out ? rows[r].out : "");
        guard_free(in);
    }
}

static void many_parameters_are_bounded(void)
{
    static char text[16384];
    struct mime_content_type t;
    size_t at = (size_t)sprintf(text, "a/b");

    for (int i = 0; i < 200; i++)
        at += (size_t)sprintf(text + at, "; name*%d=%d", i, i % 10);
    mime_content_type_parse(span_of(text, at), &t);
    CHECK(t.count == MIME_PARAMETERS_MAX && t.flags == MIME_PARAMETER_MANY);
}

static void encodings(void)
{
    static const struct {
        const char *in;
        enum mime_encoding is;
    } rows[] = {
        {"7bit", MIME_ENCODING_7BIT},      {" 8BIT\r\n", MIME_ENCODING_8BIT},
        {"binary", MIME_ENCODING_BINARY},  {"Quoted-Printable (x)", MIME_ENCODING_QP},
        {"base64;", MIME_ENCODING_BASE64}, {"x-uuencode", MIME_ENCODING_UU},
        {"", MIME_ENCODING_UNKNOWN},       {"base64/x", MIME_ENCODING_UNKNOWN},
    };

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        CHECK(mime_encoding_of(span_text(rows[r].in)) == rows[r].is);
    CHECK(strcmp(mime_encoding_name(MIME_ENCODING_QP), "quoted-printable") == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(types);
    CHECK_CASE(names);
    CHECK_CASE(many_parameters_are_bounded);
    CHECK_CASE(encodings);
    return check_end();
}
