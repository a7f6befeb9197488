/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/mail/mail_preview.h"
#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* PREVIEW: what is seen of a message in a line. */

static struct mail_scene m;
static struct imap_session *s;

static void shows(const char *message, const char *expected)
{
    char answer[1200];

    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    mail_scene_append_bytes(&m, s, "a APPEND INBOX {1}\r\n", span_text(message));
    mail_scene_run(&m, s, "a EXAMINE INBOX");
    snprintf(answer, sizeof(answer), "* 1 FETCH (PREVIEW %s)\r\na OK done\r\n", expected);
    CHECK(mail_scene_says(&m, s, "a FETCH 1 PREVIEW", answer));
    CHECK(mail_scene_says(&m, s, "a FETCH 1 (PREVIEW (LAZY))", answer));
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

static void plain_text_is_one_line(void)
{
    shows("Subject: x\r\n\r\n\r\n  Hello,\r\n\r\n\tdear   world.\r\n", "\"Hello, dear world.\"");
    shows("Subject: x\r\n\r\n", "\"\"");
    shows("Subject: x\r\n\r\n \t\r\n\r\n", "\"\"");
    shows("Subject: x\r\n\r\na \"b\" \\c\r\n", "\"a \\\"b\\\" \\\\c\"");
}

static void what_is_encoded_is_decoded(void)
{
    shows("Content-Type: text/plain; charset=iso-8859-1\r\n"
          "Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 =\r\nau lait\r\n",
          "{13}\r\ncaf\xc3\xa9 au lait");
    shows("Content-Type: text/plain; charset=utf-8\r\n"
          "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n",
          "\"hello\"");
    /* What is no UTF-8. */
    shows("Content-Type: text/plain; charset=utf-8\r\n\r\na\xff" "b\r\n", "{5}\r\na\xef\xbf\xbd" "b");
    shows("Content-Transfer-Encoding: x-unknown\r\n\r\nabc\r\n", "\"\"");
}

static void html_is_its_text(void)
{
    shows("Content-Type: text/html\r\n\r\n<html><head><style>p { x: y }</style></head>\r\n"
          "<body><p>One</p><p>t<b>w</b>o &amp; more</p></body></html>\r\n",
          "\"One two & more\"");
}

static void the_text_to_be_read_is_chosen(void)
{
    shows("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
          "--b\r\nContent-Type: image/png\r\n\r\nPNG\r\n"
          "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nfile\r\n"
          "--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n"
          "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n",
          "\"plain\"");
    /* A plain part without text says nothing. */
    shows("Content-Type: multipart/alternative; boundary=b\r\n\r\n"
          "--b\r\nContent-Type: text/plain\r\n\r\n \r\n"
          "--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b--\r\n",
          "\"html\"");
    shows("Content-Type: image/png\r\n\r\nPNG\r\n", "\"\"");
}

/* 200 characters, not octets; however long the part is. */
static void it_has_an_end(void)
{
    enum { LONG = 300000 };
    char *message = malloc(LONG + 100), *expected = malloc(2000);
    size_t at = (size_t)sprintf(message, "Content-Type: text/plain; charset=utf-8\r\n\r\n"), n;

    for (size_t i = 0; i < 5000; i++)
        at += (size_t)sprintf(message + at, "\xf0\x9f\x99\x82%s", i % 20 == 19 ? "\r\n" : "");
    n = (size_t)sprintf(expected, "{%d}\r\n", 200 * 4 - 9 * 3);
    for (size_t i = 0, seen = 0; seen < 200; i++, seen++) {
        n += (size_t)sprintf(expected + n, "\xf0\x9f\x99\x82");
        if (i % 20 == 19 && ++seen < 200)
            n += (size_t)sprintf(expected + n, " ");
    }
    shows(message, expected);
    free(message);
    free(expected);
}

static void a_style_without_end_is_not_read_for_ever(void)
{
    enum { LONG = 200000 };
    char *message = malloc(LONG + 1);
    int n = sprintf(message, "Content-Type: text/html\r\n\r\n<style>");

    memset(message + n, 'x', (size_t)(LONG - n));
    for (int i = n + 70; i < LONG; i += 72)
        memcpy(message + i, "\r\n", 2);
    message[LONG] = 0;
    shows(message, "\"\"");
    free(message);
}

int main(void)
{
    check_begin();
    CHECK_CASE(plain_text_is_one_line);
    CHECK_CASE(what_is_encoded_is_decoded);
    CHECK_CASE(html_is_its_text);
    CHECK_CASE(the_text_to_be_read_is_chosen);
    CHECK_CASE(it_has_an_end);
    CHECK_CASE(a_style_without_end_is_not_read_for_ever);
    return check_end();
}
