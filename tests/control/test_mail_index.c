/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/store/store_erase.h"
#include "tests/control/index_scene.h"
#include "tests/harness/check.h"

static struct index_scene x;

static bool says(uint32_t uid, enum mail_grep_where where, const char *name, const char *needle,
                 enum mail_index_answer answer)
{
    enum mail_index_answer got = index_scene_ask(&x, x.inbox, uid, where, name, needle);

    if (got != answer)
        printf("# uid %u %d %s \"%s\": %d\n", uid, where, name, needle, got);
    return got == answer;
}

#define YES(uid, where, name, needle) CHECK(says(uid, MAIL_GREP_##where, name, needle, MAIL_INDEX_YES))
#define NO(uid, where, name, needle) CHECK(says(uid, MAIL_GREP_##where, name, needle, MAIL_INDEX_NO))
#define UNKNOWN(uid, where, name, needle)                                                          \
    CHECK(says(uid, MAIL_GREP_##where, name, needle, MAIL_INDEX_UNKNOWN))

static uint32_t put(const char *text)
{
    return index_scene_put(&x, x.inbox, span_text(text));
}

static void letters_are_folded_and_transfer_forms_undone(void)
{
    uint32_t uid, other;

    index_scene_begin(&x);
    uid = put("Subject: =?utf-8?q?Stra=C3=9Fe?= =?iso-8859-1?q?_nach_K=F6ln?=\r\n"
              "X-Long: one\r\n two\r\nX-Empty:\r\n"
              "From: =?utf-8?b?SsO2cmc=?= (work) < jo erg @ example . org >\r\n"
              "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
              "--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
              "\xc4\xb0stanbul na\xc3\xafve cafe\xcc\x81 \xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd "
              "\xef\xac\x81ne \xf0\x9f\x98\x80\xf0\x9f\x98\x81 say \"quoted\" AND not*\r\n"
              "--x\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\nsm=F6rg=E5s=\r\nbord\r\n"
              "--x\r\nContent-Type: text/plain; name=hidden.txt\r\n"
              "Content-Transfer-Encoding: base64\r\n\r\naGlkZGVuIHRyZWFzdXJl\r\n"
              "--x\r\nContent-Type: application/pdf\r\n\r\nsecretbytes\r\n--x--\r\n");
    other = put("Subject: nothing\r\n\r\nof that kind\r\n");
    CHECK(index_scene_caught_up(&x));
    YES(uid, FIELD, "SUBJECT", "STRASSE");
    YES(uid, FIELD, "subject", "stra\xc3\x9f");
    YES(uid, FIELD, "Subject", "nach k\xc3\x96ln");
    YES(uid, FIELD, "x-long", "ONE TWO");
    YES(uid, FIELD, "X-Empty", "");
    NO(uid, FIELD, "X-None", "");
    YES(uid, FIELD, "From", "<joerg@example.org>");
    YES(uid, FIELD, "From", "j\xc3\xb6rg");
    NO(uid, FIELD, "To", "joerg");
    YES(uid, TEXT, "", "x-long: one");
    NO(uid, BODY, "", "x-long: one");
    YES(uid, BODY, "", "i\xcc\x87stanbul");
    YES(uid, BODY, "", "\xc4\xb0STANBUL");
    YES(uid, BODY, "", "NA\xc3\x8fVE");
    NO(uid, BODY, "", "naive");
    NO(uid, BODY, "", "na\xc3\xafver");
    YES(uid, BODY, "", "caf\xc3\xa9");
    YES(uid, BODY, "", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd");
    /* Two characters and one have no trigram. */
    YES(uid, BODY, "", "\xe4\xba\xac\xe9\x83\xbd");
    YES(uid, BODY, "", "\xe9\x83\xbd");
    NO(other, BODY, "", "\xe9\x83\xbd");
    YES(uid, BODY, "", "fine");
    YES(uid, BODY, "", "\xf0\x9f\x98\x80\xf0\x9f\x98\x81 s");
    YES(uid, BODY, "", "\"quoted\" and not*");
    YES(uid, BODY, "", "Sm\xc3\xb6rg\xc3\xa5sbord");
    YES(uid, BODY, "", "hidden treasure");
    YES(uid, BODY, "", "hidden.txt");
    NO(uid, TEXT, "", "secretbytes");
    NO(uid, BODY, "", "bord\r\nhidden");
    NO(other, TEXT, "", "strasse");
    YES(other, FIELD, "subject", "no");
    index_scene_end(&x);
}

static void what_is_removed_leaves_it(void)
{
    uint32_t uids[300];

    index_scene_begin(&x);
    for (uint32_t i = 0; i < 300; i++) {
        char text[128];

        snprintf(text, sizeof(text), "Subject: number %u\r\n\r\nneedle%u\r\n", i, i);
        uids[i] = put(text);
    }
    CHECK(index_scene_caught_up(&x));
    YES(uids[7], BODY, "", "needle7");
    for (uint32_t i = 0; i < 300; i += 2)
        index_scene_expunge(&x, x.inbox, uids[i]);
    CHECK(index_scene_caught_up(&x));
    YES(uids[7], BODY, "", "needle7");
    UNKNOWN(uids[8], BODY, "", "needle8");
    index_scene_stop(&x);
    CHECK(index_scene_rows(&x, "entry") == 150 && index_scene_rows(&x, "document") == 150);
    CHECK(index_scene_rows(&x, "gram('needle')") <= 150);
    CHECK(index_scene_rows(&x, "gram('le8')") == 5);
    CHECK(index_scene_rows(&x, "gram('le7')") == 6);
    index_scene_end(&x);
}

static void a_copy_is_the_same_document(void)
{
    uint64_t folder;
    uint32_t uid, copied, moved;

    index_scene_begin(&x);
    CHECK(store_mailbox_create(x.scene.store, x.account, span_text("Other"), 0, &folder) ==
          STORE_OK);
    uid = put("Subject: once\r\n\r\nonly once\r\n");
    copied = index_scene_copy(&x, x.inbox, folder, uid, false);
    moved = index_scene_copy(&x, x.inbox, folder, uid, true);
    CHECK(index_scene_caught_up(&x));
    CHECK(index_scene_ask(&x, folder, copied, MAIL_GREP_BODY, "", "once") == MAIL_INDEX_YES);
    CHECK(index_scene_ask(&x, folder, moved, MAIL_GREP_BODY, "", "once") == MAIL_INDEX_YES);
    UNKNOWN(uid, BODY, "", "once");
    index_scene_stop(&x);
    CHECK(index_scene_rows(&x, "document") == 1 && index_scene_rows(&x, "entry") == 2);
    index_scene_start(&x);
    index_scene_expunge(&x, folder, copied);
    CHECK(index_scene_caught_up(&x));
    CHECK(index_scene_ask(&x, folder, moved, MAIL_GREP_BODY, "", "once") == MAIL_INDEX_YES);
    CHECK(store_mailbox_delete(x.scene.store, folder) == STORE_OK);
    CHECK(index_scene_caught_up(&x));
    index_scene_stop(&x);
    CHECK(index_scene_rows(&x, "document") == 0 && index_scene_rows(&x, "entry") == 0);
    index_scene_end(&x);
}

static void what_happened_while_it_was_away_is_found(void)
{
    uint32_t first, second, third;

    index_scene_begin(&x);
    first = put("Subject: first\r\n\r\nabcdef\r\n");
    second = put("Subject: second\r\n\r\nabcdef\r\n");
    CHECK(index_scene_caught_up(&x));
    index_scene_stop(&x);
    index_scene_expunge(&x, x.inbox, first);
    third = put("Subject: third\r\n\r\nabcdef\r\n");
    store_scene_reopen(&x.scene);
    index_scene_start(&x);
    CHECK(index_scene_caught_up(&x));
    CHECK(index_scene_count(&x, "index_added") == 1 && index_scene_count(&x, "index_removed") == 1);
    YES(second, BODY, "", "bcde");
    YES(third, BODY, "", "bcde");
    UNKNOWN(first, BODY, "", "bcde");
    /* Nothing has changed: nothing is done. */
    index_scene_stop(&x);
    store_scene_reopen(&x.scene);
    index_scene_start(&x);
    CHECK(index_scene_caught_up(&x));
    CHECK(index_scene_count(&x, "index_added") == 0 && index_scene_count(&x, "index_removed") == 0);
    index_scene_end(&x);
}

/* ---- damage ---- */

static void write_at(const char *path, off_t at, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY);

    if (CHECK(fd >= 0)) {
        CHECK(pwrite(fd, bytes, len, at) == (ssize_t)len);
        close(fd);
    }
}

/* Whatever is done to its files, answers are right or none, and right again after a while. */
static void damage(void (*harm)(const char *path, off_t size), bool catalogue)
{
    uint32_t uids[200];
    struct stat st;
    char *path;
    bool ok = true;

    index_scene_begin(&x);
    for (uint32_t i = 0; i < 200; i++) {
        char text[2048];
        int n = snprintf(text, sizeof(text), "Subject: damage %u\r\n\r\nthe%uword\r\n", i, i);

        for (int j = n; j < 1800; j++)
            text[j] = (char)('a' + (j * (j + (int)i) + j / 7) % 26);
        text[1800] = 0;
        uids[i] = put(text);
    }
    CHECK(index_scene_caught_up(&x));
    index_scene_stop(&x);
    path = index_scene_path(&x, catalogue ? 0 : x.account);
    CHECK(stat(path, &st) == 0);
    harm(path, st.st_size);
    index_scene_start(&x);
    for (uint32_t i = 0; i < 200 && ok; i += 9) {
        char needle[32];
        enum mail_index_answer answer;

        snprintf(needle, sizeof(needle), "the%uword", i);
        answer = index_scene_ask(&x, x.inbox, uids[i], MAIL_GREP_BODY, "", needle);
        ok = CHECK(answer != MAIL_INDEX_NO);
        answer = index_scene_ask(&x, x.inbox, uids[i + 1], MAIL_GREP_BODY, "", needle);
        ok = CHECK(answer != MAIL_INDEX_YES) && ok;
    }
    CHECK(index_scene_count(&x, "index_errors_damaged") > 0);
    CHECK(index_scene_caught_up(&x));
    YES(uids[9], BODY, "", "the9word");
    NO(uids[9], BODY, "", "the10word");
    free(path);
    index_scene_end(&x);
}

static void scribble(const char *path, off_t size)
{
    static char noise[4096];

    memset(noise, 0x5a, sizeof(noise));
    for (off_t at = 4096; at + 4096 <= size; at += 8192)
        write_at(path, at, noise, sizeof(noise));
}

static void scribble_first(const char *path, off_t size)
{
    write_at(path, 0, "this is no database of any kind", 31);
}

static void cut(const char *path, off_t size)
{
    CHECK(truncate(path, size / 2 / 4096 * 4096) == 0);
}

static void cut_within(const char *path, off_t size)
{
    CHECK(truncate(path, size / 2 + 100) == 0);
}

/* user_version, of a later program. */
static void another_version(const char *path, off_t size)
{
    write_at(path, 60, "\0\0\0\7", 4);
}

static void a_damaged_file_is_made_anew(void)
{
    damage(scribble, false);
    damage(scribble_first, false);
    damage(cut, false);
    damage(cut_within, false);
    damage(another_version, false);
}

static void a_damaged_catalogue_is_made_anew(void)
{
    damage(scribble_first, true);
    damage(another_version, true);
}

static void a_file_that_is_gone_is_made_anew(void)
{
    char *path;
    uint32_t uid;

    index_scene_begin(&x);
    uid = put("Subject: here\r\n\r\nsome text\r\n");
    CHECK(index_scene_caught_up(&x));
    index_scene_stop(&x);
    path = index_scene_path(&x, x.account);
    CHECK(unlink(path) == 0);
    index_scene_start(&x);
    /* The catalogue knows nothing of it: a search finds it out. */
    UNKNOWN(uid, BODY, "", "some text");
    for (int i = 0; i < 10000 && index_scene_count(&x, "index_added") == 0; i++)
        usleep(1000);
    CHECK(index_scene_caught_up(&x));
    YES(uid, BODY, "", "some text");
    free(path);
    index_scene_end(&x);
}

static void a_full_disk_stops_it_and_nothing_else(void)
{
    uint32_t uid, later;

    index_scene_begin(&x);
    uid = put("Subject: before\r\n\r\nthe first text\r\n");
    CHECK(index_scene_caught_up(&x));
    index_scene_stop(&x);
    x.reserve = UINT64_MAX / 2;
    index_scene_start(&x);
    later = put("Subject: after\r\n\r\nthe second text\r\n");
    for (int i = 0; i < 10000 && index_scene_count(&x, "index_errors_disk_full") == 0; i++)
        usleep(1000);
    CHECK(index_scene_count(&x, "index_errors_disk_full") > 0);
    YES(uid, BODY, "", "first text");
    UNKNOWN(later, BODY, "", "second text");
    CHECK(mail_index_status(x.index).lag == 1);
    index_scene_end(&x);
}

/* ---- bounds ---- */

static void of_a_long_text_the_beginning_is_kept(void)
{
    enum { SIZE = 300000 };
    static char text[SIZE + 1];
    uint32_t uid;

    index_scene_begin(&x);
    index_scene_stop(&x);
    x.text_max = 100000;
    index_scene_start(&x);
    memset(text, '.', SIZE);
    memcpy(text, "Subject: long\r\n\r\nbeginning", 26);
    memcpy(text + 65530, "over the first window", 21);
    memcpy(text + 200000, "behind the bound", 16);
    uid = put(text);
    CHECK(index_scene_caught_up(&x));
    YES(uid, BODY, "", "beginning");
    YES(uid, BODY, "", "over the first window");
    UNKNOWN(uid, BODY, "", "behind the bound");
    CHECK(index_scene_read(&x, x.inbox, uid, MAIL_GREP_BODY, "", "behind the bound"));
    index_scene_end(&x);
}

static void more_accounts_than_open_files(void)
{
    uint64_t accounts[12], inboxes[12];
    uint32_t uids[12];

    index_scene_begin(&x);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 12; i++) {
            char name[32], text[64];

            snprintf(name, sizeof(name), "user%d@example.org", i);
            snprintf(text, sizeof(text), "Subject: x\r\n\r\nround %d of %d\r\n", round, i);
            accounts[i] = store_fixture_account(x.scene.store, name, 0);
            inboxes[i] =
                store_fixture_mailbox(x.scene.store, accounts[i], MESSAGE_INBOX, NULL);
            uids[i] = index_scene_put(&x, inboxes[i], span_text(text));
        }
        CHECK(index_scene_caught_up(&x));
        for (int i = 0; i < 12; i++) {
            uint64_t account = x.account;

            x.account = accounts[i];
            CHECK(index_scene_ask(&x, inboxes[i], uids[i], MAIL_GREP_BODY, "", "ound") ==
                  MAIL_INDEX_YES);
            x.account = account;
        }
    }
    /* Not the one without mail. */
    CHECK(mail_index_status(x.index).accounts == 12);
    index_scene_end(&x);
}

/* ---- looking after it ---- */

static void an_account_that_is_erased_has_no_index(void)
{
    struct store_reason reason = {.who = span_text("test"), .why = span_text("test")};
    uint64_t folder, id;
    char *path;

    index_scene_begin(&x);
    CHECK(store_mailbox_create(x.scene.store, x.account, span_text("Other"), 0, &folder) ==
          STORE_OK);
    put("Subject: private\r\n\r\nsomething\r\n");
    index_scene_put(&x, folder, span_text("Subject: too\r\n\r\nelse\r\n"));
    CHECK(index_scene_caught_up(&x));
    path = index_scene_path(&x, x.account);
    CHECK(access(path, F_OK) == 0);
    CHECK(store_erase(x.scene.store, span_text("alice@example.org"), &reason, &id) == STORE_OK);
    for (int i = 0; i < 10000 && access(path, F_OK) == 0; i++)
        usleep(1000);
    CHECK(access(path, F_OK) != 0);
    for (int i = 0; i < 10000 && mail_index_status(x.index).mailboxes > 0; i++)
        usleep(1000);
    CHECK(mail_index_status(x.index).accounts == 0 && mail_index_status(x.index).indexed == 0);
    free(path);
    index_scene_end(&x);
}

static void it_is_made_anew_when_asked(void)
{
    struct mail_index_status s;
    uint32_t uid;

    index_scene_begin(&x);
    uid = put("Subject: anew\r\n\r\nsome words\r\n");
    CHECK(index_scene_caught_up(&x));
    CHECK(mail_index_status_of(x.index, x.account, &s) == STORE_OK);
    CHECK(s.caught_up && s.indexed == 1 && s.lag == 0 && s.bytes > 0);
    CHECK(mail_index_status_of(x.index, 999999, &s) == STORE_NONE);
    CHECK(mail_index_rebuild(x.index, 999999) == STORE_NONE);
    CHECK(mail_index_rebuild(x.index, x.account) == STORE_OK);
    CHECK(index_scene_caught_up(&x));
    CHECK(index_scene_count(&x, "index_added") == 2);
    YES(uid, BODY, "", "me wor");
    CHECK(mail_index_rebuild(x.index, 0) == STORE_OK);
    CHECK(index_scene_caught_up(&x));
    CHECK(index_scene_count(&x, "index_added") == 3);
    YES(uid, BODY, "", "me wor");
    index_scene_end(&x);
}

static void the_quarantine_is_not_indexed(void)
{
    struct store_mailbox m;
    uint64_t quarantine;

    index_scene_begin(&x);
    quarantine = store_fixture_mailbox(x.scene.store, x.account, MESSAGE_QUARANTINE, &m);
    CHECK(store_scene_send(&x.scene, 77, 500, x.account, MESSAGE_QUARANTINE, 0) == STORE_OK);
    put("Subject: good\r\n\r\nmail\r\n");
    CHECK(index_scene_caught_up(&x));
    CHECK(index_scene_ask(&x, quarantine, 1, MAIL_GREP_TEXT, "", "a") == MAIL_INDEX_UNKNOWN);
    index_scene_stop(&x);
    CHECK(index_scene_rows(&x, "document") == 1 && index_scene_rows(&x, "box") == 1);
    index_scene_end(&x);
}

int main(void)
{
    check_begin();
    CHECK_CASE(letters_are_folded_and_transfer_forms_undone);
    CHECK_CASE(what_is_removed_leaves_it);
    CHECK_CASE(a_copy_is_the_same_document);
    CHECK_CASE(what_happened_while_it_was_away_is_found);
    CHECK_CASE(a_damaged_file_is_made_anew);
    CHECK_CASE(a_damaged_catalogue_is_made_anew);
    CHECK_CASE(a_file_that_is_gone_is_made_anew);
    CHECK_CASE(a_full_disk_stops_it_and_nothing_else);
    CHECK_CASE(of_a_long_text_the_beginning_is_kept);
    CHECK_CASE(more_accounts_than_open_files);
    CHECK_CASE(an_account_that_is_erased_has_no_index);
    CHECK_CASE(it_is_made_anew_when_asked);
    CHECK_CASE(the_quarantine_is_not_indexed);
    return check_end();
}
