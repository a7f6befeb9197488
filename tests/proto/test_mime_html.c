/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_html.h"
#include "tests/harness/check.h"

#include <stdlib.h>

enum { ROOM = 1024 };

/* The text of `html` when it comes in pieces that end at `a` and `b`. */
static struct span text_of(struct span html, size_t a, size_t b, uint8_t out[ROOM])
{
    struct mime_html h = {0};
    size_t len = 0;

    len += mime_html_feed(&h, span_head(html, a), out + len);
    len += mime_html_feed(&h, span_skip(span_head(html, b), a), out + len);
    len += mime_html_feed(&h, span_skip(html, b), out + len);
    len += mime_html_finish(&h, out + len);
    return span_of(out, len);
}

static void reads(const char *html, const char *text)
{
    struct span whole = span_text(html);
    uint8_t out[ROOM];

    CHECK_TEXT(text_of(whole, 0, 0, out), text);
    for (size_t a = 0; a <= whole.len; a++)
        for (size_t b = a; b <= whole.len; b++)
            CHECK(span_equal(text_of(whole, a, b, out), span_text(text)));
}

static void tags_are_left_out(void)
{
    reads("plain", "plain");
    reads("V<b>ia</b>g<i class='x'>r</i>a", "Viagra");
    reads("<p>one</p><br/>two<DIV>three</DIV>", "\none\n\ntwo\nthree\n");
    reads("<a href=\"x>y\" title='a\"b>'>link</a>", "link");
    reads("<a b\"c>text", "text");
    reads("<a href = 'x>y'>z", "z");
    reads("a < b <3 <", "a < b <3 <");
    reads("</>x</ p>y</p>z", "xy\nz");
    reads("<averylongunknownname>x</averylongunknownname>", "x");
    reads("<unclosed", "");
}

static void what_is_no_text_is_left_out(void)
{
    reads("a<!-- x > y -- z -->b", "ab");
    reads("a<!-->b<!--->c<!---->d", "abcd");
    reads("<!DOCTYPE html>a<?xml x?>b<!x-->c", "abc");
    reads("<script>if (a < b) '</scr' </script>x", "x");
    reads("<STYLE type=x>p{}</notstyle></STYLE >y<style></style>z", "yz");
    reads("<script>never ends", "");
}

static void characters_are_decoded(void)
{
    reads("&lt;b&gt; &amp;amp; &quot;", "<b> &amp; \"");
    reads("&#86;&#x69;&#X61;g&#114a", "Viagra");
    reads("a&shy;b&#8203;c&zwnj;d&nbsp;e", "abcd e");
    reads("&euro;&uuml;&#128512;&#xd800;&#0;&#99999999;",
          "\u20ac\u00fc\U0001f600\ufffd\ufffd\ufffd");
    reads("&nothing; &; & &# &#x; &abcdefghijklm;", "&nothing; &; & &# &#x; &abcdefghijklm;");
    reads("a&amp", "a&");
    reads("&copy<b>", "\u00a9");
}

static void any_bytes_stay_within_the_room(void)
{
    static const char alphabet[] = "<>&/!-#;x\"'= ap\xff"
                                   "scriptstyle123";
    uint8_t out[ROOM];

    srand(1);
    for (int round = 0; round < 20000; round++) {
        char text[64];
        struct mime_html h = {0};
        size_t len = (size_t)rand() % sizeof(text);
        struct span copy;

        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
        copy = guard_copy(span_of(text, len), true);
        CHECK(mime_html_feed(&h, copy, out) <= len + MIME_HTML_PENDING);
        CHECK(mime_html_finish(&h, out) <= MIME_HTML_PENDING);
        guard_free(copy);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(tags_are_left_out);
    CHECK_CASE(what_is_no_text_is_left_out);
    CHECK_CASE(characters_are_decoded);
    CHECK_CASE(any_bytes_stay_within_the_room);
    return check_end();
}
