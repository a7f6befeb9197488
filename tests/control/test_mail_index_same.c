/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * With the index and without it a search finds the same: random mail, random texts to look for,
 * while the index catches up and when it has.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/base64.h"
#include "proto/base/chance.h"
#include "proto/base/writer.h"
#include "tests/control/index_scene.h"
#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

enum { TEXT = 60000, NEEDLE = 64, MAILS = 80, QUESTIONS = 400 };

static struct chance chance;

/* Little of it, so that much is found; what folding makes longer, shorter, or puts in order. */
static const char *const bits[] = {
    "a", "b", "ab", "x", " ", " ", "\r\n", "ss", "\xc3\x9f", "\xc4\xb0", "i\xcc\x87", "I", "\xc3\xa9",
    "e\xcc\x81", "\xcc\xa3", "\xef\xac\x81", "fi", "\xe6\x97\xa5", "\xe6\x9c\xac", "\xe8\xaa\x9e",
    "\"", "*", "^", "'", "\xf0\x9f\x98\x80", "\xcf\x82", "\xce\xa3", "\xe1\xba\x9e", "%", ":", "-"};

static const char *bit(void)
{
    return bits[chance_below(&chance, sizeof(bits) / sizeof(bits[0]))];
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)chance_below(&chance, n);
}

static void put_bits(struct writer *w, uint32_t count, bool lines)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *b = bit();

        writer_text(w, !lines && b[0] == '\r' ? "\r\n " : b);
    }
}

static void put_base64(struct writer *w, uint32_t count)
{
    uint8_t raw[4096];
    char coded[8192];
    struct writer in = writer_of(raw, sizeof(raw)), out = writer_of(coded, sizeof(coded));

    put_bits(&in, count, true);
    base64_put(&out, writer_span(&in));
    for (size_t at = 0; at < out.len; at += 76) {
        writer_span_put(w, span_head(span_skip(writer_span(&out), at), 76));
        writer_text(w, "\r\n");
    }
}

static void put_quoted(struct writer *w, uint32_t count)
{
    uint8_t raw[4096];
    struct writer in = writer_of(raw, sizeof(raw));

    put_bits(&in, count, false);
    for (size_t i = 0; i < in.len; i++) {
        if (raw[i] == '\r' || raw[i] == '\n')
            continue;
        if (raw[i] > 126 || raw[i] == '=')
            writer_printf(w, "=%02X", raw[i]);
        else
            writer_byte(w, raw[i]);
        if (i % 30 == 29)
            writer_text(w, "=\r\n");
    }
}

static void put_word(struct writer *w)
{
    uint8_t raw[256];
    char coded[512];
    struct writer in = writer_of(raw, sizeof(raw)), out = writer_of(coded, sizeof(coded));

    put_bits(&in, 1 + below(6), true);
    base64_put(&out, writer_span(&in));
    writer_printf(w, "=?utf-8?b?%.*s?=", (int)out.len, coded);
}

static void put_fields(struct writer *w)
{
    static const char *const names[] = {"Subject", "From", "To", "X-Some", "subject", "Cc"};

    for (uint32_t i = 0, n = 1 + below(5); i < n; i++) {
        writer_printf(w, "%s: ", names[below(6)]);
        if (below(2))
            put_bits(w, below(10), false);
        if (below(2))
            put_word(w);
        if (below(3) == 0)
            writer_printf(w, " <a%ub (c) @ example . %s>", below(9), below(2) ? "org" : "test");
        writer_text(w, "\r\n");
    }
}

static void put_entity(struct writer *w, int depth)
{
    static const char *const kinds[] = {"text/plain; charset=utf-8", "text/html; charset=iso-8859-1",
                                        "text/plain", "application/x-bits", "text/x; charset=huh",
                                        "text/plain; charset=iso-2022-jp"};
    uint32_t boundary = below(1000000), kind = below(10);

    if (kind < 3 && depth > 0) {
        writer_printf(w, "Content-Type: multipart/mixed; boundary=%u\r\n\r\n", boundary);
        for (uint32_t i = 0, n = 1 + below(3); i < n; i++) {
            writer_printf(w, "--%u\r\n", boundary);
            put_entity(w, depth - 1);
            writer_text(w, "\r\n");
        }
        writer_printf(w, "--%u--\r\n", boundary);
    } else if (kind == 3 && depth > 0) {
        writer_text(w, "Content-Type: message/rfc822\r\n\r\n");
        put_fields(w);
        put_entity(w, depth - 1);
    } else {
        uint32_t how = below(3);

        writer_printf(w, "Content-Type: %s\r\n", kinds[below(6)]);
        writer_text(w, how == 0   ? "\r\n"
                       : how == 1 ? "Content-Transfer-Encoding: base64\r\n\r\n"
                                  : "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        if (how == 1)
            put_base64(w, below(300));
        else if (how == 2)
            put_quoted(w, below(300));
        else
            put_bits(w, below(below(20) ? 200 : 9000), true);
    }
}

static struct span mail(uint8_t *memory)
{
    struct writer w = writer_of(memory, TEXT);

    put_fields(&w);
    put_entity(&w, 3);
    return writer_span(&w);
}

struct question {
    enum mail_grep_where where;
    const char *name;
    char needle[NEEDLE];
};

static struct question question(void)
{
    static const char *const names[] = {"Subject", "FROM", "to", "X-Some", "X-None", ""};
    struct question q = {.where = (enum mail_grep_where)below(3), .name = names[below(6)]};
    struct writer w = writer_of(q.needle, NEEDLE - 1);

    put_bits(&w, below(5), true);
    if (below(8) == 0)
        writer_text(&w, "example.");
    return q;
}

/* ---- the index and mail_grep() ---- */

static void the_index_says_what_reading_says(void)
{
    static uint8_t memory[TEXT];
    uint32_t uids[MAILS], wrong = 0, unknown = 0, found = 0;
    struct index_scene x;

    index_scene_begin(&x);
    index_scene_stop(&x);
    x.text_max = 8192;
    index_scene_start(&x);
    for (uint32_t i = 0; i < MAILS; i++)
        uids[i] = index_scene_put(&x, x.inbox, mail(memory));
    CHECK(index_scene_caught_up(&x));
    for (uint32_t i = 0; i < QUESTIONS && wrong < 5; i++) {
        struct question q = question();
        uint32_t uid = uids[below(MAILS)];
        enum mail_index_answer answer =
            q.needle[0] || q.where == MAIL_GREP_FIELD
                ? index_scene_ask(&x, x.inbox, uid, q.where, q.name, q.needle)
                : MAIL_INDEX_UNKNOWN;
        bool there = index_scene_read(&x, x.inbox, uid, q.where, q.name, q.needle);

        unknown += answer == MAIL_INDEX_UNKNOWN;
        found += there;
        if (answer != MAIL_INDEX_UNKNOWN && there != (answer == MAIL_INDEX_YES)) {
            printf("# uid %u %d %s [%s]: %d, read %d\n", uid, q.where, q.name, q.needle, answer,
                   there);
            wrong++;
        }
    }
    printf("# of %u found %u, not known %u\n", QUESTIONS, found, unknown);
    CHECK(wrong == 0 && found > QUESTIONS / 20 && unknown < QUESTIONS / 4);
    index_scene_end(&x);
}

/* ---- a session's answers ---- */

static struct mail_scene m;
static uint64_t inbox;
static uint32_t hits; /* searches that were to find something */

struct expected {
    const struct question *q;
    bool negated;
    struct writer text;
};

static bool expect_one(void *context, const struct store_entry *entry)
{
    struct expected *e = context;
    const struct store_reading *reading;
    struct mail_needle n;
    struct mail_grep what = {.where = e->q->where, .name = span_text(e->q->name), .needle = &n};
    bool found = false;

    mail_needle_make(span_text(e->q->needle), &n);
    if (store_reading_open(m.scene.store, inbox, entry->uid, &reading) == STORE_OK) {
        if (n.len == 0 && what.where != MAIL_GREP_FIELD)
            found = true;
        else
            mail_grep(m.scene.store, reading, &what, &found);
        store_reading_close(m.scene.store, reading);
    }
    free(n.text);
    if (found != e->negated)
        writer_printf(&e->text, " %u", entry->uid);
    return true;
}

/* As a quoted string, of what can stand in one. */
static void make_plain(char *needle)
{
    for (; *needle; needle++)
        if (*needle < ' ' || *needle == '"' || *needle == '\\')
            *needle = 'a';
}

static bool search_is_right(struct imap_session *s)
{
    static char command[512], text[65536];
    struct question q = question();
    struct expected e = {.q = &q,
                         .negated = below(4) == 0,
                         .text = writer_of(text, sizeof(text) - 1)};
    struct writer w = writer_of(command, sizeof(command) - 1);

    make_plain(q.needle);
    writer_text(&w, "t UID SEARCH ");
    writer_text(&w, e.negated ? "NOT " : "");
    if (q.where == MAIL_GREP_FIELD)
        writer_printf(&w, "HEADER \"%s\" \"%s\"", q.name, q.needle);
    else
        writer_printf(&w, "%s \"%s\"", q.where == MAIL_GREP_BODY ? "BODY" : "TEXT", q.needle);
    command[w.len] = 0;
    mail_scene_run(&m, s, command);
    writer_text(&e.text, "* SEARCH");
    store_entries(m.scene.store, inbox, expect_one, &e);
    writer_text(&e.text, "\r\n");
    text[e.text.len] = 0;
    hits += e.text.len > 10;
    if (strncmp(m.answer, text, e.text.len) == 0)
        return true;
    printf("# %s# said %.200s# not %.200s\n", command, m.answer, text);
    return false;
}

static void sessions_find_the_same_meanwhile(void)
{
    static char memory[TEXT + 1];
    struct imap_session *s;
    bool ok = true;

    /* What is looked for is ASCII, what it is looked for in is all kinds. */
    mail_scene_begin_indexed(&m);
    inbox = store_fixture_mailbox(m.scene.store, m.account, MESSAGE_INBOX, NULL);
    m.room = 60000;
    s = mail_scene_open(&m);
    mail_scene_run(&m, s, "t SELECT INBOX");
    for (uint32_t round = 0; round < 25 && ok; round++) {
        for (uint32_t i = 0, n = below(5); i < n; i++) {
            struct span text = mail((uint8_t *)memory);
            char append[64];

            memory[text.len] = 0;
            snprintf(append, sizeof(append), "t APPEND INBOX {%zu}\r\n", text.len);
            mail_scene_append(&m, s, append, memory, NULL);
        }
        if (below(4) == 0) {
            char command[96];

            snprintf(command, sizeof(command), "t UID STORE %u:%u +FLAGS.SILENT (\\Deleted)",
                     1 + below(round + 1), 1 + below(round + 1));
            mail_scene_run(&m, s, command);
            mail_scene_run(&m, s, "t EXPUNGE");
        }
        mail_scene_run(&m, s, "t NOOP");
        ok = CHECK(search_is_right(s)) && CHECK(search_is_right(s));
    }
    CHECK(hits > 12 && m.messages > 25);
    /* The index ends while the session goes on. */
    mail_index_halt(m.index);
    CHECK(search_is_right(s));
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

int main(int argc, char **argv)
{
    chance.state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    printf("# seed %llu\n", (unsigned long long)chance.state);
    check_begin();
    CHECK_CASE(the_index_says_what_reading_says);
    CHECK_CASE(sessions_find_the_same_meanwhile);
    return check_end();
}
