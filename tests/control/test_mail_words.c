/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_words.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/check.h"

static void each_set_is_kept_once(void)
{
    struct mail_words *w = mail_words_new();
    char text[16];

    CHECK(mail_words_put(w, span_of(NULL, 0)) == 0 && mail_words_count(w) == 1);
    CHECK(mail_words_get(w, 0).len == 0 && mail_words_get(w, 77).len == 0);
    /* Far more than it begins with room for. */
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 1; i <= 50000; i++) {
            snprintf(text, sizeof(text), "word%u", i);
            if (mail_words_put(w, span_text(text)) != i && !CHECK(false))
                i = 50000;
        }
    CHECK(mail_words_count(w) == 50001);
    CHECK_TEXT(mail_words_get(w, 1), "word1");
    CHECK_TEXT(mail_words_get(w, 50000), "word50000");
    mail_words_free(w);
    mail_words_free(NULL);
}

/* Who writes thousands of large sets is told so; what there is goes on to be found. */
static void they_have_a_bound(void)
{
    enum { LARGE = 8192 };
    struct mail_words *w = mail_words_new();
    uint8_t *set = calloc(1, LARGE);
    uint32_t i = 0, index = 0;

    while (index != UINT32_MAX && i < 20000) {
        memcpy(set, &i, sizeof(i));
        index = mail_words_put(w, span_of(set, LARGE));
        i++;
    }
    CHECK(index == UINT32_MAX && i > 8000 && i < 8200);
    i = 0;
    memcpy(set, &i, sizeof(i));
    CHECK(mail_words_put(w, span_of(set, LARGE)) == 1);
    free(set);
    mail_words_free(w);
}

int main(void)
{
    check_begin();
    CHECK_CASE(each_set_is_kept_once);
    CHECK_CASE(they_have_a_bound);
    return check_end();
}
