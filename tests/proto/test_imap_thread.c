/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_subject.h"
#include "proto/imap/imap_thread.h"
#include "tests/harness/check.h"

#include <stdlib.h>

enum { MESSAGES = 16, THREAD_NODES = 64, IDS = 8 };

static uint8_t out[1 << 16];

/* One message a line: date, id, references, subject; "Re: " makes it a reply. */
struct row {
    int date;
    const char *id, *references, *subject;
};

static const uint8_t key[16] = {1, 2, 3};
static struct imap_thread_message messages[MESSAGES];
static struct imap_thread_node thread_nodes[THREAD_NODES];
static uint64_t ids[MESSAGES][IDS];
static uint32_t order[2 * MESSAGES];

static uint32_t load(const struct row *rows)
{
    uint32_t count = 0;

    for (; rows[count].date; count++) {
        struct imap_thread_message *m = &messages[count];

        *m = (struct imap_thread_message){.number = count + 1, .date = rows[count].date};
        m->subject =
            imap_thread_subject(imap_subject_base(span_text(rows[count].subject), &m->reply), key);
        m->ids = ids[count];
        m->id_count = imap_thread_ids(span_text(rows[count].id), span_text(rows[count].references),
                                      span_of(NULL, 0), key, ids[count], IDS);
    }
    return count;
}

/* All at once, or as little at a time as may be. */
static bool thread(struct imap_thread *t, enum imap_thread_how how, uint32_t count, uint32_t cap,
                   uint32_t steps)
{
    if (!imap_thread_init(t, how, messages, count, thread_nodes, cap, order))
        return false;
    for (uint32_t calls = 0; !imap_thread_step(t, steps); calls++)
        if (!CHECK(calls < 10000))
            return false;
    return true;
}

/* The threads, told whole and in pieces of the least room. */
static void check_threads(enum imap_thread_how how, const struct row *rows, const char *expected)
{
    struct writer w = writer_of(out, sizeof(out));
    uint32_t count = load(rows);
    uint8_t piece[IMAP_THREAD_PUT_MAX];
    struct imap_thread t;
    bool more;

    CHECK(thread(&t, how, count, THREAD_NODES, 10000) && !t.full);
    CHECK(!imap_thread_put(&t, &w));
    CHECK_TEXT(writer_span(&w), expected);
    CHECK(thread(&t, how, count, THREAD_NODES, 1));
    w = writer_of(out, sizeof(out));
    do {
        struct writer p = writer_of(piece, sizeof(piece));

        more = imap_thread_put(&t, &p);
        CHECK(!p.full && p.len);
        writer_span_put(&w, writer_span(&p));
    } while (more);
    CHECK_TEXT(writer_span(&w), expected);
    CHECK(!imap_thread_init(&t, how, messages, count, thread_nodes, count, order));
}

static void ordered_subject(void)
{
    static const struct row rows[] = {
        {5, "", "", "b"}, {4, "", "", "a"}, {3, "", "", "Re: b"}, {2, "", "", "c"},
        {6, "", "", "b"}, {7, "", "", ""},  {8, "", "", ""},      {0}};

    check_threads(IMAP_THREAD_ORDEREDSUBJECT, rows, "(4)(3 (1)(5))(2)(6 7)");
}

static void references(void)
{
    static const struct row chain[] = {
        {1, "<a>", "", ""}, {2, "<b>", "<a>", ""}, {3, "<c>", "<a> <b>", ""}, {0}};
    static const struct row siblings[] = {{1, "<a>", "", ""},
                                          {4, "<b>", "<a>", ""},
                                          {3, "<c>", "<a>", ""},
                                          {5, "<d>", "<a> <c>", ""},
                                          {0}};
    static const struct row missing[] = {
        {2, "<b>", "<a>", ""}, {1, "<c>", "<a>", ""}, {3, "<d>", "<x> <y>", ""}, {0}};
    static const struct row nested[] = {{1, "<d>", "<a> <b> <c>", ""},
                                        {2, "<e>", "<a> <b> <f>", ""},
                                        {3, "<g>", "<e> <h>", ""},
                                        {0}};

    check_threads(IMAP_THREAD_REFERENCES, chain, "(1 2 3)");
    check_threads(IMAP_THREAD_REFERENCES, siblings, "(1 (3 4)(2))");
    check_threads(IMAP_THREAD_REFERENCES, missing, "((2)(1))(3)");
    check_threads(IMAP_THREAD_REFERENCES, nested, "((1)(2 3))");
}

static void strange_references(void)
{
    static const struct row loop[] = {
        {1, "<a>", "<b>", ""}, {2, "<b>", "<a>", ""}, {3, "<c>", "<c>", ""}, {0}};
    static const struct row twice[] = {
        {1, "<a>", "", ""}, {2, "<a>", "", ""}, {3, "<b>", "<a>", ""}, {4, "", "<b>", ""}, {0}};
    static const struct row own_word[] = {
        {1, "<c>", "<a> <b>", ""}, {2, "<b>", "", ""}, {3, "<a>", "", ""}, {0}};

    check_threads(IMAP_THREAD_REFERENCES, loop, "(2 1)(3)");
    check_threads(IMAP_THREAD_REFERENCES, twice, "(1 3 4)(2)");
    check_threads(IMAP_THREAD_REFERENCES, own_word, "(2 1)(3)");
}

/* The first id of In-Reply-To counts where References has none. */
static void ids_of_fields(void)
{
    struct span a = span_text("<a>"), b = span_text("<b>"), none = span_of(NULL, 0);
    uint64_t one[4], two[4], three[2];

    CHECK(imap_thread_ids(a, none, span_text("<b> <x>"), key, one, 4) == 2);
    CHECK(imap_thread_ids(none, span_text("(c) <a>, <b>"), span_text("<x>"), key, two, 4) == 3);
    CHECK(one[0] && two[0] == 0 && two[1] == one[0] && two[2] == one[1] && one[0] != one[1]);
    CHECK(imap_thread_ids(none, span_text("<a> <b> <c>"), b, key, three, 2) == 2 &&
          three[1] == one[0]);
    CHECK(imap_thread_ids(none, none, none, key, one, 4) == 1 && one[0] == 0);
    CHECK(imap_thread_subject(none, key) == 0 && imap_thread_subject(a, key) != 0);
}

static bool parse(const char *text, enum imap_thread_how *how)
{
    static struct imap_search_node nodes[4];
    struct imap_search search = imap_search_of(nodes, 4, NULL, 0);
    struct imap_cursor c = imap_cursor_of(span_text(text), false, NULL, 0);

    return imap_thread_parse(&c, how, &search) && search.charset.len == 5;
}

static void arguments(void)
{
    enum imap_thread_how how;

    CHECK(parse("refs utf-8 all", &how) && how == IMAP_THREAD_REFS);
    CHECK(parse("REFERENCES utf-8 (seen new)", &how) && how == IMAP_THREAD_REFERENCES);
    CHECK(parse("OrderedSubject utf-8 all", &how) && how == IMAP_THREAD_ORDEREDSUBJECT);
    CHECK(!parse("ref utf-8 all", &how) && !parse("refs utf-8", &how) && !parse("refs all", &how));
    CHECK(!parse("return (min) refs utf-8 all", &how) && !parse("refs  utf-8 all", &how));
}

static void subjects_of_references(void)
{
    static const struct row replies[] = {
        {1, "<a>", "", "s"}, {2, "<b>", "", "Re: s"}, {3, "<c>", "", "Re: s"}, {0}};
    static const struct row first_is_reply[] = {
        {1, "<a>", "", "Re: s"}, {2, "<b>", "", "s"}, {3, "<c>", "", "Re: s"}, {0}};
    static const struct row equals[] = {
        {1, "<a>", "", "s"}, {2, "<b>", "", "s"}, {3, "<c>", "", "s"}, {4, "<d>", "", ""}, {0}};
    static const struct row spoken_of[] = {{1, "<a>", "<x>", "s"},     {2, "<b>", "<x>", "t"},
                                           {3, "<c>", "<y>", "Re: s"}, {4, "<d>", "<y>", "s"},
                                           {5, "<e>", "", "s"},        {0}};

    check_threads(IMAP_THREAD_REFERENCES, replies, "(1 (2)(3))");
    check_threads(IMAP_THREAD_REFERENCES, first_is_reply, "(2 (1)(3))");
    check_threads(IMAP_THREAD_REFERENCES, equals, "((1)(2)(3))(4)");
    check_threads(IMAP_THREAD_REFERENCES, spoken_of, "((1)(2)(3)(4)(5))");
}

static void refs(void)
{
    static const struct row rows[] = {{1, "<a>", "", "s"},
                                      {2, "<b>", "", "s"},
                                      {9, "<c>", "<a>", "s"},
                                      {3, "<d>", "<a>", "s"},
                                      {0}};

    check_threads(IMAP_THREAD_REFS, rows, "(2)(1 (4)(3))");
}

static void no_messages(void)
{
    static const struct row none[] = {{0}};
    struct writer w = writer_of(out, sizeof(out));
    struct imap_thread t;

    CHECK(thread(&t, IMAP_THREAD_REFERENCES, load(none), 1, 1));
    CHECK(!imap_thread_put(&t, &w) && w.len == 0);
}

/* With fewer nodes than ids, links are left out and messages are not. */
static void few_nodes(void)
{
    static const struct row rows[] = {
        {1, "<a>", "<x> <y> <z>", ""}, {2, "<b>", "<z>", ""}, {3, "<c>", "<a>", ""}, {0}};
    struct writer w = writer_of(out, sizeof(out));
    struct imap_thread t;

    CHECK(thread(&t, IMAP_THREAD_REFERENCES, load(rows), 4, 3));
    CHECK(t.full && !imap_thread_put(&t, &w));
    CHECK_TEXT(writer_span(&w), "(1 3)(2)");
}

/* Long chains and wide threads cost what many messages do. */
static void large(void)
{
    enum { COUNT = 100000 };
    struct imap_thread_message *many = calloc(COUNT, sizeof(*many));
    struct imap_thread_node *memory = calloc(2 * COUNT, sizeof(*memory));
    uint32_t *places = calloc(2 * COUNT, sizeof(*places));
    uint64_t(*hashes)[2] = calloc(COUNT, sizeof(*hashes));

    for (int wide = 0; wide < 2; wide++) {
        struct imap_thread t;
        uint32_t told = 0;
        bool more;

        for (uint32_t i = 0; i < COUNT; i++) {
            hashes[i][0] = i + 1;
            hashes[i][1] = wide ? 1 : i;
            many[i] = (struct imap_thread_message){
                .number = i + 1, .date = COUNT - i, .ids = hashes[i], .id_count = i ? 2 : 1};
        }
        CHECK(imap_thread_init(&t, IMAP_THREAD_REFERENCES, many, COUNT, memory, 2 * COUNT, places));
        while (!imap_thread_step(&t, 100000))
            ;
        do {
            struct writer w = writer_of(out, sizeof(out));

            more = imap_thread_put(&t, &w);
            for (size_t i = 1; i < w.len; i++)
                told += (uint8_t)(w.data[i] - '0') < 10 && (uint8_t)(w.data[i - 1] - '0') >= 10;
        } while (more);
        CHECK(told >= COUNT - 20 && told <= COUNT);
    }
    free(many);
    free(memory);
    free(places);
    free(hashes);
}

int main(void)
{
    check_begin();
    CHECK_CASE(arguments);
    CHECK_CASE(ids_of_fields);
    CHECK_CASE(ordered_subject);
    CHECK_CASE(references);
    CHECK_CASE(strange_references);
    CHECK_CASE(subjects_of_references);
    CHECK_CASE(refs);
    CHECK_CASE(no_messages);
    CHECK_CASE(few_nodes);
    CHECK_CASE(large);
    return check_end();
}
