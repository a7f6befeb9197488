/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* ENABLE IMAP4rev2 and UTF8=ACCEPT: what is told then, and what to those that have not. */

#define SAYS(command, expected) CHECK(mail_scene_says(&m, s, command, expected))
#define OTHER_SAYS(command, expected) CHECK(mail_scene_says(&m, other, command, expected))
#define HAS(text) CHECK(strstr(m.answer, text) != NULL)
#define HAS_NOT(text) CHECK(strstr(m.answer, text) == NULL)

/* "Bücher", composed and with a mark of its own; in modified UTF-7. */
#define BOOKS                                                                                      \
    "B\xc3\xbc"                                                                                    \
    "cher"
#define BOOKS_MARK                                                                                 \
    "Bu\xcc\x88"                                                                                   \
    "cher"
#define BOOKS_UTF7 "B&APw-cher"

static const char plain[] = "Subject: one\r\n\r\nfirst\r\n";
static const char utf8[] = "From: J\xc3\xb6rg <j\xc3\xb6rg@example.com>\r\n"
                           "Subject: sm\xc3\xb8rrebr\xc3\xb8"
                           "d\r\n\r\nbody\r\n";

static struct mail_scene m;
static struct imap_session *s, *other; /* `other` enables nothing */

static void begin(const char *enabled)
{
    char command[80], expected[80];

    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    other = mail_scene_open(&m);
    snprintf(command, sizeof(command), "a ENABLE %s", enabled);
    snprintf(expected, sizeof(expected), "* ENABLED %s\r\na OK done\r\n", enabled);
    SAYS(command, expected);
}

static void end(void)
{
    mail_scene_close(&m, other);
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

/* RFC 9051 sections 6.3.2, 7.4, 2.3.2 */
static void recent_is_told_to_rev1_alone(void)
{
    begin("IMAP4rev2");
    mail_scene_append(&m, s, "a APPEND INBOX {23}\r\n", plain, NULL);
    SAYS("a EXAMINE INBOX", "* FLAGS (*");
    HAS_NOT("RECENT");
    HAS_NOT("UNSEEN");
    HAS("* 1 EXISTS\r\n");
    HAS("* LIST (\\HasNoChildren) \"/\" INBOX\r\n");
    HAS("[UIDNEXT 2]");
    HAS("[UIDVALIDITY ");
    HAS("[PERMANENTFLAGS ()]");
    HAS("a OK [READ-ONLY] selected\r\n");
    OTHER_SAYS("b EXAMINE INBOX", "* FLAGS (*");
    HAS("* 1 RECENT\r\n");
    HAS("[UNSEEN 1]");
    HAS_NOT("* LIST");
    SAYS("a SELECT INBOX", "* OK [CLOSED] the mailbox before is\r\n* FLAGS (*");
    SAYS("a FETCH 1 FLAGS", "* 1 FETCH (FLAGS ())\r\na OK done\r\n");
    mail_scene_append(&m, other, "b APPEND INBOX {23}\r\n", plain, NULL);
    SAYS("a NOOP", "* 2 EXISTS\r\na OK done\r\n");
    SAYS("a UID FETCH 2 FLAGS", "* 2 FETCH (FLAGS () UID 2)\r\na OK done\r\n");
    OTHER_SAYS("b STATUS INBOX (MESSAGES RECENT)", "* STATUS INBOX (MESSAGES 2 RECENT 0)\r\n"
                                                   "b OK done\r\n");
    SAYS("a STATUS INBOX (MESSAGES RECENT)", "a BAD *");
    SAYS("a LIST \"\" * RETURN (STATUS (RECENT))", "a BAD *");
    SAYS("a STATUS INBOX (UNSEEN DELETED SIZE)",
         "* STATUS INBOX (UNSEEN 2 SIZE 46 DELETED 0)\r\na OK done\r\n");
    end();
}

/* RFC 9051 appendix E: 12, 17, 19 */
static void what_rev1_alone_has_is_bad(void)
{
    static const char *const refused[] = {"a CHECK",
                                          "a LSUB \"\" *",
                                          "a SEARCH RECENT",
                                          "a SEARCH NOT (NEW SEEN)",
                                          "a SEARCH OLD",
                                          "a UID SEARCH OR NEW SEEN",
                                          "a SORT (DATE) UTF-8 NEW",
                                          "a THREAD REFERENCES UTF-8 RECENT"};

    begin("IMAP4rev2");
    SAYS("a SELECT INBOX", "* FLAGS (*");
    OTHER_SAYS("b SELECT INBOX", "* FLAGS (*");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        SAYS(refused[i], "a BAD *");
        mail_scene_run(&m, other, refused[i]);
        HAS("a OK done\r\n");
    }
    end();
}

/* RFC 9051 section 6.4.4 */
static void search_is_answered_by_esearch(void)
{
    begin("IMAP4rev2");
    for (int i = 0; i < 3; i++)
        mail_scene_append(&m, s, "a APPEND INBOX {23}\r\n", plain, NULL);
    SAYS("a SELECT INBOX", "* FLAGS (*");
    OTHER_SAYS("b SELECT INBOX", "* FLAGS (*");
    SAYS("a SEARCH UNSEEN", "* ESEARCH (TAG \"a\") ALL 1:3\r\na OK done\r\n");
    SAYS("a UID SEARCH 2:3", "* ESEARCH (TAG \"a\") UID ALL 2:3\r\na OK done\r\n");
    SAYS("a SEARCH SEEN", "* ESEARCH (TAG \"a\")\r\na OK done\r\n");
    SAYS("a SEARCH CHARSET UTF-8 SUBJECT one", "* ESEARCH (TAG \"a\") ALL 1:3\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (MIN COUNT) ALL", "* ESEARCH (TAG \"a\") MIN 1 COUNT 3\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE) 2", "a OK done\r\n");
    SAYS("a SEARCH $", "* ESEARCH (TAG \"a\") ALL 2\r\na OK done\r\n");
    OTHER_SAYS("b SEARCH UNSEEN", "* SEARCH 1 2 3\r\nb OK done\r\n");
    SAYS("a SORT (ARRIVAL) UTF-8 ALL", "* SORT 1 2 3\r\na OK done\r\n");
    end();
}

/* RFC 9051 sections 5.1, 6.3.9.7, appendix A.1 */
static void names_are_utf8(const char *enabled)
{
    begin(enabled);
    SAYS("a CREATE \"" BOOKS "\"", "a OK [MAILBOXID *");
    SAYS("a LIST \"\" \"B*\"", "* LIST (\\HasNoChildren) \"/\" \"" BOOKS "\"\r\na OK done\r\n");
    OTHER_SAYS("b LIST \"\" B*", "* LIST (\\HasNoChildren) \"/\" " BOOKS_UTF7 "\r\nb OK done\r\n");
    SAYS("a STATUS \"" BOOKS_MARK "\" (MESSAGES)",
         "* STATUS \"" BOOKS "\" (MESSAGES 0)\r\na OK done\r\n");
    OTHER_SAYS("b STATUS " BOOKS_UTF7 " (MESSAGES)",
               "* STATUS " BOOKS_UTF7 " (MESSAGES 0)\r\nb OK done\r\n");
    /* There the shift is none. */
    SAYS("a STATUS " BOOKS_UTF7 " (MESSAGES)", "a NO [NONEXISTENT] *");
    SAYS("a LIST \"\" (\"" BOOKS_MARK "\" \"I%\")",
         "* LIST (\\HasNoChildren) \"/\" \"" BOOKS "\"\r\n"
         "* LIST (\\HasNoChildren) \"/\" INBOX\r\na OK done\r\n");
    OTHER_SAYS("b STATUS \"" BOOKS "\" (MESSAGES)", "b BAD *");
    OTHER_SAYS("b CREATE {8}\r\n" BOOKS "s", "b NO [CANNOT] *");
    /* What is no Net-Unicode makes no mailbox. */
    SAYS("a CREATE \"a\xff\"", "a BAD *");
    SAYS("a CREATE {2}\r\na\xff", "a NO [CANNOT] *");
    SAYS("a CREATE {3}\r\na\xc2\x85", "a NO [CANNOT] *");
    SAYS("a CREATE \"a\xe2\x80\xa8\"", "a NO [CANNOT] *");
    SAYS("a CREATE \"a\x7f\"", "a NO [CANNOT] *");
    SAYS("a SUBSCRIBE \"" BOOKS_MARK "\"", "a OK done\r\n");
    SAYS("a GETQUOTAROOT \"" BOOKS_MARK "\"", "* QUOTAROOT \"" BOOKS "\"\r\na OK done\r\n");
    end();
}

static void names_are_utf8_in_rev2(void)
{
    names_are_utf8("IMAP4rev2");
}

static void names_are_utf8_where_it_is_accepted(void)
{
    names_are_utf8("UTF8=ACCEPT");
}

#define OLD " (\"OLDNAME\" (\"" BOOKS_MARK "\"))\r\n"

static void another_spelling_is_told(void)
{
    begin("IMAP4rev2");
    SAYS("a CREATE \"" BOOKS_MARK "\"",
         "* LIST (\\HasNoChildren) \"/\" \"" BOOKS "\"" OLD "a OK [MAILBOXID *");
    SAYS("a SUBSCRIBE \"" BOOKS "\"", "a OK done\r\n");
    SAYS("a CREATE \"" BOOKS "/below/\"", "a OK [MAILBOXID *");
    SAYS("a SELECT \"" BOOKS_MARK "\"", "* FLAGS (*");
    HAS("* LIST (\\Subscribed \\HasChildren) \"/\" \"" BOOKS "\"" OLD);
    SAYS("a SELECT \"" BOOKS "\"", "* OK [CLOSED] *");
    HAS("* LIST (\\Subscribed \\HasChildren) \"/\" \"" BOOKS "\"\r\n");
    SAYS("a SELECT inbox", "* OK [CLOSED] *");
    HAS("* LIST (\\HasNoChildren) \"/\" INBOX (\"OLDNAME\" (inbox))\r\n");
    mail_scene_append(&m, s, "a APPEND \"" BOOKS_MARK "\" {23}\r\n", plain, NULL);
    HAS("* LIST (\\Subscribed \\HasChildren) \"/\" \"" BOOKS "\"" OLD "a OK [APPENDUID ");
    SAYS("a RENAME \"" BOOKS_MARK "\" plain",
         "* LIST (\\HasChildren) \"/\" plain" OLD "a OK done\r\n");
    SAYS("a RENAME plain \"" BOOKS_MARK "\"",
         "* LIST (\\Subscribed \\HasChildren) \"/\" \"" BOOKS "\" (\"OLDNAME\" (plain))\r\n"
         "a OK done\r\n");
    SAYS("a RENAME \"" BOOKS "\" plain", "a OK done\r\n");
    SAYS("a UNSUBSCRIBE \"" BOOKS "\"", "a OK done\r\n");
    SAYS("a CREATE \"" BOOKS "\"", "a OK [MAILBOXID *");
    SAYS("a DELETE \"" BOOKS_MARK "\"",
         "* LIST (\\NonExistent \\HasNoChildren) \"/\" \"" BOOKS "\"" OLD "a OK done\r\n");
    OTHER_SAYS("b SELECT inbox", "* FLAGS (*");
    HAS_NOT("OLDNAME");
    end();
}

/* RFC 9051 sections 6.3.5, 7.1 */
static void a_level_with_mailboxes_below_stays(void)
{
    begin("IMAP4rev2");
    SAYS("a CREATE x/y/z", "a OK [MAILBOXID *");
    SAYS("a DELETE x/y", "a NO [HASCHILDREN] *");
    SAYS("a DELETE x/", "a NO [HASCHILDREN] *");
    SAYS("a DELETE x/y/z", "a OK done\r\n");
    SAYS("a DELETE x/y", "a NO [NONEXISTENT] *");
    end();
}

/* RFC 6855 section 3 */
static void the_charset_is_agreed(void)
{
    begin("UTF8=ACCEPT");
    mail_scene_append(&m, s, "a APPEND INBOX {64}\r\n", utf8, NULL);
    SAYS("a SELECT INBOX", "* FLAGS (*");
    HAS("RECENT");
    SAYS("a SEARCH CHARSET UTF-8 ALL", "a BAD *");
    SAYS("a SEARCH RETURN () CHARSET US-ASCII ALL", "a BAD *");
    SAYS("a SEARCH SUBJECT \"SM\xc3\x98RRE\"", "* SEARCH 1\r\na OK done\r\n");
    SAYS("a SEARCH FROM \"j\xc3\xb6rg@\"", "* SEARCH 1\r\na OK done\r\n");
    SAYS("a SEARCH SUBJECT \"\xc3\"", "a BAD *");
    SAYS("a SORT (SUBJECT) UTF-8 ALL", "* SORT 1\r\na OK done\r\n");
    OTHER_SAYS("b SELECT INBOX", "* FLAGS (*");
    OTHER_SAYS("b SEARCH CHARSET UTF-8 SUBJECT {3}\r\n\xc3\x98R", "* SEARCH 1\r\nb OK done\r\n");
    OTHER_SAYS("b SEARCH SUBJECT \"\xc3\x98R\"", "b BAD *");
    end();
}

/* RFC 6855 section 4 */
static void headers_of_utf8_are_appended(void)
{
    begin("UTF8=ACCEPT");
    mail_scene_begin_run(&m, s, "a APPEND INBOX (\\Seen) UTF8 (~{64}\r\n");
    CHECK(m.last.append_out);
    m.answer_len = 0;
    mail_scene_message(&m, s, utf8, ")", false);
    HAS("a OK [APPENDUID ");
    mail_scene_begin_run(&m, s, "a APPEND INBOX UTF8 (~{64}\r\n");
    mail_scene_message(&m, s, utf8, ") UTF8 (~{64}\r\n", true);
    mail_scene_message(&m, s, utf8, ") (\\Seen) {23}\r\n", true);
    mail_scene_message(&m, s, plain, "", false);
    HAS("a OK [APPENDUID ");
    HAS(" 2:4] ");
    /* Parentheses that do not fit. */
    mail_scene_begin_run(&m, s, "a APPEND INBOX UTF8 (~{64}\r\n");
    mail_scene_message(&m, s, utf8, "", false);
    HAS("a BAD ");
    mail_scene_begin_run(&m, s, "a APPEND INBOX UTF8 (~{64}\r\n");
    mail_scene_message(&m, s, utf8, " {23}\r\n", true);
    HAS("a BAD ");
    mail_scene_begin_run(&m, s, "a APPEND INBOX {23}\r\n");
    mail_scene_message(&m, s, plain, ")", false);
    HAS("a BAD ");
    SAYS("a APPEND INBOX UTF8 (~{64+}\r\n", "");
    CHECK(m.last.append_out);
    mail_scene_message(&m, s, utf8, ")", false);
    SAYS("a APPEND INBOX UTF8 ({64}\r\n", "a BAD *");
    SAYS("a APPEND INBOX UTF8 ~{64}\r\n", "a BAD *");
    SAYS("a STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 5)\r\na OK done\r\n");
    end();
}

static void and_refused_of_who_has_not_enabled_it(void)
{
    begin("UTF8=ACCEPT");
    mail_scene_append(&m, other, "b APPEND INBOX {64}\r\n", utf8, NULL);
    HAS("b NO [CANNOT] ");
    CHECK(!m.last.stored_out);
    mail_scene_begin_run(&m, other, "b APPEND INBOX UTF8 (~{64}\r\n");
    mail_scene_message(&m, other, utf8, ")", false);
    HAS("b NO [CANNOT] ");
    /* All or none of them. */
    mail_scene_begin_run(&m, other, "b APPEND INBOX {23}\r\n");
    mail_scene_message(&m, other, plain, " {64}\r\n", true);
    mail_scene_message(&m, other, utf8, "", false);
    HAS("b NO [CANNOT] ");
    OTHER_SAYS("b STATUS INBOX (MESSAGES)", "* STATUS INBOX (MESSAGES 0)\r\nb OK done\r\n");
    /* The body's octets are nobody's business. */
    mail_scene_append(&m, other, "b APPEND INBOX {21}\r\n", "Subject: x\r\n\r\nsm\xc3\xb8r\r\n",
                      NULL);
    HAS("b OK [APPENDUID ");
    OTHER_SAYS("b ENABLE IMAP4rev2", "* ENABLED IMAP4rev2\r\nb OK done\r\n");
    mail_scene_append(&m, other, "b APPEND INBOX {64}\r\n", utf8, NULL);
    HAS("b OK [APPENDUID ");
    end();
}

/* RFC 9051 sections 4.3.1, 7.5.2; RFC 6855 section 3 */
static void quoted_strings_have_utf8(void)
{
    begin("IMAP4rev2 UTF8=ACCEPT");
    mail_scene_append(&m, s, "a APPEND INBOX {64}\r\n", utf8, NULL);
    SAYS("a SELECT INBOX", "* FLAGS (*");
    SAYS("a FETCH 1 ENVELOPE",
         "* 1 FETCH (ENVELOPE (NIL \"sm\xc3\xb8rrebr\xc3\xb8"
         "d\" ((\"J\xc3\xb6rg\" NIL \"j\xc3\xb6rg\" \"example.com\")) "
         "((\"J\xc3\xb6rg\" NIL \"j\xc3\xb6rg\" \"example.com\")) "
         "((\"J\xc3\xb6rg\" NIL \"j\xc3\xb6rg\" \"example.com\")) NIL NIL NIL NIL NIL))\r\n"
         "a OK done\r\n");
    end();
}

/* ---- what others are given of it ---- */

/* A message with 8-bit headers everywhere: its own, a part's, a message's within, and that one's
 * parts'. */
static const char nested[] =
    "Received: from x by y for <j\xc3\xb6rg@example.com>; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From: J\xc3\xb6rg <j\xc3\xb6rg@example.com>\r\n"
    "To: plain <a@example.com>,\r\n \"\xc3\x85sa\" <b@example.com>\r\n"
    "Subject: sm\xc3\xb8rrebr\xc3\xb8"
    "d of a length that makes more than one line when it is encoded, and still more of it\r\n"
    "X-Other: \xc3\xb8\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n"
    "\r\n"
    "pre\xc3\xa4mble\r\n"
    "--b\r\n"
    "Content-Type: text/plain; charset=utf-8; name=\"\xc3\xa9t\xc3\xa9.txt\"\r\n"
    "Content-Disposition: attachment; filename=\"\xc3\xa9t\xc3\xa9.txt\"; size=3\r\n"
    "Content-Description: \xc3\xa9t\xc3\xa9\r\n"
    "\r\n"
    "b\xc3\xb8"
    "dy\r\n"
    "--b\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: inner \xc3\xb8\r\n"
    "Cc: \xc3\xb8@example.com\r\n"
    "Content-Type: multipart/alternative; boundary=c\r\n"
    "\r\n"
    "--c\r\n"
    "Content-Description: plain\r\n"
    "\r\n"
    "one\r\n"
    "--c\r\n"
    "Content-Type: text/html; x=\xc3\xb8\r\n"
    "\r\n"
    "<p>two\r\n"
    "--c--\r\n"
    "--b--\r\n"
    "epilogue\r\n";

/* What BODY[] was, NUL-terminated. */
static char *whole_of(unsigned number)
{
    static char text[8192];
    char command[80];
    const char *at;
    size_t len;

    snprintf(command, sizeof(command), "b FETCH %u BODY.PEEK[]", number);
    mail_scene_run(&m, other, command);
    at = strchr(m.answer, '{');
    len = at ? strtoul(at + 1, NULL, 10) : 0;
    at = at ? strstr(at, "\r\n") : NULL;
    if (!CHECK(at && len < sizeof(text) && strlen(at) >= len + 2))
        return strcpy(text, "");
    memcpy(text, at + 2, len);
    text[len] = 0;
    return text;
}

/* What is said of a message behind its number. */
static char *said_of(unsigned number, const char *items)
{
    static char text[16384];
    char command[400];
    char *end;

    snprintf(command, sizeof(command), "b FETCH %u (%s)", number, items);
    mail_scene_run(&m, other, command);
    snprintf(text, sizeof(text), "%s", m.answer + strlen("* 1"));
    end = strstr(text, "\r\nb OK ");
    if (CHECK(end != NULL))
        *end = 0;
    return text;
}

static void a_surrogate_is_a_message(void)
{
    static const char items[] = "ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[TEXT] "
                                "BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2] BODY.PEEK[2.HEADER] "
                                "BODY.PEEK[2.TEXT] BODY.PEEK[2.2] BODY.PEEK[2.2.MIME] "
                                "BODY.PEEK[HEADER.FIELDS (Subject X-Other)] "
                                "BODY.PEEK[2.HEADER.FIELDS.NOT (Cc)] BINARY.PEEK[1]";
    char first[16384];

    begin("UTF8=ACCEPT");
    mail_scene_append(&m, s, "a APPEND INBOX {9}\r\n", nested, NULL);
    HAS("a OK ");
    OTHER_SAYS("b SELECT INBOX", "* FLAGS (*");
    OTHER_SAYS("b FETCH 1 BODY.PEEK[]", "* 1 FETCH (*");
    HAS("b OK [DOWNGRADED 1] ");
    /* It is read just as it is when it comes as a message of its own. */
    mail_scene_append(&m, other, "b APPEND INBOX {9}\r\n", whole_of(1), NULL);
    HAS("b OK [APPENDUID ");
    snprintf(first, sizeof(first), "%s", said_of(1, items));
    CHECK_TEXT(span_text(said_of(2, items)), first);
    CHECK(strlen(first) > 3000);
    CHECK_TEXT(span_text(whole_of(2)), whole_of(1));
    mail_scene_run(&m, other, "b FETCH 1:2 (ENVELOPE BODY[])");
    HAS("b OK [DOWNGRADED 1] ");
    end();
}

static void what_is_in_it(void)
{
    const char *text;

    begin("UTF8=ACCEPT");
    mail_scene_append(&m, s, "a APPEND INBOX {9}\r\n", nested, NULL);
    OTHER_SAYS("b SELECT INBOX", "* FLAGS (*");
    text = whole_of(1);
    CHECK(strstr(text, "From: =?UTF-8?B?"));
    CHECK(strstr(text, "<invalid@internationalized-address.invalid>"));
    CHECK(strstr(text, "To: plain <a@example.com>,\r\n =?UTF-8?B?"));
    CHECK(strstr(text, "Subject: =?UTF-8?B?"));
    CHECK(!strstr(text, "X-Other"));
    CHECK(!strstr(text, "Received"));
    CHECK(!strstr(text, "filename"));
    CHECK(!strstr(text, "Content-Description: \xc3"));
    CHECK(strstr(text, "attachment;\r\n size=3\r\n"));
    CHECK(strstr(text, "pre\xc3\xa4mble"));
    CHECK(strstr(text, "\r\nb\xc3\xb8"
                       "dy\r\n"));
    CHECK(strstr(text, "epilogue\r\n"));
    /* Bytes above 127 in bodies alone. */
    OTHER_SAYS("b FETCH 1 (FLAGS RFC822.SIZE UID)", "* 1 FETCH (*");
    HAS("b OK done\r\n");
    SAYS("a SELECT INBOX", "* FLAGS (*");
    SAYS("a FETCH 1 BODY.PEEK[HEADER.FIELDS (X-Other)]",
         "* 1 FETCH (BODY[HEADER.FIELDS (X-Other)] {15}\r\nX-Other: \xc3\xb8\r\n\r\n)\r\na OK "
         "done\r\n");
    end();
}

/* However it is asked for, and however little room there is for it. */
static void a_surrogate_is_read_from_anywhere(void)
{
    char text[8192], command[80], expected[8400];
    size_t len;

    begin("UTF8=ACCEPT");
    mail_scene_append(&m, s, "a APPEND INBOX {9}\r\n", nested, NULL);
    OTHER_SAYS("b SELECT INBOX", "* FLAGS (*");
    len = strlen(strcpy(text, whole_of(1)));
    for (size_t at = 0; at < len; at += 7) {
        size_t n = len - at < 500 ? len - at : 500;

        m.room = (uint32_t)(20 + at % 300);
        snprintf(command, sizeof(command), "b FETCH 1 BODY.PEEK[]<%zu.500>", at);
        snprintf(expected, sizeof(expected),
                 "* 1 FETCH (BODY[]<%zu> {%zu}\r\n%.*s)\r\nb OK [DOWNGRADED 1] done\r\n", at, n,
                 (int)n, text + at);
        OTHER_SAYS(command, expected);
    }
    end();
}

/* RFC 6858 section 3: those that were given otherwise are named, by UID. */
static void surrogates_are_named(void)
{
    begin("UTF8=ACCEPT");
    for (int i = 0; i < 6; i++)
        mail_scene_append(&m, s, "a APPEND INBOX {9}\r\n", i == 2 ? plain : utf8, NULL);
    OTHER_SAYS("b SELECT INBOX", "* FLAGS (*");
    OTHER_SAYS("b STORE 1 +FLAGS.SILENT (\\Deleted)", "b OK done\r\n");
    OTHER_SAYS("b EXPUNGE", "* 1 EXPUNGE\r\nb OK done\r\n");
    mail_scene_run(&m, other, "b FETCH 1:* ENVELOPE");
    HAS("b OK [DOWNGRADED 2,4:6] done\r\n");
    OTHER_SAYS("b FETCH 1:* (FLAGS UID)", "* 1 FETCH (*");
    HAS("b OK done\r\n");
    mail_scene_run(&m, other, "b UID FETCH 3 BODY[]");
    HAS("b OK done\r\n");
    /* A copy is of the message. */
    mail_scene_run(&m, other, "b COPY 1 INBOX");
    HAS("b OK [COPYUID ");
    SAYS("a SELECT INBOX", "* FLAGS (*");
    SAYS("a FETCH 6 BODY.PEEK[HEADER.FIELDS (Subject)]",
         "* 6 FETCH (BODY[HEADER.FIELDS (Subject)] {25}\r\nSubject: sm\xc3\xb8rrebr\xc3\xb8"
         "d\r\n\r\n)\r\na OK done\r\n");
    end();
}

/* Headers beyond what is kept in memory for one. */
static void a_header_may_be_too_large(void)
{
    size_t len = 9 << 20;
    char *text = malloc(len + 1);

    begin("UTF8=ACCEPT");
    if (!CHECK(text != NULL))
        return;
    for (size_t i = 0; i < len; i += 16)
        memcpy(text + i,
               i == 32 ? "X-O: abc\xc3\xb8"
                         "cdef\r\n"
                       : "X-Other: plain\r\n",
               16);
    memcpy(text + len - 2, "\r\n", 2);
    mail_scene_append_bytes(&m, s, "a APPEND INBOX {9}\r\n", span_of(text, len));
    mail_scene_append(&m, s, "a APPEND INBOX {9}\r\n", utf8, NULL);
    OTHER_SAYS("b SELECT INBOX", "* FLAGS (*");
    mail_scene_run(&m, other, "b FETCH 1:2 BODY.PEEK[HEADER.FIELDS (Date)]");
    HAS("b NO [LIMIT] ");
    HAS("* 2 FETCH (");
    HAS_NOT("* 1 FETCH (");
    OTHER_SAYS("b FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Recent))\r\nb OK done\r\n");
    free(text);
    end();
}

int main(void)
{
    check_begin();
    CHECK_CASE(recent_is_told_to_rev1_alone);
    CHECK_CASE(what_rev1_alone_has_is_bad);
    CHECK_CASE(search_is_answered_by_esearch);
    CHECK_CASE(names_are_utf8_in_rev2);
    CHECK_CASE(names_are_utf8_where_it_is_accepted);
    CHECK_CASE(another_spelling_is_told);
    CHECK_CASE(a_level_with_mailboxes_below_stays);
    CHECK_CASE(the_charset_is_agreed);
    CHECK_CASE(headers_of_utf8_are_appended);
    CHECK_CASE(and_refused_of_who_has_not_enabled_it);
    CHECK_CASE(quoted_strings_have_utf8);
    CHECK_CASE(a_surrogate_is_a_message);
    CHECK_CASE(what_is_in_it);
    CHECK_CASE(a_surrogate_is_read_from_anywhere);
    CHECK_CASE(surrogates_are_named);
    CHECK_CASE(a_header_may_be_too_large);
    return check_end();
}
