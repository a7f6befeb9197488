/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_text.h"

#include <stdlib.h>

#include "tests/harness/check.h"

static bool put(struct mail_text *t, const uint8_t *bytes, size_t n)
{
    size_t mark, rounds = 0;

    do {
        mark = mail_text_mark(t);
        writer_span_put(&t->w, span_of(bytes, n));
        rounds++;
    } while (!mail_text_fits(t, mark));
    return rounds < 20;
}

static void it_grows_and_gives_what_was_not_taken(void)
{
    enum { PIECE = 3000, PIECES = 50 };
    struct mail_text t = {0};
    uint8_t bytes[PIECE];

    for (int i = 0; i < PIECES; i++) {
        memset(bytes, 'a' + i % 26, PIECE);
        CHECK(put(&t, bytes, PIECE));
    }
    CHECK(!t.failed && mail_text_left(&t).len == PIECE * PIECES);
    mail_text_take(&t, PIECE + 1);
    CHECK(mail_text_left(&t).len == PIECE * PIECES - PIECE - 1);
    CHECK(mail_text_left(&t).data[0] == 'b' && mail_text_left(&t).data[PIECE - 1] == 'c');
    /* All of it has gone: it begins anew, in the same room. */
    mail_text_take(&t, mail_text_left(&t).len);
    CHECK(mail_text_left(&t).len == 0 && mail_text_mark(&t) == 0);
    CHECK(put(&t, bytes, 1) && mail_text_left(&t).len == 1);
    mail_text_free(&t);
    CHECK(mail_text_left(&t).len == 0);
}

/* What never fits is not said in part, and he who writes does not go on for ever. */
static void what_is_too_large_fails(void)
{
    struct mail_text t = {0};
    uint8_t *bytes = calloc(1, MAIL_TEXT_MAX + 1);

    CHECK(put(&t, bytes, 10));
    CHECK(put(&t, bytes, MAIL_TEXT_MAX + 1) && t.failed);
    CHECK(mail_text_left(&t).len == 10);
    mail_text_free(&t);
    CHECK(put(&t, bytes, MAIL_TEXT_MAX) && !t.failed);
    mail_text_free(&t);
    free(bytes);
}

int main(void)
{
    check_begin();
    CHECK_CASE(it_grows_and_gives_what_was_not_taken);
    CHECK_CASE(what_is_too_large_fails);
    return check_end();
}
