/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_sort.h"
#include "proto/imap/imap_subject.h"
#include "proto/imap/imap_thread.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>

static uint8_t out[1 << 16];

static void check_base(const char *value, const char *expected, bool reply)
{
    struct span copy = guard_copy(span_text(value), true);
    struct writer w = writer_of(out, sizeof(out));
    bool got = false;

    imap_subject_decode(copy, NULL, &w);
    if (!CHECK_TEXT(imap_subject_base(writer_span(&w), &got), expected) || !CHECK(got == reply))
        check_that(false, __FILE__, __LINE__, value);
    guard_free(copy);
}

static void base_subjects(void)
{
    check_base("", "", false);
    check_base("a  b\r\n\tc ", "a b c", false);
    check_base("Re: a", "a", true);
    check_base("RE : re[2]: [list] Fwd: a (fwd) (FWD)", "a", true);
    check_base("[list] a", "a", false);
    check_base("[list] [x] re: [y] a", "a", true);
    check_base("[list]", "[list]", false);
    check_base("Re: [list]", "[list]", true);
    check_base("[fwd: re: a]", "a", true);
    check_base("[Fwd: [fwd: a] (fwd)]", "a", true);
    check_base("[fwd: a", "[fwd: a", false);
    check_base("(fwd)", "", true);
    check_base("Re:", "", true);
    check_base("Re a: b", "Re a: b", false);
    check_base("rewind: b", "rewind: b", false);
    check_base("fwx: b", "fwx: b", false);
    check_base("[a[b] c", "[a[b] c", false);
    check_base("=?utf-8?q?Re=3A_=C3=A4?=", "\xc3\xa4", true);
    check_base("=?us-ascii?b?UmU6IGM=?=", "c", true);
    check_base("Ad: Re: x", "Ad: Re: x", false);
}

static struct imap_search_node nodes[8];
static struct imap_range ranges[8];

static bool parse(const char *text, struct imap_sort *sort)
{
    struct imap_cursor c = imap_cursor_of(span_text(text), false, NULL, 0);
    struct imap_search search = imap_search_of(nodes, 8, ranges, 8);

    return imap_sort_parse(&c, sort, &search) && search.charset.len == 5;
}

static void criteria(void)
{
    struct imap_sort s;

    CHECK(parse("(SUBJECT REVERSE DATE) utf-8 all", &s) && s.count == 2);
    CHECK(s.keys[0] == IMAP_SORT_SUBJECT && !s.reverse[0]);
    CHECK(s.keys[1] == IMAP_SORT_DATE && s.reverse[1]);
    CHECK(
        parse("return (min) (reverse displayfrom displayto arrival cc to from size) utf-8 1", &s));
    CHECK(s.count == 7 && s.reverse[0] && !s.reverse[1]);
    CHECK(parse("(size size reverse size) utf-8 1", &s) && s.count == 1);
    CHECK(!parse("() utf-8 all", &s) && !parse("(foo) utf-8 all", &s) &&
          !parse("(size) utf-8", &s));
    CHECK(!parse("(reverse) utf-8 all", &s) && !parse("size utf-8 all", &s));
    CHECK(!parse("(size) all", &s) && !parse("(reverse reverse size) utf-8 all", &s));
}

static void check_order(const char *by, const char *expected)
{
    static const struct {
        int64_t size;
        const char *subject;
    } messages[] = {{5, "b"}, {3, "a"}, {5, ""}, {1, "ab"}, {3, "a"}};
    union imap_sort_value values[5][2];
    struct imap_sort_item items[5];
    struct writer w = writer_of(out, sizeof(out));
    struct imap_sort sort;
    char text[64];

    CHECK(parse(strcat(strcpy(text, by), " utf-8 all"), &sort));
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < sort.count; k++) {
            values[i][k].text = span_text(messages[i].subject);
            if (sort.keys[k] == IMAP_SORT_SIZE)
                values[i][k].number = messages[i].size;
        }
        items[i] = (struct imap_sort_item){.sequence = (uint32_t)i + 1, .values = values[i]};
    }
    imap_sort_items(&sort, items, 5);
    for (int i = 0; i < 5; i++)
        writer_printf(&w, "%u", items[i].sequence);
    CHECK_TEXT(writer_span(&w), expected);
}

static void orders(void)
{
    check_order("(size)", "42513");
    check_order("(reverse size)", "13254");
    check_order("(subject)", "32541");
    check_order("(size reverse subject)", "42513");
    check_order("(reverse subject reverse size)", "14253");
}

static void order_of_many(void)
{
    enum { COUNT = 5000 };
    static union imap_sort_value values[COUNT];
    static struct imap_sort_item items[COUNT];
    struct imap_sort sort;

    CHECK(parse("(size) utf-8 all", &sort));
    srand(2);
    for (uint32_t i = 0; i < COUNT; i++) {
        values[i].number = rand() % 100;
        items[i] = (struct imap_sort_item){.sequence = i, .values = &values[i]};
    }
    imap_sort_items(&sort, items, COUNT);
    for (int i = 1; i < COUNT; i++)
        if (!CHECK(items[i - 1].values->number < items[i].values->number ||
                   (items[i - 1].values->number == items[i].values->number &&
                    items[i - 1].sequence < items[i].sequence)))
            return;
}

static void check_address(const char *value, bool display, const char *expected)
{
    struct writer w = writer_of(out, sizeof(out));

    imap_sort_address(span_text(value), display, NULL, &w);
    CHECK_TEXT(writer_span(&w), expected);
}

static void keys_of_fields(void)
{
    check_address("A B <c@d>, e@f", false, "c");
    check_address("A B <c@d>", true, "A B");
    check_address("=?utf-8?q?=C3=A4?= <c@d>", true, "\xc3\xa4");
    check_address("c@d", true, "c@d");
    check_address("g: c@d;", false, "g");
    check_address("", false, "");
    CHECK(imap_sort_date(span_text("Thu, 1 Jan 1970 01:00:00 +0100"), 7) == 0);
    CHECK(imap_sort_date(span_text("tomorrow"), 7) == 7);
    CHECK(imap_sort_date(span_of(NULL, 0), 7) == 7);
}

enum { MESSAGES = 16, THREAD_NODES = 64 };

/* One message a line: date, id, references, subject; "Re: " makes it a reply. */
struct row {
    int date;
    const char *id, *references, *subject;
};

static const uint8_t key[16] = {1, 2, 3};
static struct imap_thread_message messages[MESSAGES];
static struct imap_thread_node thread_nodes[THREAD_NODES];

static uint32_t load(const struct row *rows)
{
    uint32_t count = 0;

    for (; rows[count].date; count++) {
        struct imap_thread_message *m = &messages[count];

        *m = (struct imap_thread_message){.number = count + 1, .date = rows[count].date};
        m->subject = imap_subject_base(span_text(rows[count].subject), &m->reply);
        m->message_id = span_text(rows[count].id);
        m->references = span_text(rows[count].references);
    }
    return count;
}

/* The threads, told whole and in pieces of the least room. */
static void check_threads(enum imap_thread_how how, const struct row *rows, const char *expected)
{
    struct writer w = writer_of(out, sizeof(out));
    uint32_t count = load(rows);
    uint8_t piece[IMAP_THREAD_PUT_MAX];
    struct imap_thread t;
    bool more;

    CHECK(imap_thread_init(&t, how, messages, count, thread_nodes, THREAD_NODES, key) && !t.full);
    CHECK(!imap_thread_put(&t, &w));
    CHECK_TEXT(writer_span(&w), expected);
    CHECK(imap_thread_init(&t, how, messages, count, thread_nodes, THREAD_NODES, key));
    w = writer_of(out, sizeof(out));
    do {
        struct writer p = writer_of(piece, sizeof(piece));

        more = imap_thread_put(&t, &p);
        CHECK(!p.full && p.len);
        writer_span_put(&w, writer_span(&p));
    } while (more);
    CHECK_TEXT(writer_span(&w), expected);
    CHECK(!imap_thread_init(&t, how, messages, count, thread_nodes, count, key));
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

static void in_reply_to(void)
{
    struct writer w = writer_of(out, sizeof(out));
    struct imap_thread t;

    memset(messages, 0, sizeof(messages));
    messages[0] = (struct imap_thread_message){.number = 1, .message_id = span_text("<a>")};
    messages[1] = (struct imap_thread_message){.number = 2, .in_reply_to = span_text("<a> <x>")};
    CHECK(imap_thread_init(&t, IMAP_THREAD_REFERENCES, messages, 2, thread_nodes, 5, key));
    CHECK(!imap_thread_put(&t, &w));
    CHECK_TEXT(writer_span(&w), "(1 2)");
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

    (void)load(none);
    CHECK(imap_thread_init(&t, IMAP_THREAD_REFERENCES, messages, 0, thread_nodes, 1, key));
    CHECK(!imap_thread_put(&t, &w) && w.len == 0);
}

/* With fewer nodes than ids, links are left out and messages are not. */
static void few_nodes(void)
{
    static const struct row rows[] = {
        {1, "<a>", "<x> <y> <z>", ""}, {2, "<b>", "<z>", ""}, {3, "<c>", "<a>", ""}, {0}};
    struct writer w = writer_of(out, sizeof(out));
    struct imap_thread t;

    CHECK(imap_thread_init(&t, IMAP_THREAD_REFERENCES, messages, load(rows), thread_nodes, 4, key));
    CHECK(t.full && !imap_thread_put(&t, &w));
    CHECK_TEXT(writer_span(&w), "(1 3)(2)");
}

/* Long chains and wide threads cost what many messages do. */
static void large(void)
{
    enum { COUNT = 100000 };
    struct imap_thread_message *many = calloc(COUNT, sizeof(*many));
    struct imap_thread_node *memory = calloc(2 * COUNT, sizeof(*memory));
    char(*ids)[2][16] = calloc(COUNT, sizeof(*ids));

    for (int wide = 0; wide < 2; wide++) {
        struct imap_thread t;
        uint32_t told = 0;
        bool more;

        for (uint32_t i = 0; i < COUNT; i++) {
            snprintf(ids[i][0], 16, "<%u>", i);
            snprintf(ids[i][1], 16, "<%u>", wide ? 0 : i - 1);
            many[i] = (struct imap_thread_message){.number = i + 1, .date = COUNT - i};
            many[i].message_id = span_text(ids[i][0]);
            if (i)
                many[i].references = span_text(ids[i][1]);
        }
        CHECK(imap_thread_init(&t, IMAP_THREAD_REFERENCES, many, COUNT, memory, 2 * COUNT, key));
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
    free(ids);
}

int main(void)
{
    check_begin();
    CHECK_CASE(base_subjects);
    CHECK_CASE(criteria);
    CHECK_CASE(orders);
    CHECK_CASE(order_of_many);
    CHECK_CASE(keys_of_fields);
    CHECK_CASE(ordered_subject);
    CHECK_CASE(references);
    CHECK_CASE(strange_references);
    CHECK_CASE(in_reply_to);
    CHECK_CASE(subjects_of_references);
    CHECK_CASE(refs);
    CHECK_CASE(no_messages);
    CHECK_CASE(few_nodes);
    CHECK_CASE(large);
    return check_end();
}
