/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdlib.h>

/* Puts a message into the model's store. */
static void put(struct world *w, const char *text, size_t len)
{
    struct world_message *m = &w->messages[w->message_count++];

    m->bytes = malloc(len + 1);
    memcpy(m->bytes, text, len);
    m->len = len;
}

static struct world *mailbox(void)
{
    struct world *w = world_new(NULL, NULL);

    put(w, "A: 1\r\n\r\n.one\r\n", 14);
    put(w, "B: 2\r\n\r\ntwo", 11);
    world_connect(w, 110);
    CHECK(world_expect(w, "+OK *\r\n"));
    return w;
}

static void login_name_and_password(struct world *w)
{
    world_say(w, "USER Alice@Example.TEST\r\nPASS secret\r\n");
}

static void login(struct world *w)
{
    login_name_and_password(w);
    CHECK(world_expect(w, "+OK *\r\n+OK *\r\n"));
}

static void messages_are_listed_and_read_with_stuffed_dots(void)
{
    struct world *w = mailbox();

    login(w);
    world_say(w, "STAT\r\nLIST\r\nUIDL 2\r\nRETR 1\r\nRETR 2\r\nRETR 3\r\nQUIT\r\n");
    CHECK(world_expect(
        w, "+OK 2 25\r\n+OK*1 14\r\n2 11\r\n.\r\n+OK 2 *\r\n"
           "+OK*\r\nA: 1\r\n\r\n..one\r\n.\r\n+OK*\r\nB: 2\r\n\r\ntwo\r\n.\r\n-ERR*\r\n+OK*\r\n"));
    CHECK(w->closed && w->views == 0 && w->pins == 0);
    if (CHECK(w->record_count == 1))
        CHECK_TEXT(record_text_span(&w->records[0], w->records[0].connection.user),
                   "alice@example.test");
    CHECK(w->records[0].connection.commands == 9 && w->records[0].connection.messages == 2);
    CHECK(w->records[0].connection.bytes_out == tcp_counters(w->tcp)->bytes_out);
    CHECK(world_free(w));
}

static void deletion_happens_at_quit_and_only_then(void)
{
    struct world *w = mailbox();

    login(w);
    world_say(w, "DELE 1\r\nSTAT\r\n");
    CHECK(world_expect(w, "+OK*\r\n+OK 1 11\r\n"));
    world_reset(w);
    CHECK(!w->messages[0].deleted);
    world_connect(w, 110);
    world_expect(w, "+OK*");
    login(w);
    world_say(w, "DELE 1\r\nQUIT\r\n");
    CHECK(w->messages[0].deleted && !w->messages[1].deleted);
    CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->pop3_deleted == 1);
    CHECK(world_free(w));
}

/* RFC 1939 section 6: released, then replied. */
static void the_lock_is_free_before_the_reply_to_quit(void)
{
    for (int deletes = 0; deletes < 2; deletes++) {
        struct world *w = mailbox();

        login(w);
        w->hold = true;
        world_say(w, deletes ? "DELE 1\r\nQUIT\r\n" : "RETR 9\r\nQUIT\r\n");
        CHECK(world_expect(w, deletes ? "+OK*\r\n" : "-ERR*\r\n"));
        CHECK(!w->closed && w->views == 1);
        w->hold = false;
        while (!w->text_len && world_turn(w))
            CHECK(!w->text_len || w->views == 0);
        CHECK(world_expect(w, "+OK*\r\n") && w->views == 0);
        world_run(w);
        CHECK(world_free(w));
    }
}

static void a_large_message_is_sent_as_views_and_every_pin_comes_back(void)
{
    enum { SIZE = 3000000 };
    struct world *w = mailbox();
    char *text = malloc(SIZE);

    for (size_t i = 0; i < SIZE; i++)
        text[i] = i % 40 == 38 ? '\r' : i % 40 == 39 ? '\n' : i % 40 == 0 && i % 3 == 0 ? '.' : 'x';
    memcpy(text + SIZE - 2, "\r\n", 2);
    put(w, text, SIZE);
    login(w);
    world_say(w, "RETR 3\r\n");
    /* Every dot at a line's begin was doubled. */
    CHECK(w->swallowed + w->text_len > SIZE + SIZE / 40 / 3 - 10);
    CHECK(w->pins == 0);
    CHECK(world_expect(w, "+OK 3000000 *"));
    world_say(w, "QUIT\r\n");
    CHECK(world_free(w));
    free(text);
}

static void a_reader_that_goes_gives_its_pins_back(void)
{
    for (int reset = 0; reset < 2; reset++) {
        struct world *w = mailbox();
        char *text = calloc(1, 2000000);

        memset(text, 'y', 2000000);
        put(w, text, 2000000);
        login(w);
        w->hold = true;
        world_say(w, "RETR 3\r\n");
        w->hold = false;
        if (reset)
            world_reset(w);
        else
            world_close(w);
        world_wait(w, 1000);
        CHECK(w->pins == 0 && w->views == 0);
        CHECK(world_free(w));
        free(text);
    }
}

static void refusals_tell_nothing_and_end_after_three(void)
{
    struct world *w = mailbox();

    world_say(w, "USER alice@example.test\r\nPASS wrong\r\nUSER nobody\r\nPASS wrong\r\n");
    CHECK(world_expect(
        w, "+OK *\r\n-ERR [AUTH] login failed\r\n+OK *\r\n-ERR [AUTH] login failed\r\n"));
    w->open_status = JOB_REFUSED;
    world_say(w, "USER alice@example.test\r\nPASS secret\r\n");
    CHECK(world_expect(w, "+OK *\r\n-ERR [IN-USE]*\r\n"));
    world_say(w, "USER alice@example.test\r\nPASS wrong\r\n");
    CHECK(w->closed);
    CHECK(world_free(w));
}

static void a_store_that_fails_never_shows_a_cut_message_as_whole(void)
{
    struct world *w = mailbox();
    char *text = calloc(1, 100000);

    memset(text, 'z', 100000);
    put(w, text, 100000);
    login(w);
    w->read_status = JOB_FAILED;
    world_say(w, "RETR 1\r\n");
    CHECK(world_expect(w, "-ERR [SYS/TEMP]*\r\n"));
    w->read_status = JOB_OK;
    w->hold = true;
    world_say(w, "RETR 3\r\n");
    w->hold = false;
    /* The first piece comes, the second does not. */
    {
        struct job *job[1];

        if (CHECK(service_take(w->handoff, SERVICE_READ, job, 1) == 1)) {
            job[0]->mailbox_read.bytes_out = span_of(text, 1000);
            job[0]->mailbox_read.pin_out = text;
            w->pins++;
            job_answer(w->handoff, job[0], JOB_OK);
        }
    }
    w->read_status = JOB_FAILED;
    world_run(w);
    CHECK(w->closed && (w->text_len < 5 || strcmp(w->text + w->text_len - 5, "\r\n.\r\n") != 0));
    CHECK(world_free(w));
    free(text);
}

/* A client whose TCP takes what fits into its window and that reads nothing, behind a QUIT that it
 * has pipelined. */
static struct world *deaf_at_the_end(void)
{
    struct world *w = mailbox();
    char *text = calloc(1, 400000);

    memset(text, 'y', 400000);
    put(w, text, 400000);
    free(text);
    login(w);
    w->deaf = true;
    world_say(w, "RETR 3\r\nQUIT\r\n");
    CHECK(w->pins > 0 && w->views == 1);
    return w;
}

static void last_bytes_that_nobody_takes_hold_the_mailbox_for_a_while_only(void)
{
    struct world *w = deaf_at_the_end();
    struct notice drain = {.kind = NOTICE_DRAIN, .argument = 1000};

    world_wait(w, 620000);
    CHECK(w->pins == 0 && w->views == 0 && sessions_count(w->sessions) == 0);
    CHECK(world_free(w));
    w = deaf_at_the_end();
    notice_send(w->handoff, 0, &drain);
    world_wait(w, 900);
    CHECK(w->views == 1);
    world_wait(w, 1000);
    CHECK(w->pins == 0 && w->views == 0 && sessions_count(w->sessions) == 0);
    CHECK(world_free(w));
}

static void silence_ends_the_session(void)
{
    struct world *w = mailbox();

    login(w);
    world_wait(w, 620000);
    CHECK(w->closed && w->views == 0);
    CHECK(world_free(w));
}

/* RFC 1939 section 7 */
static void top_reads_no_further_than_it_sends(void)
{
    struct world *w = mailbox();
    char *text = calloc(1, 500000);
    struct job *job[1];

    memset(text, 'y', 500000);
    memcpy(text, "A: 1\r\n\r\n.one\r\ntwo\r\nthree\r\n", 27);
    put(w, text, 500000);
    login(w);
    world_say(w, "TOP 3 2\r\nTOP 3 0\r\nTOP 1 7\r\nTOP 1 1\r\n");
    CHECK(world_expect(w, "+OK\r\nA: 1\r\n\r\n..one\r\ntwo\r\n.\r\n"
                          "+OK\r\nA: 1\r\n\r\n.\r\n"
                          "+OK\r\nA: 1\r\n\r\n..one\r\n.\r\n+OK\r\nA: 1\r\n\r\n..one\r\n.\r\n"));
    CHECK(w->pins == 0);
    CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->pop3_tops == 3);
    /* One piece was asked for, and no second one while it goes out. */
    w->hold = true;
    world_say(w, "TOP 3 1\r\n");
    CHECK(service_take(w->handoff, SERVICE_READ, job, 1) == 1);
    job[0]->mailbox_read.bytes_out = span_of(text, 10000);
    job[0]->mailbox_read.pin_out = text;
    w->pins++;
    job_answer(w->handoff, job[0], JOB_OK);
    world_run(w);
    CHECK(world_expect(w, "+OK\r\nA: 1\r\n\r\n..one\r\n.\r\n"));
    while (service_take(w->handoff, SERVICE_READ, job, 1))
        if (CHECK(job[0]->kind == JOB_MAILBOX_UNPIN)) {
            w->pins -= job[0]->mailbox_unpin.count;
            job_answer(w->handoff, job[0], JOB_OK);
        }
    w->hold = false;
    world_say(w, "QUIT\r\n");
    CHECK(world_free(w));
    free(text);
}

static void an_empty_message_is_a_message(void)
{
    struct world *w = mailbox();

    put(w, "", 0);
    login(w);
    world_say(w, "LIST 3\r\nRETR 3\r\nTOP 3 1\r\nNOOP\r\n");
    CHECK(world_expect(w, "+OK 3 0\r\n+OK 0 octets\r\n.\r\n+OK\r\n.\r\n+OK ok\r\n"));
    CHECK(world_free(w));
}

/* RFC 6856 section 2.1, RFC 6858 */
static void the_mailbox_is_opened_for_what_the_client_can(void)
{
    struct world *w = mailbox();

    login(w);
    CHECK(w->open.converted == (POP3_FORM_UTF8 | POP3_FORM_BINARY) && !w->open.refused);
    world_close(w);
    world_connect(w, 110);
    world_expect(w, "+OK*");
    world_say(w, "UTF8\r\n");
    world_expect(w, "+OK*");
    login(w);
    CHECK(w->open.converted == POP3_FORM_BINARY && !w->open.refused);
    world_close(w);
    w->settings.pop3_utf8_refuse = true;
    world_publish(w);
    world_connect(w, 110);
    world_expect(w, "+OK*");
    login(w);
    CHECK(w->open.converted == POP3_FORM_BINARY && w->open.refused == POP3_FORM_UTF8);
    CHECK(world_free(w));
}

static void names_and_passwords_only_where_they_are_taken(void)
{
    struct world *w = world_new(NULL, NULL);

    w->settings.pop3_cleartext = false;
    world_publish(w);
    world_connect(w, 110);
    world_say(w, "USER alice@example.test\r\n");
    CHECK(world_expect(w, "+OK *\r\n-ERR [SYS/PERM]*\r\n"));
    CHECK(world_free(w));
}

static void a_wrong_password_is_answered_later(void)
{
    struct world *w = mailbox();
    const struct counters *c = handoff_counters(handoff_port_of(w->handoff, 0));

    w->login_delay_ms = 4000;
    world_say(w, "USER alice@example.test\r\nPASS wrong\r\nCAPA\r\n");
    CHECK(world_expect(w, "+OK *\r\n"));
    world_wait(w, 3800);
    CHECK(world_expect(w, ""));
    world_wait(w, 400);
    CHECK(world_expect(w, "-ERR [AUTH] login failed\r\n+OK capabilities*.\r\n"));
    CHECK(c->pop3_logins_delayed == 1 && c->pop3_login_failures == 1);
    CHECK(c->sessions_timed_out == 0);
    /* The time of silence begins anew. */
    world_wait(w, 500000);
    CHECK(!w->closed);
    login(w);
    CHECK(world_free(w));
}

static void whoever_goes_meanwhile_leaves_nothing(void)
{
    struct notice drain = {.kind = NOTICE_DRAIN, .argument = 0};

    for (int how = 0; how < 3; how++) {
        struct world *w = mailbox();

        w->login_delay_ms = 30000;
        world_say(w, "USER alice@example.test\r\nPASS wrong\r\n");
        world_expect(w, "+OK *\r\n");
        if (how == 0)
            world_reset(w);
        else if (how == 1)
            world_close(w);
        else
            notice_send(w->handoff, 0, &drain);
        world_wait(w, how == 1 ? 31000 : 2000);
        if (how == 1)
            CHECK(world_expect(w, "-ERR [AUTH]*"));
        if (how == 2)
            CHECK(world_expect(w, "-ERR [SYS/TEMP] shutting down*"));
        CHECK(sessions_count(w->sessions) == 0);
        CHECK(world_free(w));
    }
}

/* RFC 3206, RFC 2449 section 8.1 */
static void other_refusals_say_so_at_once(void)
{
    struct world *w = mailbox();

    w->login_why = LOGIN_BUSY;
    world_say(w, "USER alice@example.test\r\nPASS wrong\r\n");
    CHECK(world_expect(w, "+OK *\r\n-ERR [SYS/TEMP] too many logins*\r\n"));
    w->login_why = LOGIN_EARLY;
    world_say(w, "USER alice@example.test\r\nPASS wrong\r\n");
    CHECK(world_expect(w, "+OK *\r\n-ERR [LOGIN-DELAY]*\r\n"));
    w->open_status = JOB_FULL;
    login_name_and_password(w);
    CHECK(world_expect(w, "+OK *\r\n-ERR [SYS/PERM]*\r\n"));
    w->open_status = JOB_FAILED;
    login_name_and_password(w);
    CHECK(world_expect(w, "+OK *\r\n-ERR [SYS/TEMP]*\r\n"));
    CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->pop3_logins_refused == 2);
    CHECK(world_free(w));
}

/* RFC 2449 section 6.6 */
static void all_can_be_said_at_once(void)
{
    struct world *w = mailbox();

    world_say(w, "CAPA\r\nUTF8\r\nUSER alice@example.test\r\nPASS secret\r\nSTAT\r\nRETR 2\r\n"
                 "DELE 2\r\nLANG *\r\nQUIT\r\n");
    CHECK(world_expect(w, "+OK capabilities*.\r\n+OK UTF8\r\n+OK *\r\n+OK *\r\n+OK 2 25\r\n+OK*\r\n"
                          "B: 2\r\n\r\ntwo\r\n.\r\n+OK*\r\n+OK en*\r\n+OK bye\r\n"));
    CHECK(w->closed && w->messages[1].deleted);
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(messages_are_listed_and_read_with_stuffed_dots);
    CHECK_CASE(deletion_happens_at_quit_and_only_then);
    CHECK_CASE(the_lock_is_free_before_the_reply_to_quit);
    CHECK_CASE(a_large_message_is_sent_as_views_and_every_pin_comes_back);
    CHECK_CASE(a_reader_that_goes_gives_its_pins_back);
    CHECK_CASE(refusals_tell_nothing_and_end_after_three);
    CHECK_CASE(a_store_that_fails_never_shows_a_cut_message_as_whole);
    CHECK_CASE(last_bytes_that_nobody_takes_hold_the_mailbox_for_a_while_only);
    CHECK_CASE(silence_ends_the_session);
    CHECK_CASE(top_reads_no_further_than_it_sends);
    CHECK_CASE(an_empty_message_is_a_message);
    CHECK_CASE(the_mailbox_is_opened_for_what_the_client_can);
    CHECK_CASE(names_and_passwords_only_where_they_are_taken);
    CHECK_CASE(a_wrong_password_is_answered_later);
    CHECK_CASE(whoever_goes_meanwhile_leaves_nothing);
    CHECK_CASE(other_refusals_say_so_at_once);
    CHECK_CASE(all_can_be_said_at_once);
    return check_end();
}
