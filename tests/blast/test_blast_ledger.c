/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_ledger.h"
#include "tests/harness/check.h"

/* What is found in mailboxes against what was sent. Five users, two of them a message. */
enum { USERS = 5, MESSAGES = 20 };

static const struct blast_order order = {.user_count = USERS, .recipients = 2};

/* All of them sent and accepted, for both recipients. */
static struct blast_ledger *full(void)
{
    struct blast_ledger *l = blast_ledger_new(MESSAGES);

    for (uint64_t i = 0; i < MESSAGES; i++) {
        blast_ledger_sent(l, i, 3);
        blast_ledger_accepted(l, i, 3);
    }
    return l;
}

static void find(struct blast_ledger *l, uint64_t number, uint32_t place, bool whole)
{
    uint32_t user = (blast_ledger_first(&order, number) + place) % USERS;

    blast_ledger_found(l, &order, (struct blast_finding){number, user, whole});
}

static void find_all(struct blast_ledger *l)
{
    for (uint64_t i = 0; i < MESSAGES; i++) {
        find(l, i, 0, true);
        find(l, i, 1, true);
    }
}

static void users_take_turns(void)
{
    uint32_t mails[USERS] = {0};

    for (uint64_t i = 0; i < MESSAGES; i++)
        mails[blast_ledger_first(&order, i)]++;
    for (int u = 0; u < USERS; u++)
        CHECK(mails[u] == MESSAGES / USERS);
}

static void all_is_there(void)
{
    struct blast_ledger *l = full();
    struct blast_verified v;

    find_all(l);
    v = blast_ledger_sum(l);
    CHECK(v.expected == 2 * MESSAGES && v.found == 2 * MESSAGES);
    CHECK(!v.lost && !v.duplicated && !v.changed && !v.unexpected && !v.doubtful);
    blast_ledger_free(l);
}

static void each_fault_is_one(void)
{
    struct blast_ledger *l = full();
    struct blast_verified v;

    for (uint64_t i = 0; i < MESSAGES; i++) {
        if (i != 3)
            find(l, i, 0, i != 7);
        find(l, i, 1, true);
    }
    find(l, 5, 1, true);        /* twice */
    find(l, 6, 2, true);        /* somebody else's */
    find(l, MESSAGES, 0, true); /* never sent */
    v = blast_ledger_sum(l);
    CHECK(v.lost == 1 && v.changed == 1 && v.duplicated == 1 && v.unexpected == 2);
    CHECK(v.found == 2 * MESSAGES - 2);
    blast_ledger_free(l);
}

static void what_was_never_answered_may_be_there(void)
{
    struct blast_ledger *l = blast_ledger_new(MESSAGES);
    struct blast_verified v;

    blast_ledger_sent(l, 0, 3);
    blast_ledger_sent(l, 1, 3);
    blast_ledger_sent(l, 2, 3);
    blast_ledger_refused(l, 2);
    blast_ledger_sent(l, 3, 1); /* the second recipient was refused */
    blast_ledger_accepted(l, 3, 1);
    find(l, 0, 0, true);
    find(l, 2, 0, true);
    find(l, 3, 0, true);
    find(l, 3, 1, true);
    v = blast_ledger_sum(l);
    CHECK(v.doubtful == 1 && v.unexpected == 2 && v.expected == 1 && v.found == 1 && !v.lost);
    blast_ledger_free(l);
}

int main(void)
{
    check_begin();
    CHECK_CASE(users_take_turns);
    CHECK_CASE(all_is_there);
    CHECK_CASE(each_fault_is_one);
    CHECK_CASE(what_was_never_answered_may_be_there);
    return check_end();
}
