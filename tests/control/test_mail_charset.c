/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "proto/charset/charset.h"
#include "proto/imap/imap_cursor.h"
#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* SEARCH, SORT and THREAD with texts of other charsets than UTF-8. */

#define SAYS(command, expected) CHECK(mail_scene_says(&m, s, command, expected))

static struct mail_scene m;
static struct imap_session *s;

/* "Privet" in KOI8-R, "Nihon" in ISO-2022-JP, "Strasse" with its one letter in ISO-8859-1. */
static void begin(void)
{
    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    mail_scene_append(&m, s, "a APPEND INBOX {9}\r\n",
                      "Subject: =?koi8-r?q?=F0=D2=C9=D7=C5=D4?=\r\n\r\nx\r\n", NULL);
    mail_scene_append(&m, s, "a APPEND INBOX {9}\r\n",
                      "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
                      "\x1b$BF|K\\\x1b(B\r\n",
                      NULL);
    mail_scene_append(&m, s, "a APPEND INBOX {9}\r\n",
                      "Subject: =?utf-8?q?Stra=C3=9Fe?=\r\n\r\nx\r\n", NULL);
    SAYS("a SELECT INBOX", "* FLAGS (*");
}

static void end(void)
{
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

static void texts_of_many_charsets_are_found(void)
{
    static const struct {
        const char *command, *found;
    } rows[] = {
        {"a SEARCH CHARSET KOI8-R SUBJECT {6}\r\n\xf0\xd2\xc9\xd7\xc5\xd4", "* SEARCH 1\r\n"},
        {"a SEARCH CHARSET windows-1251 SUBJECT {4}\r\n\xd0\xc8\xc2\xc5", "* SEARCH 1\r\n"},
        {"a SEARCH CHARSET \"koi8-r\" BODY {6}\r\n\xf0\xd2\xc9\xd7\xc5\xd4", "* SEARCH\r\n"},
        {"a SEARCH CHARSET Shift_JIS BODY {4}\r\n\x93\xfa\x96\x7b", "* SEARCH 2\r\n"},
        {"a SEARCH CHARSET EUC-JP TEXT {4}\r\n\xc6\xfc\xcb\xdc", "* SEARCH 2\r\n"},
        {"a SEARCH CHARSET ISO-2022-JP TEXT {10}\r\n\x1b$BF|K\\\x1b(B", "* SEARCH 2\r\n"},
        {"a SEARCH CHARSET GB18030 TEXT {4}\r\n\xc8\xd5\xb1\xbe", "* SEARCH 2\r\n"},
        {"a SEARCH CHARSET ISO-8859-1 SUBJECT {6}\r\nSTRA\xdf"
         "e",
         "* SEARCH 3\r\n"},
        {"a UID SEARCH RETURN (ALL) CHARSET ISO-8859-15 OR SUBJECT {1}\r\n\xdf BODY x",
         "* ESEARCH (TAG \"a\") UID ALL 1,3\r\n"},
        {"a SEARCH CHARSET UTF-7 SUBJECT \"Stra+AN8-e\"", "* SEARCH 3\r\n"},
        {"a SEARCH CHARSET KOI8-R ALL", "* SEARCH 1 2 3\r\n"},
        {"a SORT (SUBJECT) KOI8-R SUBJECT {2}\r\n\xf0\xd2", "* SORT 1\r\n"},
        {"a THREAD REFS windows-1252 SUBJECT {1}\r\n\xdf", "* THREAD (3)\r\n"},
    };

    begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char expected[80];

        snprintf(expected, sizeof(expected), "%sa OK done\r\n", rows[i].found);
        SAYS(rows[i].command, expected);
    }
    end();
}

/* RFC 9051 section 7.1: who names another is told which there are; each of them is one. */
static void charsets_are_told(void)
{
    struct span left = span_text(charset_known), name;
    char command[100];
    unsigned count = 0;

    begin();
    SAYS("a SEARCH CHARSET X-NONE ALL", "a NO [BADCHARSET (UTF-8 US-ASCII ISO-8859-1 *");
    CHECK(strstr(m.answer, charset_known));
    SAYS("a SORT (DATE) X-NONE ALL", "a NO [BADCHARSET (UTF-8 *");
    SAYS("a THREAD REFS \"\" ALL", "a NO [BADCHARSET (UTF-8 *");
    while (left.len) {
        ptrdiff_t blank = span_find(left, ' ');

        name = span_head(left, blank < 0 ? left.len : (size_t)blank);
        left = span_skip(left, name.len + 1);
        for (size_t i = 0; i < name.len; i++)
            CHECK(imap_is_atom_char(name.data[i]));
        snprintf(command, sizeof(command), "a SEARCH CHARSET %.*s ALL", (int)name.len,
                 (const char *)name.data);
        SAYS(command, "* SEARCH 1 2 3\r\na OK done\r\n");
        count++;
    }
    CHECK(count > 40);
    end();
}

/* What is no text of the charset that is named finds nothing, and says so. */
static void broken_texts_are_refused(void)
{
    begin();
    SAYS("a SEARCH CHARSET US-ASCII SUBJECT {1}\r\n\xff", "a NO [BADCHARSET *");
    SAYS("a SEARCH CHARSET UTF-8 SUBJECT {1}\r\n\xff", "a NO [BADCHARSET *");
    SAYS("a SEARCH CHARSET Shift_JIS SUBJECT {1}\r\n\x93", "a NO [BADCHARSET *");
    SAYS("a SEARCH CHARSET UTF-16 SUBJECT {1}\r\na", "a NO [BADCHARSET *");
    SAYS("a SEARCH RETURN (SAVE) 1", "a OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE) CHARSET EUC-KR SUBJECT {1}\r\n\xb0", "a NO [BADCHARSET *");
    SAYS("a SEARCH $", "* SEARCH\r\na OK done\r\n");
    end();
}

int main(void)
{
    check_begin();
    CHECK_CASE(texts_of_many_charsets_are_found);
    CHECK_CASE(charsets_are_told);
    CHECK_CASE(broken_texts_are_refused);
    return check_end();
}
