/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_grep.h"

#include <stdlib.h>

#include "dataplane/handoff/chunk.h"

#include "tests/control/store_scene.h"
#include "tests/harness/check.h"
#include "tests/proto/mime_tree_of.h"

static struct store_scene scene;
static uint64_t inbox;
static uint32_t messages;

static void begin(void)
{
    store_scene_begin(&scene, "grep");
    inbox = store_fixture_mailbox(
        scene.store, store_fixture_account(scene.store, "a@example.org", 0), MESSAGE_INBOX, NULL);
}

static void end(void)
{
    store_scene_end(&scene);
}

/* Rows are full but for the last. */
static struct chunk *chunks_of(struct span text)
{
    struct chunk *first = NULL, **tail = &first;

    while (text.len) {
        struct span row = span_head(text, CHUNK_LARGE_DATA);

        *tail = calloc(1, sizeof(**tail) + row.len);
        (*tail)->cap = (*tail)->len = (uint32_t)row.len;
        memcpy((*tail)->data, row.data, row.len);
        tail = &(*tail)->next;
        text = span_skip(text, row.len);
    }
    return first;
}

static uint32_t put(struct span text)
{
    static struct message m;
    struct store_append_row row = {.message = &m};
    struct store_append append = {.mailbox = inbox, .rows = &row, .count = 1};
    struct store_change change = {.kind = STORE_APPEND, .append = &append};
    struct chunk *rest = chunks_of(text);

    m = (struct message){.id = store_fixture_id(++messages),
                         .received_ms = 1,
                         .size = text.len,
                         .rest = rest,
                         .tree = mime_tree_of(text)};
    store_apply(scene.store, &change, 1);
    CHECK(change.status_out == STORE_OK);
    while (rest) {
        struct chunk *next = rest->next;

        free(rest);
        rest = next;
    }
    return row.uid_out;
}

static bool in_message(uint32_t uid, enum mail_grep_where where, const char *name,
                       const char *needle)
{
    const struct store_reading *reading;
    struct mail_needle n;
    /* So that a look outside of it is seen. */
    struct span copy = guard_copy(span_text(needle), true);
    struct mail_grep what = {.where = where, .name = span_text(name), .needle = &n};
    bool found = false;

    CHECK(mail_needle_make(copy, &n));
    guard_free(copy);
    if (CHECK(store_reading_open(scene.store, inbox, uid, &reading) == STORE_OK)) {
        CHECK(mail_grep(scene.store, reading, &what, &found) == STORE_OK);
        store_reading_close(scene.store, reading);
    }
    free(n.text);
    return found;
}

#define BODY(needle) in_message(uid, MAIL_GREP_BODY, "", needle)
#define TEXT(needle) in_message(uid, MAIL_GREP_TEXT, "", needle)
#define FIELD(name, needle) in_message(uid, MAIL_GREP_FIELD, name, needle)

static void headers_are_unfolded_and_decoded(void)
{
    uint32_t uid;

    begin();
    uid = put(span_text("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?q?_aus_K=F6ln?=\r\n"
                        "X-Long: one\r\n two\r\nX-Empty:\r\n"
                        "From: =?utf-8?b?SsO2cmc=?= (work) < jo erg @ example . org >\r\n\r\n"
                        "body\r\n"));
    CHECK(FIELD("subject", "GR\xc3\x9c\xc3\x9f"
                           "E AUS k\xc3\xb6ln"));
    CHECK(FIELD("Subject", "gr\xc3\xbcsse"));
    CHECK(!FIELD("Subject", "utf-8") && !FIELD("Subject", "body"));
    CHECK(FIELD("X-Long", "one two") && !FIELD("X-Lon", ""));
    CHECK(FIELD("X-Empty", "") && !FIELD("X-None", ""));
    CHECK(FIELD("From", "J\xc3\xb6rg"));
    CHECK(TEXT("x-long: one two") && TEXT("BODY"));
    CHECK(BODY("body") && !BODY("one two"));
    end();
}

static void bodies_are_decoded_and_attachments_are_not_looked_at(void)
{
    uint32_t uid;

    begin();
    uid = put(span_text(
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        "--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nsm=F6rg=E5s=\r\nbord\r\n"
        "--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n"
        "\r\naGlkZGVuIHRyZWFzdXJl\r\n"
        "--x\r\nContent-Type: application/octet-stream; name=report.bin\r\n\r\nsecretbytes\r\n"
        "--x--\r\n"));
    CHECK(BODY("SM\xc3\x96RG\xc3\x85SBORD") && BODY("Hidden Treasure"));
    CHECK(!BODY("secretbytes") && !TEXT("secretbytes"));
    CHECK(!BODY("aGlkZGVu") && !BODY("=F6"));
    /* No text goes on from one part into the next. */
    CHECK(!BODY("bordhidden"));
    end();
}

static void a_charset_that_nobody_knows_is_looked_at_as_it_is(void)
{
    uint32_t uid;

    begin();
    uid = put(span_text("Content-Type: text/plain; charset=x-unheard\r\n\r\nplain words\r\n"));
    CHECK(BODY("plain words") && !BODY("other"));
    end();
}

/* Text is looked at 64 KiB at a time: a match may lie on any border, characters of any length, and
 * a row of the store may end anywhere in it. */
static void matches_across_borders_are_found(void)
{
    static const char needle[] = "na\xc3\xaf"
                                 "ve\xe2\x82\xac\xf0\x9f\x98\x80needle";
    static const char head[] = "Content-Type: text/plain; charset=utf-8\r\n\r\n";
    enum { BORDER = 65536, SIZE = 3 * BORDER };
    uint8_t *text = malloc(SIZE);

    begin();
    for (size_t at = BORDER - 80; at < BORDER + 80; at += 3) {
        uint32_t uid;

        for (size_t i = 0; i < SIZE; i++)
            text[i] = i % 70 == 68 ? '\r' : i % 70 == 69 ? '\n' : 'a' + i % 7;
        memcpy(text, head, sizeof(head) - 1);
        memcpy(text + at, needle, sizeof(needle) - 1);
        uid = put(span_of(text, SIZE));
        if (!CHECK(BODY(needle)))
            break;
        CHECK(!BODY("needles"));
    }
    free(text);
    end();
}

static void what_is_no_text_is_refused(void)
{
    struct mail_needle n;

    CHECK(!mail_needle_make(span_text("\xff\xfe"), &n) && !n.text);
    CHECK(!mail_needle_make(span_text("\xc3"), &n) && !n.text);
    CHECK(mail_needle_make(span_text(""), &n) && n.len == 0 && !n.text);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(headers_are_unfolded_and_decoded);
    CHECK_CASE(bodies_are_decoded_and_attachments_are_not_looked_at);
    CHECK_CASE(a_charset_that_nobody_knows_is_looked_at_as_it_is);
    CHECK_CASE(matches_across_borders_are_found);
    CHECK_CASE(what_is_no_text_is_refused);
    return check_end();
}
