/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_set.h"
#include "tests/harness/check.h"

enum { RANGES = 16 };

static struct imap_range ranges[RANGES];

static bool parse(const char *text, struct imap_set *set)
{
    struct span copy = guard_copy(span_text(text), true);
    struct imap_cursor c = imap_cursor_of(copy, false, NULL, 0);
    bool ok;

    *set = imap_set_of(ranges, RANGES);
    ok = imap_set_parse(&c, set) && imap_cursor_done(&c);
    guard_free(copy);
    return ok;
}

/* Read, resolved with the largest number, and written again. */
static void check(const char *text, uint32_t largest, const char *expected)
{
    uint8_t out[256];
    struct writer w = writer_of(out, sizeof(out));
    struct imap_set_writer sw = imap_set_writer_of(&w);
    struct imap_set set;

    if (!CHECK(parse(text, &set)))
        return;
    imap_set_resolve(&set, largest);
    for (uint32_t i = 0; i < set.count; i++)
        imap_set_writer_range(&sw, set.ranges[i].low, set.ranges[i].high);
    imap_set_writer_end(&sw);
    CHECK_TEXT(writer_span(&w), expected);
}

static void resolved(void)
{
    check("1", 9, "1");
    check("3:1", 9, "1:3");
    check("*", 9, "9");
    check("*:7", 9, "7:9");
    check("12:*", 9, "9:12");
    check("*:*", 9, "9");
    check("5,1:2,3,2:4,9:8", 9, "1:5,8:9");
    check("9,7,5,3,1,2,4", 9, "1:5,7,9");
    check("4294967295,1:*", UINT32_MAX, "1:4294967295");
    check("4294967294,4294967295,4294967295:7", 9, "7:4294967295");
    check("*", 0, "");
    check("1:*,*", 0, "");
}

static void refused(void)
{
    static const char *const bad[] = {"",  "0",   "1,",  ",1",  "1:",         ":1",   "01", "1:0",
                                      "a", "1-2", "1 2", "$,1", "4294967296", "1::2", "**", "1,,2"};
    struct imap_set set;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (!CHECK(!parse(bad[i], &set)))
            check_that(false, __FILE__, __LINE__, bad[i]);
    CHECK(parse("1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31", &set) && set.count == RANGES);
    CHECK(!parse("1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33", &set));
    CHECK(parse("$", &set) && set.saved && set.count == 0);
}

static void members(void)
{
    struct imap_set set;

    CHECK(parse("2,5:7,4294967290:*", &set));
    imap_set_resolve(&set, UINT32_MAX);
    for (uint32_t n = 1; n < 12; n++)
        CHECK(imap_set_contains(&set, n) == (n == 2 || (n >= 5 && n <= 7)));
    CHECK(imap_set_contains(&set, UINT32_MAX) && !imap_set_contains(&set, UINT32_MAX - 6));
    CHECK(imap_set_next(&set, 1) == 2 && imap_set_next(&set, 2) == 2 &&
          imap_set_next(&set, 3) == 5);
    CHECK(imap_set_next(&set, 6) == 6 && imap_set_next(&set, 8) == 4294967290u);
    CHECK(imap_set_size(&set) == 10);
    CHECK(parse("3", &set));
    imap_set_resolve(&set, 9);
    CHECK(imap_set_next(&set, 4) == 0);
}

static void whole_range(void)
{
    struct imap_set set;

    CHECK(parse("1:*", &set));
    imap_set_resolve(&set, UINT32_MAX);
    CHECK(imap_set_size(&set) == UINT32_MAX && imap_set_next(&set, UINT32_MAX) == UINT32_MAX);
}

static void appended(void)
{
    struct imap_set set = imap_set_of(ranges, 2);

    CHECK(imap_set_append(&set, 1, 1) && imap_set_append(&set, 2, 4) && set.count == 1);
    CHECK(imap_set_append(&set, 6, 6) && !imap_set_append(&set, 8, 8) && set.count == 2);
    CHECK(imap_set_append(&set, 7, 7) && imap_set_size(&set) == 6);
}

/* One number at a time, each put within its bound. */
static void written(void)
{
    static const uint32_t numbers[] = {4294967294, 4294967295, 5, 7, 8, 9, 3};
    uint8_t out[128];
    struct writer w = writer_of(out, sizeof(out));
    struct imap_set_writer sw = imap_set_writer_of(&w);

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        size_t before = w.len;

        imap_set_writer_put(&sw, numbers[i]);
        CHECK(w.len - before <= IMAP_SET_PUT_MAX);
    }
    imap_set_writer_end(&sw);
    imap_set_writer_end(&sw);
    CHECK_TEXT(writer_span(&w), "4294967294:4294967295,5,7:9,3");
}

int main(void)
{
    check_begin();
    CHECK_CASE(resolved);
    CHECK_CASE(refused);
    CHECK_CASE(members);
    CHECK_CASE(whole_range);
    CHECK_CASE(appended);
    CHECK_CASE(written);
    return check_end();
}
