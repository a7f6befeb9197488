/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_recent.h"

#include "tests/harness/check.h"

static void what_is_not_known_is_recent_from_the_first_on(void)
{
    struct mail_recent *r = mail_recent_new();

    CHECK(mail_recent_get(r, 7) == 0);
    mail_recent_set(r, 7, 12);
    mail_recent_set(r, 7, 13);
    CHECK(mail_recent_get(r, 7) == 13 && mail_recent_get(r, 8) == 0);
    mail_recent_free(r);
    mail_recent_free(NULL);
}

static void it_grows(void)
{
    struct mail_recent *r = mail_recent_new();
    uint32_t wrong = 0;

    for (uint64_t id = 1; id <= 20000; id++)
        mail_recent_set(r, id << 20 | id % 3, (uint32_t)id);
    for (uint64_t id = 1; id <= 20000; id++)
        wrong += mail_recent_get(r, id << 20 | id % 3) != id;
    CHECK(wrong == 0 && mail_recent_get(r, 5) == 0);
    mail_recent_free(r);
}

int main(void)
{
    check_begin();
    CHECK_CASE(what_is_not_known_is_recent_from_the_first_on);
    CHECK_CASE(it_grows);
    return check_end();
}
