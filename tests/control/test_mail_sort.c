/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/mail/mail_collate.h"
#include "control/mail/mail_digest.h"
#include "control/mail/mail_session.h"
#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* SORT and THREAD, and what is remembered of messages for them. */

#define SAYS(command, expected) CHECK(mail_scene_says(&m, s, command, expected))

static struct mail_scene m;
static struct imap_session *s;

static void append(const char *header)
{
    static char message[40000], command[80];
    int len = snprintf(message, sizeof(message), "%s\r\nbody\r\n", header);

    snprintf(command, sizeof(command), "a APPEND INBOX \"01-Feb-2020 10:00:00 +0000\" {%d}\r\n",
             len);
    mail_scene_append(&m, s, command, message, NULL);
    CHECK(m.last.stored_out);
}

static void begin(void)
{
    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    append("Date: 3 Jan 2020 10:00:00 +0000\r\nFrom: carol@x\r\nTo: b@x\r\nSubject: "
           "one\r\nMessage-ID: <1@x>\r\n");
    append("Date: 2 Jan 2020 10:00:00 +0000\r\nFrom: Bob <zed@x>\r\nCc: x@x\r\nSubject: Re: ONE\r\n"
           "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n");
    append("From: \"alice\" <mike@x>\r\nTo: a@x\r\nSubject: two\r\nMessage-ID: <3@x>\r\n"
           "References: <0@x> <2@x>\r\n");
    append("Date: nonsense\r\nSubject: Fwd: two\r\n");
    SAYS("a SELECT INBOX", "*");
}

static void end(void)
{
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

static void messages_are_sorted(void)
{
    begin();
    SAYS("a SORT (DATE) UTF-8 ALL", "* SORT 2 1 3 4\r\na OK done\r\n");
    SAYS("a UID SORT (REVERSE DATE) US-ASCII 1:3", "* SORT 3 1 2\r\na OK done\r\n");
    SAYS("a SORT (FROM) UTF-8 ALL", "* SORT 4 1 3 2\r\na OK done\r\n");
    SAYS("a SORT (DISPLAYFROM) UTF-8 ALL", "* SORT 4 3 2 1\r\na OK done\r\n");
    SAYS("a SORT (TO CC) UTF-8 ALL", "* SORT 4 2 3 1\r\na OK done\r\n");
    SAYS("a SORT (DISPLAYTO) UTF-8 ALL", "* SORT 2 4 3 1\r\na OK done\r\n");
    SAYS("a SORT (SUBJECT REVERSE DATE) UTF-8 ALL", "* SORT 1 2 3 4\r\na OK done\r\n");
    SAYS("a SORT (REVERSE ARRIVAL SIZE) UTF-8 ALL", "* SORT 4 1 3 2\r\na OK done\r\n");
    SAYS("a SORT (SIZE) UTF-8 SEEN", "* SORT\r\na OK done\r\n");
    SAYS("a SORT (SIZE) X-NONE ALL", "a NO [BADCHARSET*");
    SAYS("a SORT (DATE) UTF-8 MODSEQ 1", "*");
    CHECK(strstr(m.answer, "* SORT 2 1 3 4 (MODSEQ ") != NULL);
    end();
}

static void sorted_results_are_returned_and_saved(void)
{
    begin();
    SAYS("a SORT RETURN (MIN MAX COUNT ALL) (DATE) UTF-8 ALL",
         "* ESEARCH (TAG \"a\") MIN 2 MAX 4 COUNT 4 ALL 2,1,3:4\r\na OK done\r\n");
    SAYS("a SORT RETURN (SAVE MIN) (DATE) UTF-8 ALL",
         "* ESEARCH (TAG \"a\") MIN 2\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH 2\r\na OK done\r\n");
    SAYS("a SORT RETURN (SAVE MIN MAX) (REVERSE DATE) UTF-8 1:3",
         "* ESEARCH (TAG \"a\") MIN 3 MAX 2\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH 2 3\r\na OK done\r\n");
    SAYS("a SORT RETURN (SAVE) (REVERSE DATE) UTF-8 1:3", "a OK done\r\n");
    SAYS("a SORT (REVERSE DATE) UTF-8 $", "* SORT 3 1 2\r\na OK done\r\n");
    SAYS("a SORT RETURN (SAVE) (DATE) X-NONE ALL", "a NO *");
    SAYS("a SEARCH $", "* SEARCH\r\na OK done\r\n");
    end();
}

static void messages_are_threaded(void)
{
    begin();
    SAYS("a THREAD REFERENCES UTF-8 ALL", "* THREAD (1 2 3)(4)\r\na OK done\r\n");
    SAYS("a THREAD ORDEREDSUBJECT UTF-8 ALL", "* THREAD (2 1)(3 4)\r\na OK done\r\n");
    SAYS("a UID THREAD REFS UTF-8 2:4", "* THREAD (2 3)(4)\r\na OK done\r\n");
    SAYS("a THREAD REFS UTF-8 SEEN", "* THREAD\r\na OK done\r\n");
    SAYS("a THREAD REFS X-NONE ALL", "a NO [BADCHARSET*");
    SAYS("a THREAD JWZ UTF-8 ALL", "a BAD bad arguments\r\n");
    end();
}

/* References of more than the part tree has of a field: the last ids are those that count. */
static void long_references_are_read_to_their_end(void)
{
    static char header[30000];
    int len;

    begin();
    len = snprintf(header, sizeof(header), "Subject: long\r\nMessage-ID: <9@x>\r\nReferences:");
    for (int i = 0; i < 1500; i++)
        len += snprintf(header + len, 40, "\r\n <some.%d@x>", i);
    snprintf(header + len, 40, "\r\n <1@x> <3@x>\r\n");
    append(header);
    SAYS("a NOOP", "*");
    SAYS("a THREAD REFS UTF-8 ALL", "* THREAD (4)(1 2 3 5)\r\na OK done\r\n");
    end();
}

/* What is remembered is not read again; what is not, is, and so is what else is asked for. */
static void digests_are_remembered(void)
{
    struct mail_digests *d = mail_service_digests(s ? s->service : NULL);
    const struct mail_digest *first, *second;
    struct mail_box *box = s->view.box;
    bool read;

    mail_digests_hold(d, box);
    CHECK(mail_digest_get(d, m.scene.store, box, 0, 1u << MAIL_DIGEST_FROM, &first, &read) ==
              STORE_OK &&
          read);
    CHECK_TEXT(mail_digest_text(first, MAIL_DIGEST_FROM), "CAROL");
    CHECK(mail_digest_get(d, m.scene.store, box, 0, 1u << MAIL_DIGEST_FROM, &second, &read) ==
              STORE_OK &&
          !read && second == first);
    CHECK(mail_digest_get(d, m.scene.store, box, 0,
                          1u << MAIL_DIGEST_SUBJECT | 1u << MAIL_DIGEST_SENT, &second,
                          &read) == STORE_OK &&
          read && second != first);
    CHECK_TEXT(mail_digest_text(second, MAIL_DIGEST_FROM), "CAROL");
    CHECK_TEXT(mail_digest_text(second, MAIL_DIGEST_SUBJECT), "ONE");
    CHECK(second->dated && second->sent == 1578045600);
    /* The first is still there for whoever has it. */
    CHECK_TEXT(mail_digest_text(first, MAIL_DIGEST_FROM), "CAROL");
    mail_digests_release(box);
}

static void what_is_remembered_is_not_read_again(void)
{
    begin();
    digests_are_remembered();
    end();
}

/* Two mailboxes, and room for the digests of one. */
static void the_one_that_nobody_uses_forgets(void)
{
    enum { PARTS = 1u << MAIL_DIGEST_SUBJECT };
    struct mail_digests *d;
    const struct mail_digest *g;
    struct mail_box *one = NULL, *two = NULL;
    uint64_t inbox = 0;
    uint32_t kept = 0;
    bool read;

    begin();
    CHECK(store_mailbox_find(m.scene.store, m.account, span_text(STORE_INBOX), &inbox) == STORE_OK);
    CHECK(mail_box_open(m.scene.store, inbox, &one) == STORE_OK &&
          mail_box_read(m.scene.store, one, 0) == STORE_OK);
    CHECK(mail_box_open(m.scene.store, inbox, &two) == STORE_OK &&
          mail_box_read(m.scene.store, two, 0) == STORE_OK);
    d = mail_digests_new(4 * (sizeof(struct mail_digest) + 4));
    mail_digests_hold(d, one);
    for (uint32_t slot = 0; slot < 4; slot++)
        CHECK(mail_digest_get(d, m.scene.store, one, slot, PARTS, &g, &read) == STORE_OK && read);
    mail_digests_hold(d, two);
    CHECK(mail_digest_get(d, m.scene.store, two, 0, PARTS, &g, &read) == STORE_LIMIT);
    mail_digests_release(one);
    CHECK(mail_digest_get(d, m.scene.store, two, 0, PARTS, &g, &read) == STORE_OK && read);
    for (uint32_t slot = 0; slot < 4; slot++)
        kept += one->messages[slot].digest != NULL;
    CHECK(kept == 0);
    mail_digests_release(two);
    mail_digests_hold(d, one);
    CHECK(mail_digest_get(d, m.scene.store, one, 0, PARTS, &g, &read) == STORE_OK && read);
    CHECK(two->messages[0].digest != NULL);
    mail_digests_release(one);
    mail_box_close(m.scene.store, one);
    mail_box_close(m.scene.store, two);
    mail_digests_free(d);
    end();
}

/* A message that goes takes its digest along, and the others keep theirs. */
static void what_is_expunged_is_forgotten(void)
{
    begin();
    SAYS("a SORT (SUBJECT) UTF-8 ALL", "* SORT 1 2 3 4\r\na OK done\r\n");
    CHECK(s->view.box->messages[3].digest != NULL);
    SAYS("a STORE 1 +FLAGS.SILENT (\\Deleted)", "a OK done\r\n");
    SAYS("a EXPUNGE", "* 1 EXPUNGE\r\na OK done\r\n");
    CHECK(s->view.box->count == 3 && s->view.box->messages[2].digest != NULL);
    SAYS("a SORT (REVERSE SUBJECT) UTF-8 ALL", "* SORT 2 3 1\r\na OK done\r\n");
    end();
}

/* Commands that are left in the middle, at each of their steps; the store is healthy behind them.
 */
static void they_end_wherever_they_are_left(void)
{
    static const char *const commands[] = {"t SORT (SUBJECT DATE) UTF-8 ALL",
                                           "t THREAD REFERENCES UTF-8 ALL"};

    begin();
    for (int times = 0; times < 6; times++)
        SAYS("a COPY 1:* INBOX", "*");
    for (int i = 0; i < 8; i++) {
        /* Nobody has it selected: nothing is remembered. */
        SAYS("a UNSELECT", "*");
        SAYS("a SELECT INBOX", "*");
        mail_scene_begin_run(&m, s, commands[i % 2]);
        for (int step = 0; step < i && m.last.more_out; step++)
            mail_scene_more(&m, s);
        CHECK(m.last.more_out == (i < 4));
        mail_scene_close(&m, s);
        s = mail_scene_open(&m);
        SAYS("a SELECT INBOX", "*");
    }
    end();
}

/* However much room there is for an answer. */
static void pieces_make_no_difference(void)
{
    static const char *const commands[] = {"t SORT (REVERSE SUBJECT) UTF-8 ALL",
                                           "t THREAD REFERENCES UTF-8 ALL"};

    begin();
    for (int times = 0; times < 9; times++)
        SAYS("a COPY 1:* INBOX", "*");
    for (int i = 0; i < 2; i++) {
        char *whole;

        m.room = 100000;
        mail_scene_run(&m, s, commands[i]);
        whole = strdup(m.answer);
        CHECK(strlen(whole) > 4096);
        m.room = 37;
        CHECK(mail_scene_says(&m, s, commands[i], whole));
        free(whole);
    }
    m.room = 4000;
    end();
}

static void check_collated(const char *text, const char *expected)
{
    uint8_t room[200];
    struct writer w = writer_of(room, sizeof(room));
    struct span copy = guard_copy(span_text(text), true);

    mail_collate(copy, &w);
    CHECK_TEXT(writer_span(&w), expected);
    guard_free(copy);
}

/* RFC 5051 */
static void letters_are_compared_without_case(void)
{
    check_collated("", "");
    check_collated("aZ_[1", "AZ_[1");
    check_collated("\xc3\xa4", "A\xcc\x88");  /* a with diaeresis */
    check_collated("\xc3\x84", "A\xcc\x88");  /* A with diaeresis */
    check_collated("\xc3\x9f", "\xc3\x9f");   /* sharp s has no title case of one letter */
    check_collated("\xc7\x86", "Dz\xcc\x8c"); /* dz with caron: Dz */
    check_collated("\xef\xac\x81", "fi");     /* the ligature is decomposed */
    check_collated("\xea\xb0\x80", "\xe1\x84\x80\xe1\x85\xa1"); /* a syllable of Hangul */
    check_collated("a\xff\xc3", "A\xff\xc3");                   /* what is no UTF-8 stays */
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(messages_are_sorted);
    CHECK_CASE(sorted_results_are_returned_and_saved);
    CHECK_CASE(messages_are_threaded);
    CHECK_CASE(long_references_are_read_to_their_end);
    CHECK_CASE(what_is_remembered_is_not_read_again);
    CHECK_CASE(the_one_that_nobody_uses_forgets);
    CHECK_CASE(what_is_expunged_is_forgotten);
    CHECK_CASE(they_end_wherever_they_are_left);
    CHECK_CASE(pieces_make_no_difference);
    CHECK_CASE(letters_are_compared_without_case);
    return check_end();
}
