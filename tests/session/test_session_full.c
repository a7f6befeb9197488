/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

/* Full mailboxes: refused at RCPT, one recipient by itself, and at the commit. */
enum { ALICE = 1, BOB = 2, DAY_MS = 24 * 3600 * 1000 };

#define BODY "DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
#define TO_ALICE "RCPT TO:<alice@example.test>\r\n"
#define TO_BOB "RCPT TO:<bob@example.test>\r\n"
#define NOT_NOW "452 4.2.2 mailbox full\r\n"
#define NEVER "552 5.2.2 mailbox full\r\n"
#define TAKEN "250 2.1.5 recipient ok\r\n"

static void fill(struct world *w, uint64_t account, uint64_t since_ms, uint64_t room)
{
    mailbox_table_put(w->settings.mailboxes, account,
                      &(struct mailbox_full){.since_ms = since_ms, .room = room});
}

static struct world *begin(void)
{
    struct world *w = world_new(NULL, NULL);

    w->settings.full_ms = 3ull * DAY_MS;
    world_publish(w);
    world_connect(w, 25);
    world_say(w, "EHLO client.test\r\n");
    CHECK(world_expect(w, "*"));
    return w;
}

/* What RCPT is answered in a transaction of its own. */
static bool rcpt(struct world *w, const char *mail, const char *to, const char *expected)
{
    bool ok;

    world_say(w, mail);
    ok = world_expect(w, "250 2.1.0 *");
    world_say(w, to);
    ok = ok && world_expect(w, expected);
    world_say(w, "RSET\r\n");
    return world_expect(w, "250 2.0.0 ok\r\n") && ok;
}

static void first_deferred_then_refused(void)
{
    struct world *w = begin();

    fill(w, ALICE, w->wall_ms, 100);
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", TO_ALICE, NOT_NOW));
    w->wall_ms += 3ull * DAY_MS - 1000;
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", TO_ALICE, NOT_NOW));
    w->wall_ms += 1000;
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", TO_ALICE, NEVER));
    CHECK(rcpt(w, "MAIL FROM:<>\r\n", TO_ALICE, NEVER));
    /* The clock was set back. */
    w->wall_ms -= 30ull * DAY_MS;
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", TO_ALICE, NOT_NOW));
    w->wall_ms += 100ull * DAY_MS;
    w->settings.full_ms = 0;
    world_publish(w);
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", TO_ALICE, NOT_NOW));
    /* Room was made. */
    fill(w, ALICE, 0, 100000);
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", TO_ALICE, TAKEN));
    CHECK(world_free(w));
}

static void what_fits_all_the_same_is_taken(void)
{
    struct world *w = begin();

    fill(w, ALICE, w->wall_ms, 50000);
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", TO_ALICE, NOT_NOW));
    CHECK(rcpt(w, "MAIL FROM:<a@b.test> SIZE=50000\r\n", TO_ALICE, NOT_NOW));
    CHECK(rcpt(w, "MAIL FROM:<a@b.test> SIZE=30000\r\n", TO_ALICE, TAKEN));
    fill(w, ALICE, w->wall_ms, 100000);
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", TO_ALICE, TAKEN));
    CHECK(world_free(w));
}

static void others_get_the_mail(void)
{
    struct world *w = begin();

    fill(w, ALICE, w->wall_ms, 0);
    world_say(w, "MAIL FROM:<a@b.test>\r\n" TO_ALICE TO_BOB BODY);
    CHECK(world_expect(w, "250 2.1.0 *\r\n" NOT_NOW TAKEN "354 *\r\n250 2.0.0 accepted *"));
    CHECK(w->message_count == 1 && w->messages[0].deliveries == 1);
    CHECK(w->messages[0].accounts[0] == BOB);
    CHECK(world_free(w));
}

static void of_an_alias_one_full_account_refuses(void)
{
    struct world *w = begin();

    world_put_address(w, "both@example.test", (uint64_t[]){ALICE, BOB}, 2);
    fill(w, BOB, w->wall_ms, 0);
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", "RCPT TO:<both@example.test>\r\n", NOT_NOW));
    fill(w, ALICE, w->wall_ms - 4ull * DAY_MS, 0);
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", "RCPT TO:<both@example.test>\r\n", NEVER));
    CHECK(world_free(w));
}

static void postmasters_too(void)
{
    struct world *w = begin();
    struct directory_account account = {
        .id = ALICE, .reject_score = INT32_MAX, .quarantine_score = INT32_MAX};

    account.address = span_text("alice@example.test");
    world_put(
        w,
        &(struct directory_entry){
            .kind = DIRECTORY_ADDRESS, .exempt = true, .accounts = &account, .account_count = 1},
        "postmaster");
    fill(w, ALICE, w->wall_ms, 0);
    CHECK(rcpt(w, "MAIL FROM:<a@b.test>\r\n", "RCPT TO:<postmaster>\r\n", NOT_NOW));
    CHECK(world_free(w));
}

/* One answer is for all: it refuses for good only when each would be. */
static void found_at_the_commit(void)
{
    static const struct {
        uint64_t alice_days, bob_days; /* full for so long; 0: not full */
        const char *answer;
    } rows[] = {{0, 0, NOT_NOW}, {1, 1, NOT_NOW}, {4, 0, NOT_NOW}, {4, 1, NOT_NOW}, {4, 4, NEVER}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = begin();

        world_say(w, "MAIL FROM:<a@b.test>\r\n" TO_ALICE TO_BOB);
        CHECK(world_expect(w, "250 2.1.0 *\r\n" TAKEN TAKEN));
        if (rows[i].alice_days)
            fill(w, ALICE, w->wall_ms - rows[i].alice_days * DAY_MS, 0);
        if (rows[i].bob_days)
            fill(w, BOB, w->wall_ms - rows[i].bob_days * DAY_MS, 0);
        w->commit_status = JOB_FULL;
        world_say(w, "DATA\r\n");
        CHECK(world_expect(w, "354 *"));
        world_say(w, "Subject: x\r\n\r\nx\r\n.\r\n");
        CHECK(world_expect(w, rows[i].answer));
        CHECK(world_free(w));
    }
}

static void who_left_meanwhile_defers(void)
{
    struct world *w = begin();

    w->commit_status = JOB_GONE;
    world_say(w, "MAIL FROM:<a@b.test>\r\n" TO_ALICE TO_BOB BODY);
    CHECK(world_expect(w, "250 *\r\n250 *\r\n250 *\r\n354 *\r\n451 4.3.0 a recipient has gone *"));
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(first_deferred_then_refused);
    CHECK_CASE(what_fits_all_the_same_is_taken);
    CHECK_CASE(others_get_the_mail);
    CHECK_CASE(of_an_alias_one_full_account_refuses);
    CHECK_CASE(postmasters_too);
    CHECK_CASE(found_at_the_commit);
    CHECK_CASE(who_left_meanwhile_defers);
    return check_end();
}
