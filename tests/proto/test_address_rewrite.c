/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_rewrite.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>

/* The addresses of a header, changed while it streams by. */

struct seen {
    uint32_t changes;
    bool refuse;
    char names[64];
};

/* Senders at old.test are at new.example, recipients too, and get a dot in front of their names. */
static bool map(void *context, enum address_map_class where, const struct address *a,
                struct writer *out)
{
    if (!span_equal_nocase(a->domain, span_text("old.test")))
        return false;
    if (where == ADDRESS_MAP_HEADER_RECIPIENT)
        writer_text(out, "r.");
    writer_span_put(out, a->local);
    writer_text(out, "@new.example");
    return true;
}

static bool changes(void *context, struct span name, struct span value)
{
    struct seen *s = context;

    s->changes++;
    snprintf(s->names, sizeof(s->names), "%.*s", (int)name.len, (const char *)name.data);
    return !s->refuse;
}

static void take_all(struct address_rewrite *r, const struct address_rewrite_user *user,
                     struct span in, struct writer *out)
{
    struct span piece;

    while ((piece = address_rewrite_take(r, user, &in)).len)
        writer_span_put(out, piece);
    CHECK(in.len == 0);
}

static struct span run(struct address_rewrite *r, struct seen *seen, struct span whole, size_t cut,
                       char *text, size_t size)
{
    const struct address_rewrite_user user = {.map = map, .changes = changes, .context = seen};
    struct writer out = writer_of(text, size);
    struct span piece;

    *seen = (struct seen){.refuse = seen->refuse};
    address_rewrite_init(r);
    if (cut > whole.len)
        for (size_t i = 0; i < whole.len; i++)
            take_all(r, &user, span_of(whole.data + i, 1), &out);
    take_all(r, &user, cut > whole.len ? span_of(NULL, 0) : span_head(whole, cut), &out);
    take_all(r, &user, cut > whole.len ? span_of(NULL, 0) : span_skip(whole, cut), &out);
    while ((piece = address_rewrite_finish(r, &user)).len)
        writer_span_put(&out, piece);
    CHECK(!out.full);
    return writer_span(&out);
}

/* Cut in two at every place, and byte by byte: always the same comes out. */
static void check_text(const char *message, const char *expected, uint32_t changed, uint32_t left)
{
    static struct address_rewrite r;
    struct span whole = guard_copy(span_text(message), true);
    struct seen seen = {.refuse = false};
    char text[2048];

    for (size_t cut = 0; cut <= whole.len + 1; cut++) {
        struct span out = run(&r, &seen, whole, cut, text, sizeof(text));

        if (!CHECK_TEXT(out, expected) || !CHECK(r.changed == changed && r.left == left))
            printf("# cut at %zu: %u changed, %u left\n", cut, r.changed, r.left);
    }
    guard_free(whole);
}

static void the_address_alone_changes(void)
{
    check_text("From: a@old.test\r\n\r\nFrom: a@old.test\r\n",
               "From: a@new.example\r\n\r\nFrom: a@old.test\r\n", 1, 0);
    check_text("from:a@old.test\r\nSENDER \t: \"A, <a@old.test>\" <a@old.test>\r\n\r\n",
               "from:a@new.example\r\nSENDER \t: \"A, <a@old.test>\" <a@new.example>\r\n\r\n", 2,
               0);
    check_text("To: x@else.test,\r\n\t=?utf-8?q?a=40old.test?= <b@OLD.test>,\r\n (c@old.test) "
               "d@old.test (e, f@old.test)\r\n\r\n",
               "To: x@else.test,\r\n\t=?utf-8?q?a=40old.test?= <r.b@new.example>,\r\n (c@old.test) "
               "r.d@new.example (e, f@old.test)\r\n\r\n",
               2, 0);
    check_text("Cc: Team: a@old.test, <b@old.test>;, Nobody:;, c@old.test\r\n\r\n",
               "Cc: Team: r.a@new.example, <r.b@new.example>;, Nobody:;, r.c@new.example\r\n\r\n",
               3, 0);
    check_text("Reply-To: <\r\n a@old.test >\r\nResent-Cc: \"a b\"@old.test\r\nResent-From: "
               "a@old.test\r\n\r\n",
               "Reply-To: <\r\n a@new.example >\r\nResent-Cc: r.\"a b\"@new.example\r\n"
               "Resent-From: a@new.example\r\n\r\n",
               3, 0);
    check_text("From: J\xc3\xbcrgen <j\xc3\xbc@old.test>\r\n\r\n",
               "From: J\xc3\xbcrgen <j\xc3\xbc@new.example>\r\n\r\n", 1, 0);
}

static void others_stay_as_they_are(void)
{
    check_text("Subject: a@old.test\r\nFromage: a@old.test\r\nX-To: a@old.test\r\nFro: a@old.test"
               "\r\nTo\r\nTo x: a@old.test\r\n: a@old.test\r\n\r\n",
               "Subject: a@old.test\r\nFromage: a@old.test\r\nX-To: a@old.test\r\nFro: a@old.test"
               "\r\nTo\r\nTo x: a@old.test\r\n: a@old.test\r\n\r\n",
               0, 0);
    check_text(" From: a@old.test\r\nReceived: x\r\n From: a@old.test\r\n\r\n",
               " From: a@old.test\r\nReceived: x\r\n From: a@old.test\r\n\r\n", 0, 0);
    check_text("From: x@else.test\r\nTo:\r\nCc: Team:;\r\n",
               "From: x@else.test\r\nTo:\r\nCc: "
               "Team:;\r\n",
               0, 0);
    check_text("", "", 0, 0);
    check_text("From", "From", 0, 0);
    check_text("\r\nFrom: a@old.test", "\r\nFrom: a@old.test", 0, 0);
}

/* A message may end in its header. */
static void an_end_is_the_end_of_a_field(void)
{
    check_text("To: a@old.test", "To: r.a@new.example", 1, 0);
    check_text("To: a@old.test\r\n", "To: r.a@new.example\r\n", 1, 0);
    check_text("To: a@old.test,\r\n b@old.test\r\n", "To: r.a@new.example,\r\n r.b@new.example\r\n",
               2, 0);
}

static void what_cannot_be_read_stays_and_is_counted(void)
{
    /* Addresses one by one ... */
    check_text("To: a b@old.test, c@old.test, d, (e)f@old.test(g)@old.test\r\n\r\n",
               "To: a b@old.test, r.c@new.example, d, (e)f@old.test(g)@old.test\r\n\r\n", 1, 3);
    check_text("To: a(x)@old.test, .b@old.test, c@-old.test\r\n\r\n",
               "To: a(x)@old.test, .b@old.test, c@-old.test\r\n\r\n", 0, 3);
    /* ... and fields that can be taken apart in two ways. */
    check_text("From: \"a@old.test\r\nCc: <a@old.test> b@old.test\r\nTo: (a@old.test\r\n\r\n",
               "From: \"a@old.test\r\nCc: <a@old.test> b@old.test\r\nTo: (a@old.test\r\n\r\n", 0,
               3);
}

static void put_many(struct writer *w, const char *name, uint32_t count, const char *between)
{
    writer_text(w, name);
    for (uint32_t i = 0; i < count; i++)
        writer_printf(w, "%sa%u@old.test", i ? between : " ", i);
    writer_text(w, "\r\n");
}

static void it_is_bounded(void)
{
    static struct address_rewrite r;
    static char in[98304], text[131072];
    struct writer w = writer_of(in, sizeof(in));
    struct seen seen = {.refuse = false};
    struct span out;

    /* A field that is not held, then one that is. */
    put_many(&w, "To:", 1200, ",\r\n ");
    put_many(&w, "Cc:", 2, ", ");
    writer_text(&w, "\r\nbody");
    out = run(&r, &seen, writer_span(&w), 7000, text, sizeof(text));
    CHECK(r.changed == 2 && r.left == 1 && out.len == w.len + 2 * 5);
    CHECK(memcmp(out.data, in, 100) == 0);
    /* Growth ends; each address grows by five octets. */
    w.len = 0;
    for (int i = 0; i < 8; i++)
        put_many(&w, "To:", 500, ",\r\n ");
    out = run(&r, &seen, writer_span(&w), w.len, text, sizeof(text));
    CHECK(r.changed == 3000 && r.left == 2 && out.len == w.len + 15000);
    CHECK(out.len - w.len <= ADDRESS_REWRITE_GROWTH);
    /* No line gets longer than a line may be. */
    w.len = 0;
    put_many(&w, "To:", 65, ", ");
    CHECK(w.len <= 1000);
    out = run(&r, &seen, writer_span(&w), w.len, text, sizeof(text));
    CHECK(r.changed == 0 && r.left == 1 && span_equal(out, writer_span(&w)));
}

static void who_is_told_may_refuse(void)
{
    static struct address_rewrite r;
    static const char from[] = "Resent-To : a@old.test\r\n\r\n";
    struct seen seen = {.refuse = true};
    char text[256];

    CHECK_TEXT(run(&r, &seen, span_text(from), 3, text, sizeof(text)), from);
    CHECK(seen.changes == 1 && r.left == 1 && r.changed == 0);
    CHECK_TEXT(span_text(seen.names), "Resent-To");
}

int main(void)
{
    check_begin();
    CHECK_CASE(the_address_alone_changes);
    CHECK_CASE(others_stay_as_they_are);
    CHECK_CASE(an_end_is_the_end_of_a_field);
    CHECK_CASE(what_cannot_be_read_stays_and_is_counted);
    CHECK_CASE(it_is_bounded);
    CHECK_CASE(who_is_told_may_refuse);
    return check_end();
}
