/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_convert.h"
#include "tests/harness/check.h"
#include "tests/proto/mime_tree_of.h"
#include "tests/proto/pop3_measured.h"

#include <stdio.h>
#include <stdlib.h>

/* RFC 6858, RFC 3030 section 3: what a client gets that knows neither UTF-8 headers nor binary. */

enum { OUT = 1 << 20 };

static uint8_t out_bytes[OUT], again_bytes[OUT], memory[POP3_CONVERT_MEMORY];

/* `room`: of the writer at a time. */
static struct span convert(struct span message, struct span tree, uint64_t prefix, unsigned forms,
                           size_t cut, size_t room, uint8_t *to)
{
    struct pop3_convert c;
    struct writer out = writer_of(to, OUT);
    enum pop3_convert_status status;

    pop3_convert_init(&c, tree, prefix, message.len, forms, memory);
    do {
        struct span in =
            span_head(span_skip(message, c.offset), c.offset < cut ? cut - c.offset : OUT);
        struct writer some = writer_of(to + out.len, room);

        status = pop3_convert_feed(&c, &in, &some);
        out.len += some.len;
    } while (status != POP3_CONVERT_DONE && CHECK(out.len + room < OUT));
    CHECK(c.offset == message.len);
    return writer_span(&out);
}

static void check_convert(const char *prefix, const char *body, size_t body_len, unsigned forms,
                          const char *expected)
{
    size_t prefix_len = strlen(prefix);
    uint8_t *bytes = malloc(prefix_len + body_len);
    struct span message, got, tree = mime_tree_of(span_of(body, body_len));

    memcpy(bytes, prefix, prefix_len);
    memcpy(bytes + prefix_len, body, body_len);
    message = guard_copy(span_of(bytes, prefix_len + body_len), true);
    got = convert(message, tree, prefix_len, forms, 0, 200000, out_bytes);
    CHECK_TEXT(got, expected);
    CHECK(pop3_measured(message, tree, prefix_len, forms, memory) == got.len);
    for (size_t cut = 1; cut <= message.len; cut++) {
        struct span again = convert(message, tree, prefix_len, forms, cut,
                                    POP3_CONVERT_ROOM_MIN + cut % 7, again_bytes);

        if (!CHECK(span_equal(again, got)))
            printf("# cut at %zu: %.*s\n", cut, (int)again.len, again.data);
    }
    guard_free(message);
    free(bytes);
}

#define UTF8(prefix, body, expected)                                                               \
    check_convert(prefix, body, strlen(body), POP3_FORM_UTF8, expected)
#define BINARY(body, expected) check_convert("", body, sizeof(body) - 1, POP3_FORM_BINARY, expected)

static void ascii_passes_as_it_is(void)
{
    const char *text = "From: a@b.test\r\nSubject: x\r\n y\r\n\r\nbody \xc3\xa9\r\n";

    UTF8("Return-Path: <a@b.test>\r\n", text,
         "Return-Path: <a@b.test>\r\nFrom: a@b.test\r\nSubject: x\r\n y\r\n\r\nbody \xc3\xa9\r\n");
    UTF8("", "", "");
    UTF8("", "\r\n", "\r\n");
    UTF8("", "A: b\r\n", "A: b\r\n");
    UTF8("", "no header", "no header");
}

/* RFC 6858 section 3.1 */
static void addresses_become_nobodys(void)
{
    UTF8("Return-Path: <j\xc3\xb6@b.test>\r\nDelivered-To: \xc3\xa9@b.test\r\n",
         "From: J\xc3\xb6rg <j\xc3\xb6@b.test>\r\n\r\n",
         "Return-Path: <invalid@internationalized-address.invalid>\r\n"
         "From: =?UTF-8?B?SsO2cmcgasO2QGIudGVzdA==?=\r\n"
         " <invalid@internationalized-address.invalid>\r\n\r\n");
    UTF8("", "To: \"J\xc3\xb6rg, R.\" <j@b.test>,\r\n a@b.test, j@b\xc3\xbc.test\r\n\r\n",
         "To: =?UTF-8?B?SsO2cmcsIFIu?=\r\n <j@b.test>,\r\n a@b.test,\r\n"
         " =?UTF-8?B?akBiw7wudGVzdA==?=\r\n <invalid@internationalized-address.invalid>\r\n\r\n");
    UTF8("",
         "Cc: Gr\xc3\xbc\xc3\x9f"
         "e: a@b.test, \xc3\xa9@b.test;, c@d.test\r\n\r\n",
         "Cc: =?UTF-8?B?R3LDvMOfZQ==?=: a@b.test,\r\n"
         " =?UTF-8?B?w6lAYi50ZXN0?=\r\n <invalid@internationalized-address.invalid>;,\r\n"
         " c@d.test\r\n\r\n");
    UTF8("", "Sender: \"a b\"@c.test (\xc3\xa9)\r\n\r\n", "Sender: \"a b\"@c.test\r\n\r\n");
    UTF8("", "Reply-To: \"x (y\" <a@[IPv6:::1]>, <\xc3\xa9@b>\r\n\r\n",
         "Reply-To: \"x (y\" <a@[IPv6:::1]>,\r\n =?UTF-8?B?w6lAYg==?=\r\n"
         " <invalid@internationalized-address.invalid>\r\n\r\n");
    UTF8("", "Bcc: \xff\xff <a@b>\r\n\r\n", "Bcc: =?UTF-8?B?77+977+9?=\r\n <a@b>\r\n\r\n");
}

/* RFC 6858 section 3.2 */
static void parameters_with_it_go(void)
{
    UTF8("",
         "Content-Type: text/plain; name=\"\xc3\xa9;\"; charset=utf-8\r\n"
         "Content-Disposition: attachment;\r\n filename=\xc3\xa9\r\n\r\nx",
         "Content-Type: text/plain;\r\n charset=utf-8\r\nContent-Disposition: attachment\r\n\r\nx");
    UTF8("", "Content-Type: t\xc3\xa9xt/plain\r\nA: b\r\n\r\n", "A: b\r\n\r\n");
}

/* RFC 6858 section 3.3, RFC 2047 section 2 */
static void the_subject_is_encoded(void)
{
    UTF8("",
         "Subject: gr\xc3\xbc\xc3\x9f"
         "e =?utf-8?q?=C3=A9?=\r\n\r\n",
         "Subject: =?UTF-8?B?Z3LDvMOfZSDDqQ==?=\r\n\r\n");
    UTF8("",
         "SUBJECT: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n",
         "SUBJECT: =?UTF-8?B?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=?=\r\n"
         " =?UTF-8?B?w6liYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJi?=\r\n"
         " =?UTF-8?B?YmJiYg==?=\r\n\r\n");
}

/* RFC 6858 section 3.4 */
static void other_fields_go(void)
{
    UTF8("Received: from \xc3\xa9 by b;\r\n Mon\r\n",
         "Keywords: \xc3\xa9\r\nComments: a\r\n \xc3\xa9\r\nA: 1\r\n\r\n", "A: 1\r\n\r\n");
}

static void headers_of_parts_are_found(void)
{
    UTF8("",
         "Content-Type: multipart/mixed; boundary=b\r\n\r\n\xc3\xa9\r\n--b\r\n"
         "Content-Disposition: attachment; filename=\xc3\xa9\r\n\r\nSubject: \xc3\xa9\r\n--b\r\n"
         "Content-Type: message/global\r\n\r\nSubject: \xc3\xa9\r\n\r\n\xc3\xa9\r\n--b--\r\n",
         "Content-Type: multipart/mixed; boundary=b\r\n\r\n\xc3\xa9\r\n--b\r\n"
         "Content-Disposition: attachment\r\n\r\nSubject: \xc3\xa9\r\n--b\r\n"
         "Content-Type: message/global\r\n\r\nSubject: "
         "=?UTF-8?B?w6k=?=\r\n\r\n\xc3\xa9\r\n--b--\r\n");
}

static void long_fields_are_bounded(void)
{
    static char text[300000];
    struct span tree, got;
    size_t n = (size_t)sprintf(text, "X: ");

    memset(text + n, 'a', 200000);
    n += 200000;
    n += (size_t)sprintf(text + n, "\xc3\xa9\r\nSubject: \xc3\xa9");
    memset(text + n, 'b', 70000);
    n += 70000;
    n += (size_t)sprintf(text + n, "\r\nA: b\r\n\r\n");
    tree = mime_tree_of(span_of(text, n));
    got = convert(span_of(text, n), tree, 0, POP3_FORM_UTF8, 0, 100000, out_bytes);
    /* The first passes, its two bytes marked; the second one is left out. */
    CHECK(got.len == 3 + 200000 + 2 + 2 + 8);
    CHECK(!memmem(got.data, got.len, "Subject", 7) && memmem(got.data, got.len, "a??\r\nA: b", 9));
    CHECK(pop3_measured(span_of(text, n), tree, 0, POP3_FORM_UTF8, memory) == got.len);
}

/* RFC 3030 section 3 */
static void binary_leaves_become_base64(void)
{
    BINARY("Content-Transfer-Encoding: binary\r\nContent-Type: a/b\r\n\r\nx\0\n\r.",
           "Content-Transfer-Encoding: base64\r\nContent-Type: a/b\r\n\r\neAAKDS4=\r\n");
    BINARY("Content-Transfer-Encoding:\r\n BINARY\r\n\r\n",
           "Content-Transfer-Encoding: base64\r\n\r\n");
    BINARY("Content-Transfer-Encoding: binary\r\ncontent-transfer-encoding: 8bit\r\n\r\nabc",
           "Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n");
    BINARY("Content-Type: text/plain\r\nSubject: \xc3\xa9\r\n\r\na\nb",
           "Content-Type: text/plain\r\nSubject: \xc3\xa9\r\n\r\na\nb");
    BINARY(
        "Content-Transfer-Encoding: "
        "binary\r\n\r\n0123456789012345678901234567890123456789012345678901234567",
        "Content-Transfer-Encoding: base64\r\n\r\n"
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2\r\nNw==\r\n");
    BINARY("Content-Transfer-Encoding: "
           "binary\r\n\r\n012345678901234567890123456789012345678901234567890123456",
           "Content-Transfer-Encoding: base64\r\n\r\n"
           "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2\r\n");
}

static void multiparts_keep_their_lines(void)
{
    BINARY("Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
           "preamble\r\n--b\r\nContent-Transfer-Encoding: "
           "binary\r\n\r\n\0\1\2\r\n--b\r\n\r\nplain\r\n--b\r\n"
           "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: binary\r\n\r\n"
           "Content-Transfer-Encoding: binary\r\n\r\n\377\r\n--b--\r\nepilogue",
           "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
           "preamble\r\n--b\r\nContent-Transfer-Encoding: "
           "base64\r\n\r\nAAEC\r\n--b\r\n\r\nplain\r\n--b\r\n"
           "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
           "Content-Transfer-Encoding: base64\r\n\r\n/w==\r\n--b--\r\nepilogue");
}

static void a_tree_is_not_trusted(void)
{
    struct span message = span_text("Subject: \xc3\xa9\r\n\r\nbody\r\n");
    uint8_t bytes[256];

    for (unsigned seed = 1; seed < 3000; seed++) {
        uint32_t state = seed * 2654435761u;
        struct span tree =
            mime_tree_of(span_text("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                                   "Content-Transfer-Encoding: binary\r\n\r\nabc\r\n--b--\r\n"));
        struct span got, copy;

        tree = span_head(tree, sizeof(bytes));
        memcpy(bytes, tree.data, tree.len);
        for (int i = 0; i < 3; i++) {
            state = state * 1664525u + 1013904223u;
            bytes[(state >> 8) % tree.len] = (uint8_t)(state >> 24);
        }
        copy = guard_copy(span_of(bytes, tree.len - seed % 3), true);
        got =
            convert(message, copy, 0, POP3_FORM_UTF8 | POP3_FORM_BINARY, seed % 20, 300, out_bytes);
        CHECK(pop3_measured(message, copy, 0, POP3_FORM_UTF8 | POP3_FORM_BINARY, memory) ==
              got.len);
        guard_free(copy);
    }
    CHECK_TEXT(convert(message, span_of(NULL, 0), 0, POP3_FORM_UTF8, 0, 300, out_bytes),
               "Subject: =?UTF-8?B?w6k=?=\r\n\r\nbody\r\n");
}

int main(void)
{
    check_begin();
    CHECK_CASE(ascii_passes_as_it_is);
    CHECK_CASE(addresses_become_nobodys);
    CHECK_CASE(parameters_with_it_go);
    CHECK_CASE(the_subject_is_encoded);
    CHECK_CASE(other_fields_go);
    CHECK_CASE(headers_of_parts_are_found);
    CHECK_CASE(long_fields_are_bounded);
    CHECK_CASE(binary_leaves_become_base64);
    CHECK_CASE(multiparts_keep_their_lines);
    CHECK_CASE(a_tree_is_not_trusted);
    return check_end();
}
