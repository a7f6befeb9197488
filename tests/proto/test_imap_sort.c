/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/index_sort.h"
#include "proto/imap/imap_sort.h"
#include "proto/imap/imap_subject.h"
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

struct rows {
    const struct imap_sort *sort;
    const union imap_sort_value (*values)[2];
};

static bool before(const void *context, uint32_t a, uint32_t b)
{
    const struct rows *r = context;

    return imap_sort_before(r->sort, r->values[a], r->values[b]);
}

static void check_order(const char *by, const char *expected)
{
    static const struct {
        int64_t size;
        const char *subject;
    } messages[] = {{5, "b"}, {3, "a"}, {5, ""}, {1, "ab"}, {3, "a"}};
    union imap_sort_value values[5][2];
    struct writer w = writer_of(out, sizeof(out));
    struct imap_sort sort;
    struct index_sort order;
    uint32_t memory[10];
    char text[64];

    CHECK(parse(strcat(strcpy(text, by), " utf-8 all"), &sort));
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < sort.count; k++) {
            values[i][k].text = span_text(messages[i].subject);
            if (sort.keys[k] == IMAP_SORT_SIZE)
                values[i][k].number = messages[i].size;
        }
    }
    index_sort_init(&order, memory, 5, before, &(struct rows){.sort = &sort, .values = values});
    CHECK(index_sort_step(&order, 100));
    for (int i = 0; i < 5; i++)
        writer_printf(&w, "%u", order.from[i] + 1);
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

static bool smaller(const void *context, uint32_t a, uint32_t b)
{
    const int *values = context;

    return values[a] < values[b];
}

/* Each number of elements, as many comparisons at a time as there may be, stable. */
static void index_sorts(void)
{
    enum { COUNT = 300 };
    static int values[COUNT];
    static uint32_t memory[2 * COUNT];
    struct index_sort s;

    srand(2);
    for (uint32_t count = 0; count < COUNT; count++) {
        uint32_t steps = 1 + (uint32_t)rand() % 9, calls = 0;
        bool good = true;

        for (uint32_t i = 0; i < count; i++)
            values[i] = rand() % 100;
        index_sort_init(&s, memory, count, smaller, values);
        while (!index_sort_step(&s, steps))
            calls++;
        CHECK(calls * steps <= count * 9);
        for (uint32_t i = 1; i < count; i++) {
            uint32_t a = s.from[i - 1], b = s.from[i];

            good = good && (values[a] < values[b] || (values[a] == values[b] && a < b));
        }
        if (!CHECK(good))
            return;
    }
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

int main(void)
{
    check_begin();
    CHECK_CASE(base_subjects);
    CHECK_CASE(criteria);
    CHECK_CASE(orders);
    CHECK_CASE(index_sorts);
    CHECK_CASE(keys_of_fields);
    return check_end();
}
