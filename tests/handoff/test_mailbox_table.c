/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/mailbox_table.h"
#include "tests/harness/check.h"

static void what_is_put_is_found(void)
{
    struct mailbox_table *t = mailbox_table_new(4);
    struct mailbox_full full = {.since_ms = 5, .room = 6}, found;

    CHECK(!mailbox_table_find(t, 7, &found));
    CHECK(mailbox_table_put(t, 7, &full));
    CHECK(mailbox_table_find(t, 7, &found) && found.since_ms == 5 && found.room == 6);
    CHECK(!mailbox_table_find(t, 8, &found));
    full.room = 1;
    CHECK(mailbox_table_put(t, 7, &full) && mailbox_table_find(t, 7, &found) && found.room == 1);
    full.since_ms = 0;
    CHECK(mailbox_table_put(t, 7, &full) && !mailbox_table_find(t, 7, &found));
    /* One that is not full needs no place. */
    for (uint64_t i = 100; i < 200; i++)
        CHECK(mailbox_table_put(t, i, &full));
    mailbox_table_free(t);
}

static void places_are_used_again_and_come_to_an_end(void)
{
    struct mailbox_table *t = mailbox_table_new(4);
    struct mailbox_full full = {.since_ms = 1}, none = {0}, found;
    uint32_t kept = 0;

    for (uint64_t i = 1; i <= 100; i++)
        kept += mailbox_table_put(t, i, &full);
    CHECK(kept == 8);
    for (uint64_t i = 1; i <= 100; i++)
        CHECK(mailbox_table_put(t, i, &none) && !mailbox_table_find(t, i, &found));
    for (uint64_t i = 201; i <= 208; i++)
        CHECK(mailbox_table_put(t, i, &full) && mailbox_table_find(t, i, &found));
    mailbox_table_free(t);
}

static void many_find_a_place(void)
{
    struct mailbox_table *t = mailbox_table_new(10000);
    struct mailbox_full full = {.since_ms = 1}, found;
    uint32_t kept = 0;

    /* Ids of accounts are three apart. */
    for (uint64_t i = 0; i < 10000; i++) {
        full.room = i;
        kept += mailbox_table_put(t, 5 + 3 * i, &full) &&
                mailbox_table_find(t, 5 + 3 * i, &found) && found.room == i;
    }
    CHECK(kept > 9990);
    mailbox_table_free(t);
}

int main(void)
{
    check_begin();
    CHECK_CASE(what_is_put_is_found);
    CHECK_CASE(places_are_used_again_and_come_to_an_end);
    CHECK_CASE(many_find_a_place);
    return check_end();
}
