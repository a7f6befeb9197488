/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_esearch.h"
#include "proto/imap/imap_flag.h"
#include "proto/imap/imap_search.h"
#include "proto/imap/imap_store.h"
#include "tests/harness/check.h"

enum { NODES = 64, RANGES = 64 };

static struct imap_search_node nodes[NODES];
static struct imap_range ranges[RANGES];
static uint8_t scratch[1024];

static const char *const names[IMAP_SEARCH_KINDS] = {
    [IMAP_SEARCH_AND] = "and",
    [IMAP_SEARCH_OR] = "or",
    [IMAP_SEARCH_NOT] = "not",
    [IMAP_SEARCH_ALL] = "all",
    [IMAP_SEARCH_SEQUENCE] = "seq",
    [IMAP_SEARCH_UID] = "uid",
    [IMAP_SEARCH_FLAG] = "flag",
    [IMAP_SEARCH_NEW] = "new",
    [IMAP_SEARCH_KEYWORD] = "keyword",
    [IMAP_SEARCH_BEFORE] = "before",
    [IMAP_SEARCH_ON] = "on",
    [IMAP_SEARCH_SINCE] = "since",
    [IMAP_SEARCH_SENTBEFORE] = "sentbefore",
    [IMAP_SEARCH_SENTON] = "senton",
    [IMAP_SEARCH_SENTSINCE] = "sentsince",
    [IMAP_SEARCH_SAVEDBEFORE] = "savedbefore",
    [IMAP_SEARCH_SAVEDON] = "savedon",
    [IMAP_SEARCH_SAVEDSINCE] = "savedsince",
    [IMAP_SEARCH_LARGER] = "larger",
    [IMAP_SEARCH_SMALLER] = "smaller",
    [IMAP_SEARCH_OLDER] = "older",
    [IMAP_SEARCH_YOUNGER] = "younger",
    [IMAP_SEARCH_MODSEQ] = "modseq",
    [IMAP_SEARCH_HEADER] = "header",
    [IMAP_SEARCH_BODY] = "body",
    [IMAP_SEARCH_TEXT] = "text",
    [IMAP_SEARCH_EMAILID] = "emailid",
    [IMAP_SEARCH_THREADID] = "threadid",
};

static void put(struct writer *w, const struct imap_search_node *n)
{
    writer_text(w, names[n->kind]);
    switch (n->kind) {
    case IMAP_SEARCH_SEQUENCE:
    case IMAP_SEARCH_UID:
        writer_text(w, n->set.saved ? " $" : "");
        for (uint32_t i = 0; i < n->set.count; i++)
            writer_printf(w, " %u:%u", n->set.ranges[i].low, n->set.ranges[i].high);
        break;
    case IMAP_SEARCH_FLAG:
        writer_text(w, imap_flag_name(n->flag));
        break;
    case IMAP_SEARCH_LARGER:
    case IMAP_SEARCH_SMALLER:
    case IMAP_SEARCH_OLDER:
    case IMAP_SEARCH_YOUNGER:
    case IMAP_SEARCH_MODSEQ:
        writer_printf(w, " %llu", (unsigned long long)n->number);
        break;
    default:
        if (n->kind >= IMAP_SEARCH_BEFORE && n->kind <= IMAP_SEARCH_SAVEDSINCE) {
            writer_printf(w, " %d", n->days);
        } else if (n->kind >= IMAP_SEARCH_KEYWORD) {
            writer_text(w, " ");
            writer_span_put(w, n->name);
            writer_text(w, "=");
            writer_span_put(w, n->text);
        }
    }
}

static void put_tree(struct writer *w, const struct imap_search *s, uint32_t at)
{
    uint32_t end = s->nodes[at].end;

    put(w, &s->nodes[at]);
    if (at + 1 == end)
        return;
    writer_text(w, "(");
    for (uint32_t i = at + 1; i < end; i = s->nodes[i].end) {
        writer_text(w, i > at + 1 ? "," : "");
        put_tree(w, s, i);
    }
    writer_text(w, ")");
}

static bool parse(const char *text, struct imap_search *s)
{
    struct imap_cursor c = imap_cursor_of(span_text(text), false, scratch, sizeof(scratch));

    *s = imap_search_of(nodes, NODES, ranges, RANGES);
    return imap_search_parse(&c, s);
}

static void check(const char *text, const char *expected)
{
    static uint8_t out[4096];
    struct span copy = guard_copy(span_text(text), true);
    struct imap_cursor c = imap_cursor_of(copy, false, scratch, sizeof(scratch));
    struct imap_search s = imap_search_of(nodes, NODES, ranges, RANGES);
    struct writer w = writer_of(out, sizeof(out));

    if (imap_search_parse(&c, &s))
        put_tree(&w, &s, 0);
    else
        writer_text(&w, "bad");
    if (!CHECK_TEXT(writer_span(&w), expected))
        check_that(false, __FILE__, __LINE__, text);
    CHECK(c.bad == !strcmp(expected, "bad"));
    guard_free(copy);
}

static void keys(void)
{
    check("ALL", "and(all)");
    check("seen not flagged", "and(flag\\Seen,not(flag\\Flagged))");
    check("unseen undeleted", "and(not(flag\\Seen),not(flag\\Deleted))");
    check("new old recent", "and(new,not(flag\\Recent),flag\\Recent)");
    check("keyword $x unkeyword y", "and(keyword =$x,not(keyword =y))");
    check("or smaller 5 larger 9", "and(or(smaller 5,larger 9))");
    check("1:3,5 uid 7:*", "and(seq 1:3 5:5,uid 7:0)");
    check("$ 1", "and(seq $,seq 1:1)");
    check("from a subject \"b c\" header x-y {1}\r\nz",
          "and(header From=a,header Subject=b c,header x-y=z)");
    check("body a text \"\"", "and(body =a,text =)");
    check("header x \"\"", "and(header x=)");
    check("since 1-Jan-1970 senton \"2-Jan-1970\" savedbefore 3-jan-1970 savedatesupported",
          "and(since 0,senton 1,savedbefore 2,all)");
    check("older 5 younger 6", "and(older 5,younger 6)");
    check("modseq 9", "and(modseq 9)");
    check("modseq \"/flags/\\\\draft\" all 9", "and(modseq 9)");
    check("emailid M1 threadid T-1", "and(emailid =M1,threadid =T-1)");
}

static void nested(void)
{
    check("(seen (draft 1) or 2 (3 4)) not (5 6)",
          "and(and(flag\\Seen,and(flag\\Draft,seq 1:1),or(seq 2:2,and(seq 3:3,seq 4:4))),"
          "not(and(seq 5:5,seq 6:6)))");
    check("not not not seen", "and(not(not(not(flag\\Seen))))");
    check("or not unseen or 1 2", "and(or(not(not(flag\\Seen)),or(seq 1:1,seq 2:2)))");
}

static void refused(void)
{
    static const char *const bad[] = {"",
                                      "foo",
                                      "seen ",
                                      " seen",
                                      "not",
                                      "or seen",
                                      "or seen ",
                                      "()",
                                      "(seen",
                                      "seen)",
                                      "larger",
                                      "larger x",
                                      "since",
                                      "since 1970",
                                      "from",
                                      "header a",
                                      "older 0",
                                      "keyword \"x\"",
                                      "seen  new",
                                      "uid",
                                      "uid x",
                                      "modseq a",
                                      "modseq \"x\" 5",
                                      "return",
                                      "return ()",
                                      "return (foo) all",
                                      "charset utf-8",
                                      "charset",
                                      "1,,2",
                                      "0"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check(bad[i], "bad");
}

static void options(void)
{
    struct imap_search s;

    CHECK(parse("return () all", &s) && s.extended && s.wanted == IMAP_RETURN_ALL);
    CHECK(parse("return (min count) charset utf-8 all", &s));
    CHECK(s.wanted == (IMAP_RETURN_MIN | IMAP_RETURN_COUNT));
    CHECK_TEXT(s.charset, "utf-8");
    CHECK(parse("return (save) all", &s) && s.wanted == IMAP_RETURN_SAVE);
    CHECK(parse("all seen", &s) && !s.extended && s.charset.data == NULL);
    CHECK(s.kinds == (1u << IMAP_SEARCH_AND | 1u << IMAP_SEARCH_ALL | 1u << IMAP_SEARCH_FLAG));
}

static void bounds(void)
{
    char text[1024] = "";
    struct imap_search s;

    for (int i = 0; i < IMAP_SEARCH_DEPTH - 1; i++)
        strcat(text, "not ");
    strcat(text, "1");
    {
        struct imap_search_node more[IMAP_SEARCH_DEPTH + 8];
        struct imap_cursor c = imap_cursor_of(span_text(text), false, NULL, 0);

        s = imap_search_of(more, IMAP_SEARCH_DEPTH + 8, ranges, RANGES);
        CHECK(imap_search_parse(&c, &s));
        memmove(text + 4, text, strlen(text) + 1);
        memcpy(text, "not ", 4);
        c = imap_cursor_of(span_text(text), false, NULL, 0);
        s = imap_search_of(more, IMAP_SEARCH_DEPTH + 8, ranges, RANGES);
        CHECK(!imap_search_parse(&c, &s) && c.bad);
    }
    strcpy(text, "1");
    for (int i = 0; i < NODES - 2; i++)
        strcat(text, " 1");
    CHECK(parse(text, &s) && s.count == NODES);
    strcat(text, " 1");
    CHECK(!parse(text, &s));
}

static enum imap_search_result by_facts(void *context, const struct imap_search_node *node)
{
    enum imap_search_result r = imap_search_by_facts(node, context);

    /* A keyword is there when it is called so. */
    if (node->kind == IMAP_SEARCH_KEYWORD && span_equal(node->text, span_text("yes")))
        return IMAP_SEARCH_YES;
    return r;
}

static const struct imap_search_facts facts = {.sequence = 3,
                                               .uid = 30,
                                               .flags = IMAP_FLAG_SEEN | IMAP_FLAG_RECENT,
                                               .sent = true,
                                               .saved = true,
                                               .zone = 60,
                                               .internal_date = 10 * 86400 - 1800,
                                               .save_date = 20 * 86400,
                                               .sent_days = 5,
                                               .size = 100,
                                               .modseq = 7,
                                               .now = 10 * 86400};

static void check_result(const char *text, enum imap_search_result expected)
{
    struct imap_range saved_range = {30, 30};
    struct imap_set saved = {.ranges = &saved_range, .count = 1};
    struct imap_search s;

    if (!CHECK(parse(text, &s)))
        return;
    imap_search_resolve(&s, 3, 40, &saved);
    if (!CHECK(imap_search_judge(&s, by_facts, (void *)(uintptr_t)&facts) == expected))
        check_that(false, __FILE__, __LINE__, text);
}

static void results(void)
{
    static const char *const yes[] = {"all",
                                      "seen",
                                      "unflagged",
                                      "recent",
                                      "not old",
                                      "3",
                                      "*",
                                      "5:2",
                                      "uid 30",
                                      "uid 20:*",
                                      "$",
                                      "keyword yes",
                                      "larger 99",
                                      "smaller 101",
                                      "not larger 100",
                                      "modseq 7",
                                      "on 11-Jan-1970",
                                      "since 11-Jan-1970",
                                      "before 12-Jan-1970",
                                      "senton 6-Jan-1970",
                                      "savedon 21-Jan-1970",
                                      "younger 1800",
                                      "older 1800",
                                      "or seen draft",
                                      "(seen 3)",
                                      "not (seen 4)",
                                      "or (draft keyword x) 3"};
    static const char *const no[] = {"unseen",
                                     "new",
                                     "flagged",
                                     "1",
                                     "uid 40",
                                     "larger 100",
                                     "smaller 100",
                                     "modseq 8",
                                     "on 10-Jan-1970",
                                     "before 11-Jan-1970",
                                     "sentsince 7-Jan-1970",
                                     "younger 1799",
                                     "older 1801",
                                     "seen draft",
                                     "keyword x draft"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        check_result(yes[i], IMAP_SEARCH_YES);
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        check_result(no[i], IMAP_SEARCH_NO);
    check_result("keyword x", IMAP_SEARCH_UNKNOWN);
    check_result("not keyword x", IMAP_SEARCH_UNKNOWN);
    check_result("seen text a", IMAP_SEARCH_UNKNOWN);
    check_result("or draft subject x", IMAP_SEARCH_UNKNOWN);
}

/* What a message without a date is. */
static void without_dates(void)
{
    struct imap_search_facts none = {.sequence = 1};
    struct imap_search s;

    CHECK(parse("sentbefore 1-Jan-2030", &s));
    CHECK(imap_search_judge(&s, by_facts, &none) == IMAP_SEARCH_NO);
    CHECK(parse("savedbefore 1-Jan-2030", &s));
    CHECK(imap_search_judge(&s, by_facts, &none) == IMAP_SEARCH_NO);
}

static void check_answer(struct imap_esearch a, const char *expected)
{
    uint8_t out[128];
    struct writer w = writer_of(out, sizeof(out));

    if (imap_esearch_put(&w, span_text("a]1"), &a))
        writer_text(&w, "1:3");
    imap_esearch_end(&w, &a);
    CHECK_TEXT(writer_span(&w), expected);
}

static void answers(void)
{
    unsigned every = IMAP_RETURN_MIN | IMAP_RETURN_MAX | IMAP_RETURN_ALL | IMAP_RETURN_COUNT;

    check_answer((struct imap_esearch){.wanted = (uint8_t)every, .count = 3, .min = 1, .max = 3},
                 "* ESEARCH (TAG \"a]1\") MIN 1 MAX 3 COUNT 3 ALL 1:3\r\n");
    check_answer((struct imap_esearch){.wanted = (uint8_t)every, .uid = true, .modseq = 5},
                 "* ESEARCH (TAG \"a]1\") UID COUNT 0\r\n");
    check_answer(
        (struct imap_esearch){.wanted = IMAP_RETURN_ALL, .uid = true, .count = 3, .modseq = 5},
        "* ESEARCH (TAG \"a]1\") UID ALL 1:3 MODSEQ 5\r\n");
    check_answer((struct imap_esearch){.wanted = IMAP_RETURN_SAVE, .count = 1},
                 "* ESEARCH (TAG \"a]1\")\r\n");
}

static bool parse_store(const char *text, struct imap_store *store)
{
    struct imap_cursor c = imap_cursor_of(span_text(text), false, NULL, 0);

    return imap_store_parse(&c, store);
}

static void store(void)
{
    struct imap_store s;

    CHECK(parse_store("FLAGS (\\Seen a)", &s) && s.action == IMAP_STORE_REPLACE && !s.silent);
    CHECK(s.flags.system == IMAP_FLAG_SEEN && s.flags.keyword_count == 1);
    CHECK(parse_store("+flags.silent \\Deleted b", &s) && s.action == IMAP_STORE_ADD && s.silent);
    CHECK(parse_store("(unchangedsince 12) -FLAGS ()", &s) && s.action == IMAP_STORE_REMOVE);
    CHECK(s.unchanged && s.unchanged_since == 12);
    CHECK(!parse_store("", &s) && !parse_store("FLAGS", &s) && !parse_store("FLAGS (a", &s));
    CHECK(!parse_store("*FLAGS a", &s) && !parse_store("FLAGS.LOUD a", &s));
    CHECK(!parse_store("() FLAGS a", &s) && !parse_store("(unchangedsince) FLAGS a", &s));
    CHECK(!parse_store("(unchangedsince 1 unchangedsince 2) FLAGS a", &s));
}

static bool parse_append(const char *text, struct imap_append *append)
{
    struct imap_cursor c = imap_cursor_of(span_text(text), false, NULL, 0);

    return imap_append_parse(&c, append);
}

static void append(void)
{
    struct imap_append a;

    CHECK(parse_append(" {5}\r\n", &a) && a.size == 5 && !a.dated && !a.utf8 && !a.literal8);
    CHECK(parse_append(" (\\Seen) \" 1-Jan-1970 00:00:01 +0000\" ~{6+}\r\n", &a));
    CHECK(a.size == 6 && a.literal8 && a.dated && a.date == 1 && a.flags.system == IMAP_FLAG_SEEN);
    CHECK(parse_append(" UTF8 (~{7}\r\n", &a) && a.utf8 && a.size == 7);
    CHECK(!parse_append(" UTF8 ({7}\r\n", &a) && !parse_append("{5}\r\n", &a));
    CHECK(!parse_append(" (\\Seen){5}\r\n", &a) && !parse_append(" {5}\r\nx", &a));
    CHECK(!parse_append(" \"1-Jan-1970\" {5}\r\n", &a) && !parse_append(" ", &a));
}

int main(void)
{
    check_begin();
    CHECK_CASE(keys);
    CHECK_CASE(nested);
    CHECK_CASE(refused);
    CHECK_CASE(options);
    CHECK_CASE(bounds);
    CHECK_CASE(results);
    CHECK_CASE(without_dates);
    CHECK_CASE(answers);
    CHECK_CASE(store);
    CHECK_CASE(append);
    return check_end();
}
