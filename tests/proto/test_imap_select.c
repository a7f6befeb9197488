/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_select.h"
#include "tests/harness/check.h"

static void put_set(struct writer *w, const struct imap_set *set)
{
    struct imap_set_writer s = imap_set_writer_of(w);

    for (uint32_t i = 0; i < set->count; i++)
        imap_set_writer_range(&s, set->ranges[i].low, set->ranges[i].high);
    imap_set_writer_end(&s);
}

static void put(struct writer *w, const struct imap_select *s)
{
    struct imap_select_pair pair = {0};

    writer_text(w, s->condstore ? "condstore" : "");
    if (!s->qresync)
        return;
    writer_printf(w, " qresync %u %llu", s->uid_validity, (unsigned long long)s->modseq);
    writer_text(w, s->known ? " known " : "");
    if (s->known)
        put_set(w, &s->uids);
    writer_text(w, s->matched ? " pairs" : "");
    for (int i = 0; s->matched && i < 5 && imap_select_pair(s, &pair); i++)
        writer_printf(w, " %u=%u", pair.number, pair.uid);
}

/* Read at the edge of memory, and told again. */
static void check(const char *text, const char *expected)
{
    static uint8_t out[4096];
    struct imap_range ranges[64];
    struct imap_select s;
    struct span copy = guard_copy(span_text(text), true);
    struct imap_cursor c = imap_cursor_of(copy, false, NULL, 0);
    struct writer w = writer_of(out, sizeof(out));

    if (imap_select_parse(&c, ranges, (uint32_t)(copy.len / 2 + 1), &s))
        put(&w, &s);
    else if (CHECK(c.bad))
        writer_text(&w, "bad");
    if (!CHECK_TEXT(writer_span(&w), expected))
        check_that(false, __FILE__, __LINE__, text);
    guard_free(copy);
}

static void parameters(void)
{
    check("", "");
    check(" (CONDSTORE)", "condstore");
    check(" (condstore qresync (1 2))", "condstore qresync 1 2");
    check(" (QRESYNC (67890007 9223372036854775807))", " qresync 67890007 9223372036854775807");
    check(" (QRESYNC (1 2 41:211,214:541))", " qresync 1 2 known 41:211,214:541");
    check(" (QRESYNC (1 2 3 (1:3 5,7:8)))", " qresync 1 2 known 3 pairs 1=5 2=7 3=8");
    check(" (QRESYNC (1 2 (1,3 1,9)))", " qresync 1 2 pairs 1=1 3=9");
    check(" (QRESYNC (1 2 (1:4294967295 1:4294967295)))", " qresync 1 2 pairs 1=1 2=2 3=3 4=4 5=5");
}

static void refused(void)
{
    static const char *const bad[] = {
        " ",
        " ()",
        " (X)",
        " CONDSTORE",
        " (CONDSTORE",
        " (CONDSTORE) ",
        "(CONDSTORE)",
        " (QRESYNC)",
        " (QRESYNC ())",
        " (QRESYNC (1))",
        " (QRESYNC (0 1))",
        " (QRESYNC (1 0))",
        " (QRESYNC (4294967296 1))",
        " (QRESYNC (1 9223372036854775808))",
        " (QRESYNC (1 2 *))",
        " (QRESYNC (1 2 1:*))",
        " (QRESYNC (1 2 $))",
        " (QRESYNC (1 2 0))",
        " (QRESYNC (1 2 ))",
        " (QRESYNC (1 2 3 4))",
        " (QRESYNC (1 2 3 ))",
        " (QRESYNC (1 2 (1)))",
        " (QRESYNC (1 2 (1:2 1)))",
        " (QRESYNC (1 2 (1:* 1:2)))",
        " (QRESYNC (1 2 (1 1) 3))",
        " (QRESYNC (1 2)) x",
        " (QRESYNC (1 2) QRESYNC (1 2))",
        " (QRESYNC (1 2)",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check(bad[i], "bad");
}

int main(void)
{
    check_begin();
    CHECK_CASE(parameters);
    CHECK_CASE(refused);
    return check_end();
}
