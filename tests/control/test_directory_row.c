/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/directory_row.h"
#include "tests/harness/check.h"

static void rows_come_back_as_they_went(void)
{
    struct directory_row_account a = {.disabled = true,
                                      .quota = 77,
                                      .mailbox = span_text("A@b.test"),
                                      .hash = span_text("$6$"),
                                      .send_as = {.count = 2,
                                                  .name = {span_text("x@b.test"),
                                                           span_text("@c.test")}}},
                                 read;
    struct directory_row_domain domain;
    struct directory_row_alias alias;
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct span whole, copy;

    directory_row_put_account(&w, &a);
    whole = writer_span(&w);
    copy = guard_copy(whole, true);
    CHECK(directory_row_read_account(copy, &read) && read.disabled && read.quota == 77 &&
          read.send_as.count == 2 && span_equal(read.send_as.name[1], a.send_as.name[1]));
    guard_free(copy);
    for (size_t n = 0; n < whole.len; n++) {
        copy = guard_copy(span_head(whole, n), true);
        CHECK(!directory_row_read_account(copy, &read));
        guard_free(copy);
    }
    CHECK(!directory_row_read_domain(whole, &domain));
    CHECK(!directory_row_read_alias(whole, &alias));
    CHECK(read.keep_copy && !read.forward.count && whole.data[0] == 1);
}

/* Rows without forwards are what they were before there were any. */
static void rows_with_forwards_are_of_the_second_version(void)
{
    struct directory_row_account a = {.mailbox = span_text("a@b.test"),
                                      .forward = {.count = 1, .name = {span_text("x@far.test")}}},
                                 read;
    struct directory_row_alias alias = {.forward = a.forward}, read_alias;
    uint8_t bytes[512];
    struct writer w = writer_of(bytes, sizeof(bytes));

    directory_row_put_account(&w, &a);
    CHECK(w.data[0] == 2 && directory_row_read_account(writer_span(&w), &read) && !read.keep_copy &&
          span_equal(read.forward.name[0], span_text("x@far.test")));
    for (size_t n = 0; n < w.len; n++)
        CHECK(!directory_row_read_account(span_head(writer_span(&w), n), &read));
    w.len = 0;
    directory_row_put_alias(&w, &alias);
    CHECK(w.data[0] == 2 && directory_row_read_alias(writer_span(&w), &read_alias) &&
          read_alias.forward.count == 1 && !read_alias.members.count);
    for (size_t n = 0; n < w.len; n++)
        CHECK(!directory_row_read_alias(span_head(writer_span(&w), n), &read_alias));
}

int main(void)
{
    check_begin();
    CHECK_CASE(rows_come_back_as_they_went);
    CHECK_CASE(rows_with_forwards_are_of_the_second_version);
    return check_end();
}
