/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>

/* What an address at RCPT leads to. */

#define MAIL "MAIL FROM:<a@b.test>\r\n"
#define BODY "DATA\r\nSubject: hello\r\n\r\nbody\r\n.\r\n"
#define BODY_REPLY "354 *\r\n250 2.0.0 *\r\n"

static struct world *ready(void)
{
    struct world *w = world_new(NULL, NULL);

    world_connect(w, 25);
    world_say(w, "EHLO client.test\r\n");
    CHECK(world_expect(w, "220 *250 *\r\n"));
    return w;
}

static bool prefix_has(const struct world *w, uint32_t message, const char *text)
{
    const struct world_message *m = &w->messages[message];

    return message < w->message_count && memmem(m->bytes, m->prefix, text, strlen(text)) != NULL;
}

/* RCPT alone, in a transaction of its own. */
static void check_rcpt(struct world *w, const char *path, const char *reply)
{
    char text[512];

    snprintf(text, sizeof(text), MAIL "RCPT TO:%s\r\nRSET\r\n", path);
    world_say(w, text);
    snprintf(text, sizeof(text), "250 2.1.0 *\r\n%s *\r\n250 2.0.0 *\r\n", reply);
    if (!CHECK(world_expect(w, text)))
        CHECK_TEXT(span_text(path), reply);
}

static void an_alias_is_one_delivery_per_account(void)
{
    struct world *w = ready();

    world_put_address(w, "team@example.test", (uint64_t[]){1, 2}, 2);
    world_say(w, MAIL "RCPT TO:<Team@Example.test>\r\n" BODY);
    CHECK(world_expect(w, "250 *\r\n250 2.1.5 *\r\n" BODY_REPLY));
    CHECK(w->messages[0].deliveries == 2 && w->messages[0].accounts[0] == 1 &&
          w->messages[0].accounts[1] == 2);
    CHECK(prefix_has(w, 0, "Delivered-To: alice@example.test\r\n") &&
          prefix_has(w, 0, "for <Team@Example.test>;"));
    /* Whoever is named twice, by whatever address, has it once. */
    world_say(w, MAIL "RCPT TO:<bob@example.test>\r\nRCPT TO:<team@example.test>\r\nRCPT "
                      "TO:<alice@example.test>\r\n" BODY);
    CHECK(world_expect(w, "250 *\r\n250 2.1.5 *\r\n250 2.1.5 *\r\n250 2.1.5 *\r\n" BODY_REPLY));
    CHECK(w->messages[1].deliveries == 2 && w->messages[1].accounts[0] == 2 &&
          w->messages[1].accounts[1] == 1);
    CHECK(prefix_has(w, 1, "Delivered-To: bob@example.test\r\n"));
    CHECK(w->records[1].message.recipient_count == 3);
    CHECK_TEXT(record_text_span(&w->records[1], w->records[1].message.recipients[1].address),
               "team@example.test");
    CHECK(world_free(w));
}

static void accounts_beyond_the_last_delivery_are_not_half_added(void)
{
    struct world *w = ready();
    uint64_t ids[DIRECTORY_ACCOUNTS];

    for (uint32_t i = 0; i < DIRECTORY_ACCOUNTS; i++)
        ids[i] = 1000 + i;
    world_put_address(w, "all@example.test", ids, 99);
    world_put_address(w, "both@example.test", (uint64_t[]){1, 2}, 2);
    world_put_address(w, "one@example.test", (uint64_t[]){1000, 1}, 2);
    world_say(w, MAIL "RCPT TO:<all@example.test>\r\nRCPT TO:<both@example.test>\r\nRCPT "
                      "TO:<one@example.test>\r\n"
                      "RCPT TO:<bob@example.test>\r\nRCPT TO:<all@example.test>\r\n" BODY);
    CHECK(world_expect(w, "250 *\r\n250 2.1.5 *\r\n452 4.5.3 *\r\n250 2.1.5 *\r\n452 4.5.3 "
                          "*\r\n250 2.1.5 *\r\n" BODY_REPLY));
    CHECK(w->messages[0].deliveries == 100 && w->messages[0].accounts[3] == 1003);
    CHECK(world_free(w));
}

static void detail_then_catch_all(void)
{
    struct directory_account other = {.id = 7, .address = span_text("other@example.test")};
    struct world *w = ready();

    world_put_address(w, "bob+list@example.test", (uint64_t[]){1}, 1);
    check_rcpt(w, "<alice+detail@example.test>", "250 2.1.5");
    check_rcpt(w, "<alice-detail@example.test>", "550 5.1.1");
    check_rcpt(w, "<alice++@example.test>", "250 2.1.5");
    check_rcpt(w, "<+alice@example.test>", "550 5.1.1");
    check_rcpt(w, "<nobody+alice@example.test>", "550 5.1.1");
    world_say(w, MAIL "RCPT TO:<BOB+Sales@example.test>\r\n" BODY MAIL
                      "RCPT TO:<bob+list@example.test>\r\n" BODY);
    CHECK(world_expect(w, "250 *\r\n250 *\r\n" BODY_REPLY "250 *\r\n250 *\r\n" BODY_REPLY));
    CHECK(w->messages[0].accounts[0] == 2 && w->messages[1].accounts[0] == 1);
    CHECK(prefix_has(w, 0, "Delivered-To: bob@example.test\r\n") &&
          prefix_has(w, 0, "for <BOB+Sales@example.test>;"));
    /* What nobody else has goes to the catch-all. */
    world_put(w,
              &(struct directory_entry){.kind = DIRECTORY_DOMAIN,
                                        .detail_separator = '-',
                                        .accounts = &other,
                                        .account_count = 1},
              "example.test");
    world_say(w, MAIL "RCPT TO:<alice+x@example.test>\r\n" BODY MAIL
                      "RCPT TO:<alice-x@example.test>\r\n" BODY);
    CHECK(world_expect(w, "250 *\r\n250 *\r\n" BODY_REPLY "250 *\r\n250 *\r\n" BODY_REPLY));
    CHECK(w->messages[2].accounts[0] == 7 && w->messages[3].accounts[0] == 1);
    CHECK(prefix_has(w, 2, "Delivered-To: other@example.test\r\n"));
    CHECK(world_free(w));
}

static void case_is_the_domains_matter(void)
{
    struct world *w = ready();

    check_rcpt(w, "<ALICE@EXAMPLE.test>", "250 2.1.5");
    world_put(w, &(struct directory_entry){.kind = DIRECTORY_DOMAIN, .case_sensitive = true},
              "strict.test");
    world_put_address(w, "Bob@strict.test", (uint64_t[]){2}, 1);
    world_put_address(w, "postmaster@strict.test", (uint64_t[]){2}, 1);
    check_rcpt(w, "<Bob@STRICT.test>", "250 2.1.5");
    check_rcpt(w, "<\"Bob\"@strict.test>", "250 2.1.5");
    check_rcpt(w, "<bob@strict.test>", "550 5.1.1");
    check_rcpt(w, "<Bob+x@strict.test>", "550 5.1.1");
    check_rcpt(w, "<PostMaster@strict.test>", "250 2.1.5");
    CHECK(world_free(w));
}

static void domains_without_mail_and_our_literals(void)
{
    struct world *w = ready();

    world_put(w, &(struct directory_entry){.kind = DIRECTORY_DOMAIN, .class = DIRECTORY_REFUSED},
              "old.test");
    check_rcpt(w, "<alice@old.test>", "550 5.7.1 no mail is");
    check_rcpt(w, "<alice@elsewhere.test>", "550 5.7.1 relaying");
    check_rcpt(w, "<Postmaster>", "550 5.1.1");
    check_rcpt(w, "<postmaster@[198.18.0.2]>", "550 5.7.1");
    world_put_address(w, "postmaster", (uint64_t[]){1}, 1);
    world_put_address(w, "postmaster@[198.18.0.2]", (uint64_t[]){1}, 1);
    world_put_address(w, "postmaster@[ipv6:2001:2::2]", (uint64_t[]){1}, 1);
    check_rcpt(w, "<Postmaster>", "250 2.1.5");
    check_rcpt(w, "<POSTMASTER@[198.18.0.2]>", "250 2.1.5");
    check_rcpt(w, "<postmaster@[IPv6:2001:2:0::2]>", "250 2.1.5");
    check_rcpt(w, "<alice@[198.18.0.2]>", "550 5.7.1");
    check_rcpt(w, "<postmaster@[198.18.0.3]>", "550 5.7.1");
    CHECK(world_free(w));
}

enum { QUEUE = 9 };

static struct directory_account forward_to(const char *forwarder, const char *to)
{
    return (struct directory_account){.id = QUEUE,
                                      .quarantine_score = INT32_MAX,
                                      .reject_score = INT32_MAX,
                                      .address = span_text(forwarder),
                                      .forward = span_text(to)};
}

/* "away" has all forwarded, "both" keeps a copy, "far" is no account. */
static struct world *forwarding(void)
{
    struct world *w = ready();
    struct directory_account both[] = {
        {.id = 1,
         .quarantine_score = INT32_MAX,
         .reject_score = INT32_MAX,
         .address = span_text("both@example.test")},
        forward_to("both@example.test", "b@far.test"),
    };
    struct directory_account far[] = {forward_to("far@example.test", "b@far.test"),
                                      forward_to("far@example.test", "C@Far.test")};

    world_put(
        w,
        &(struct directory_entry){.kind = DIRECTORY_ADDRESS, .accounts = both, .account_count = 2},
        "both@example.test");
    both[0].no_copy = true;
    both[0].address = both[1].address = span_text("away@example.test");
    world_put(
        w,
        &(struct directory_entry){.kind = DIRECTORY_ADDRESS, .accounts = both, .account_count = 2},
        "away@example.test");
    world_put(
        w,
        &(struct directory_entry){.kind = DIRECTORY_ADDRESS, .accounts = far, .account_count = 2},
        "far@example.test");
    return w;
}

static void forwards_go_into_the_queue(void)
{
    struct world *w = forwarding();
    const char *prefix;

    world_say(w, MAIL "RCPT TO:<Both@example.test>\r\n" BODY);
    CHECK(world_expect(w, "250 *\r\n250 2.1.5 *\r\n" BODY_REPLY));
    CHECK(w->messages[0].deliveries == 2 && w->messages[0].accounts[0] == 1 &&
          w->messages[0].accounts[1] == QUEUE);
    /* Who has all forwarded gets none. Return-Path is for the last server. */
    world_say(w, MAIL "RCPT TO:<away@example.test>\r\n" BODY);
    CHECK(world_expect(w, "250 *\r\n250 2.1.5 *\r\n" BODY_REPLY));
    CHECK(w->messages[1].deliveries == 1 && w->messages[1].accounts[0] == QUEUE);
    prefix = (const char *)w->messages[1].bytes;
    CHECK(strncmp(prefix, "Delivered-To: away@example.test\r\nReceived: ", 43) == 0);
    CHECK(prefix_has(w, 1, "for <away@example.test>;") && !prefix_has(w, 1, "far.test"));
    /* One address on another server has it once, by whomever it is led there. */
    world_say(w, MAIL "RCPT TO:<away@example.test>\r\nRCPT TO:<far@example.test>\r\nRCPT "
                      "TO:<both@example.test>\r\nRCPT TO:<bob@example.test>\r\n" BODY);
    CHECK(world_expect(
        w, "250 *\r\n250 2.1.5 *\r\n250 2.1.5 *\r\n250 2.1.5 *\r\n250 2.1.5 *\r\n" BODY_REPLY));
    CHECK(w->messages[2].deliveries == 4 && w->messages[2].accounts[0] == QUEUE &&
          w->messages[2].accounts[1] == QUEUE && w->messages[2].accounts[2] == 1 &&
          w->messages[2].accounts[3] == 2);
    CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->deliveries_forwarded == 4);
    /* Whatever is not in the directory is for nobody. */
    check_rcpt(w, "<b@far.test>", "550 5.7.1 relaying");
    CHECK(world_free(w));
}

static void forwards_that_come_back_are_a_loop(void)
{
    struct world *w = forwarding();

    world_say(w, MAIL "RCPT TO:<away@example.test>\r\nDATA\r\nDelivered-To: "
                      "Away@example.test\r\n\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n354 *\r\n554 5.4.6 *\r\n"));
    /* With others it ends in what is held back. */
    world_say(w, MAIL "RCPT TO:<away@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
                      "Delivered-To: away@example.test\r\n\r\n.\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n250 *\r\n" BODY_REPLY));
    CHECK(w->messages[0].deliveries == 2 && w->messages[0].places[0] == MESSAGE_QUARANTINE &&
          w->messages[0].places[1] == MESSAGE_INBOX);
    CHECK(world_free(w));
}

static void a_forward_that_is_changed_meanwhile_is_not_made(void)
{
    struct world *w = forwarding();
    struct directory_account other = forward_to("away@example.test", "z@far.test");

    world_say(w, MAIL "RCPT TO:<away@example.test>\r\nDATA\r\n");
    CHECK(world_expect(w, "250 *\r\n250 *\r\n354 *\r\n"));
    world_put(w,
              &(struct directory_entry){
                  .kind = DIRECTORY_ADDRESS, .accounts = &other, .account_count = 1},
              "away@example.test");
    world_publish(w);
    world_say(w, "\r\n.\r\n");
    CHECK(world_expect(w, "451 *\r\n"));
    CHECK(world_free(w));
}

/* What stands behind the separator, as it was sent; where it was not needed to find the address, it
 * is no folder's name. */
static void detail_names_a_folder(void)
{
    static const struct {
        const char *rcpt, *folder;
        uint8_t how;
    } cases[] = {
        {"alice+Lists/dev@example.test", "Lists/dev", SETTINGS_DETAIL_EXISTING},
        {"ALICE+Lists@example.test", "Lists", SETTINGS_DETAIL_CREATE},
        {"alice+a+b@example.test", "a+b", SETTINGS_DETAIL_CREATE},
        {"\"alice+my \\mail\"@example.test", "my mail", SETTINGS_DETAIL_CREATE},
        {"alice+@example.test", "", SETTINGS_DETAIL_CREATE},
        {"alice@example.test", "", SETTINGS_DETAIL_CREATE},
        {"alice+Lists@example.test", "", SETTINGS_DETAIL_OFF},
        {"bob+list@example.test", "", SETTINGS_DETAIL_CREATE},
        {"team+list@example.test", "", SETTINGS_DETAIL_CREATE},
    };
    struct world *w = ready();

    world_put_address(w, "bob+list@example.test", (uint64_t[]){1}, 1);
    world_put_address(w, "team@example.test", (uint64_t[]){1, 2}, 2);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];

        w->settings.detail_folders = cases[i].how;
        world_publish(w);
        snprintf(text, sizeof(text), MAIL "RCPT TO:<%s>\r\n" BODY, cases[i].rcpt);
        world_say(w, text);
        CHECK(world_expect(w, "250 *\r\n250 *\r\n" BODY_REPLY));
        CHECK_TEXT(span_text(w->messages[i].folders[0]), cases[i].folder);
        CHECK(w->messages[i].places[0] == MESSAGE_INBOX && !w->messages[i].junk);
        if (cases[i].folder[0])
            CHECK(w->messages[i].make == (cases[i].how == SETTINGS_DETAIL_CREATE));
    }
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(forwards_go_into_the_queue);
    CHECK_CASE(forwards_that_come_back_are_a_loop);
    CHECK_CASE(a_forward_that_is_changed_meanwhile_is_not_made);
    CHECK_CASE(an_alias_is_one_delivery_per_account);
    CHECK_CASE(accounts_beyond_the_last_delivery_are_not_half_added);
    CHECK_CASE(detail_then_catch_all);
    CHECK_CASE(detail_names_a_folder);
    CHECK_CASE(case_is_the_domains_matter);
    CHECK_CASE(domains_without_mail_and_our_literals);
    return check_end();
}
