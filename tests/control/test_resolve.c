/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "control/store/store_directory.h"
#include "control/directory/directory_row.h"
#include "control/service/directory_resolve.h"
#include "control/store/store_erase.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

/* Accounts whose address changes: which one of the store it is. */

static struct store_scene scene;
static struct directory_chain *chain;

static void begin(void)
{
    store_scene_begin(&scene, "resolve");
    chain = directory_chain_new(NULL, 0);
}

static void finish(void)
{
    CHECK(directory_chain_free(chain));
    store_scene_end(&scene);
}

/* Who has that address now; `who` 0: it is not told whose entry it is. */
static uint64_t resolve(const char *address, uint8_t who)
{
    uint8_t unique[DIRECTORY_UNIQUE] = {who};
    struct directory_member m = {
        .key = span_text(address),
        .unique = span_of(unique, who ? sizeof(unique) : 0),
        .policy = {.known = true, .class = DIRECTORY_LOCAL, .tenant = span_text("t")}};

    CHECK(directory_resolve(chain, scene.store, 0, &m) == DIRECTORY_FOUND);
    return m.id;
}

static uint64_t found(const char *name)
{
    uint64_t id;

    return store_account_find(scene.store, span_text(name), &id) == STORE_OK ? id : 0;
}

static void an_account_moves_with_its_entry(void)
{
    uint64_t anna;

    begin();
    anna = resolve("anna@a.test", 1);
    CHECK(anna && resolve("anna@a.test", 1) == anna);
    CHECK(resolve("anna.b@a.test", 1) == anna && found("anna.b@a.test") == anna);
    CHECK(found("anna@a.test") == 0);
    store_scene_reopen(&scene);
    CHECK(resolve("anna@b.test", 1) == anna && found("anna.b@a.test") == 0);
    /* The address is free for another, who has another mailbox. */
    CHECK(resolve("anna@a.test", 2) != anna);
    finish();
}

/* What was there before entries were told apart, and entries that are made anew. */
static void whoever_is_new_has_the_account_of_the_address(void)
{
    uint64_t anna;

    begin();
    anna = resolve("anna@a.test", 0);
    CHECK(resolve("anna@a.test", 1) == anna && resolve("anna@c.test", 1) == anna);
    CHECK(resolve("anna@c.test", 2) == anna && resolve("anna@d.test", 2) == anna);
    finish();
}

static void who_had_the_address_before_keeps_the_mailbox(void)
{
    char name[64];
    uint64_t anna, bert;

    begin();
    anna = resolve("anna@a.test", 1);
    bert = resolve("bert@a.test", 2);
    /* They swap: the first one seen takes the other's address away. */
    CHECK(resolve("bert@a.test", 1) == anna);
    snprintf(name, sizeof(name), "former-account-%llu@a.test", (unsigned long long)bert);
    CHECK(found(name) == bert && found("bert@a.test") == anna && found("anna@a.test") == 0);
    CHECK(resolve("anna@a.test", 2) == bert && found(name) == 0);
    CHECK(resolve("bert@a.test", 1) == anna);
    finish();
}

/* Two entries that both name an address share its account, and it does not go to and fro. */
static void two_with_one_address_share_it(void)
{
    uint64_t anna;

    begin();
    anna = resolve("anna@a.test", 1);
    resolve("bert@a.test", 2);
    CHECK(resolve("bert@a.test", 1) == anna && resolve("bert@a.test", 2) == anna);
    CHECK(resolve("bert@a.test", 1) == anna);
    finish();
}

static bool count_row(void *context, const struct store_directory_row *row)
{
    ++*(uint32_t *)context;
    return true;
}

static uint32_t rows(void)
{
    uint32_t count = 0;

    CHECK(store_directory_walk(scene.store, span_of(NULL, 0), count_row, &count) == STORE_OK);
    return count;
}

static void an_account_that_was_erased_begins_anew(void)
{
    const struct store_reason reason = {.who = span_text("o"), .why = span_text("w")};
    uint64_t anna, erased;

    begin();
    anna = resolve("anna@a.test", 1);
    CHECK(store_erase(scene.store, span_text("anna@a.test"), &reason, &erased) == STORE_OK &&
          erased == anna);
    CHECK(rows() == 1 && directory_resolve_forget(scene.store, anna + 1) == STORE_OK);
    CHECK(rows() == 1 && directory_resolve_forget(scene.store, anna) == STORE_OK && rows() == 0);
    CHECK(resolve("anna.b@a.test", 1) != anna);
    finish();
}

static enum store_status rename_it(uint64_t account, const char *from, const char *to)
{
    return store_account_rename(scene.store, account, span_text(from), span_text(to));
}

static void a_name_is_moved_or_nothing_is(void)
{
    uint64_t anna, bert;

    begin();
    anna = store_fixture_account(scene.store, "anna@a.test", 0);
    bert = store_fixture_account(scene.store, "bert@a.test", 0);
    CHECK(rename_it(anna, "bert@a.test", "x@a.test") == STORE_NONE);
    CHECK(rename_it(anna, "none@a.test", "x@a.test") == STORE_NONE);
    CHECK(rename_it(anna, "anna@a.test", "bert@a.test") == STORE_FAILED);
    CHECK(found("anna@a.test") == anna && found("bert@a.test") == bert && !found("x@a.test"));
    CHECK(rename_it(anna, "anna@a.test", "x@a.test") == STORE_OK);
    CHECK(found("x@a.test") == anna && !found("anna@a.test"));
    finish();
}

static void rows_are_read_to_their_end_and_no_further(void)
{
    const struct directory_row_unique row = {.id = 7, .key = span_text("a@b.test")};
    struct directory_row_unique read;
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof(bytes));

    directory_row_put_unique(&w, &row);
    for (size_t n = 0; n <= w.len + 1; n++) {
        struct span copy = guard_copy(span_of(bytes, n), true);

        CHECK(directory_row_read_unique(copy, &read) == (n == w.len));
        if (n == w.len)
            CHECK(read.id == 7 && span_equal(read.key, row.key));
        guard_free(copy);
    }
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(an_account_moves_with_its_entry);
    CHECK_CASE(whoever_is_new_has_the_account_of_the_address);
    CHECK_CASE(who_had_the_address_before_keeps_the_mailbox);
    CHECK_CASE(two_with_one_address_share_it);
    CHECK_CASE(an_account_that_was_erased_begins_anew);
    CHECK_CASE(a_name_is_moved_or_nothing_is);
    CHECK_CASE(rows_are_read_to_their_end_and_no_further);
    return check_end();
}
