/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/rulefile/rule_file.h"
#include "rules/rule_match.h"
#include "rules/rule_pool.h"
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

/* Rules as sessions feed and obey them. */

static struct world *begin(const char *yaml)
{
    static char text[4096];
    struct rule_generation *g = generation_new(1);
    struct rule_limits limits = RULE_LIMITS_DEFAULT;
    struct writer errors = writer_of(text, sizeof(text));
    struct rule_file *file = rule_file_new();
    const struct rule *rules;
    size_t count;

    CHECK(rule_file_parse(file, "t.yaml", span_text(yaml), &errors));
    rules = rule_file_rules(file, &count);
    CHECK(rule_set_compile(rules, count, &limits, &errors, &g->set) == RULE_OK);
    CHECK_TEXT(writer_span(&errors), "");
    g->pools[0] = rule_pool_new(g->set, 2);
    rule_file_free(file);
    return world_new(g, NULL);
}

static void end(struct world *w)
{
    struct rule_generation *g = w->settings.rules;

    CHECK(world_free(w));
    CHECK(generation_unused(g));
    rule_pool_free(g->pools[0]);
    rule_set_free(g->set);
    generation_free(g);
}

static void hello(struct world *w)
{
    world_connect(w, 25);
    world_say(w, "EHLO client.test\r\n");
    CHECK(world_expect(w, "220 *250 *\r\n"));
}

static void envelope(struct world *w)
{
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
    CHECK(world_expect(w, "250*250*354*"));
}

/* Sends a message; the reply's first three digits. */
static int send(struct world *w, const char *message)
{
    int code = 0;

    envelope(w);
    world_say(w, message);
    world_say(w, "\r\n.\r\n");
    sscanf(w->text, "%d", &code);
    CHECK(world_expect(w, "*"));
    return code;
}

/* The rules that the last message's record names, in order, with a blank before each. */
static const char *hits(struct world *w)
{
    static char text[512];
    const struct record *r = &w->records[w->record_count - 1];
    int at = 0;

    text[0] = 0;
    for (uint32_t i = 0; i < r->message.rule_count; i++) {
        struct span id = record_text_span(r, r->message.rules[i]);

        at += snprintf(text + at, sizeof(text) - (size_t)at, " %.*s", (int)id.len,
                       (const char *)id.data);
    }
    return text;
}

static void hit(struct world *w, const char *message, const char *expected)
{
    w->record_count = 0;
    CHECK(send(w, message) == 250);
    if (CHECK(w->record_count > 0))
        CHECK_TEXT(span_text(hits(w)), expected);
}

static void html_is_read_as_markup_and_as_text(void)
{
    struct world *w = begin("rules:\n"
                            "- {id: text, scope: body, patterns: [{literal: 'free viagra'}]}\n"
                            "- {id: markup, scope: html, patterns: [{literal: '<b>ia'}]}\n"
                            "- {id: tag-in-text, scope: body, patterns: [{literal: '<b>ia'}]}\n"
                            "- {id: end, scope: body, patterns: [{regex: 'end&$'}]}\n");

    hello(w);
    hit(w,
        "Content-Type: text/html\r\n\r\n<p>free V<b>ia</b>gr&#97; and fr&#101;e v<b>ia</b>gra e<i>"
        "n</i>d&amp",
        " text markup");
    hit(w, "Content-Type: text/html\r\n\r\n<p>e<i>n</i>d&amp", "");
    hit(w, "Content-Type: text/plain\r\n\r\nfree v<b>ia</b>gra <b>ia end&", " tag-in-text");
    hit(w,
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n"
        "e<i>n</i>d&amp\r\n--x--",
        " end");
    end(w);
}

static void numbers_are_told(void)
{
    struct world *w =
        begin("rules:\n"
              "- {id: rcpt, patterns: [{number: count.recipients, above: 1}]}\n"
              "- {id: received, patterns: [{number: count.received, above: 1}]}\n"
              "- {id: fields, patterns: [{number: count.header_fields, above: 3}]}\n"
              "- {id: parts, patterns: [{number: count.parts, above: 2}]}\n"
              "- {id: attached, patterns: [{number: count.attachments, above: 0}]}\n"
              "- {id: links, patterns: [{number: count.links, above: 2}]}\n"
              "- {id: small, patterns: [{number: message.size, below: 60}]}\n"
              "- {id: text, patterns: [{number: body.size, above: 20, below: 100}]}\n"
              "- {id: big, patterns: [{number: attachment.size, above: 5, below: 7}]}\n");

    hello(w);
    hit(w, "Subject: x\r\n\r\nhttp://a https:", " small");
    hit(w, "Received: a\r\nReceived: b\r\nA: b\r\nC: d\r\n\r\nhttp://a https://b x ://",
        " received fields links text");
    hit(w,
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhi\r\n--x\r\nContent-Type: "
        "image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJjZGVm\r\n--x--\r\n",
        " parts attached big");
    w->record_count = 0;
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT "
                 "TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nx\r\n.\r\n");
    CHECK(world_expect(w, "250*250*550*250*354*250*"));
    CHECK_TEXT(span_text(hits(w)), " rcpt small");
    end(w);
}

static void what_repeats_is_counted(void)
{
    struct world *w =
        begin("rules:\n"
              "- {id: body, patterns: [{repeats: body.hash, within: 1m, above: 2}]}\n"
              "- {id: id, patterns: [{repeats: message.id, within: 1m, above: 1}]}\n"
              "- {id: ip, patterns: [{repeats: client.ip, within: 1m, above: 4}], action: defer, "
              "text: Too many messages}\n");

    hello(w);
    hit(w, "Message-ID: <1@a>\r\n\r\nbulk", "");
    hit(w, "Message-ID: <2@a>\r\nX: y\r\n\r\nbulk", "");
    /* The same text in another encoding is the same body. */
    hit(w, "Message-ID: <1@a>\r\nContent-Transfer-Encoding: base64\r\n\r\nYnVsaw0K\r\n",
        " body id");
    hit(w, "Message-ID: <3@a>\r\n\r\nother", "");
    /* Known at MAIL, said at RCPT: a postmaster might be meant. */
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nRSET\r\n");
    CHECK(world_expect(w, "250*451 4.7.1 Too many messages\r\n250*"));
    /* The windows pass. */
    world_wait(w, 130000);
    hit(w, "Message-ID: <1@a>\r\n\r\nbulk", "");
    end(w);
}

static void domains_decide_by_themselves(void)
{
    struct world *w = begin("rules:\n"
                            "- {id: no, scope: envelope.mail_from, patterns: [{literal: '@b.'}], "
                            "domains: strict.test, action: reject, text: Not here}\n"
                            "- {id: sub, scope: subject, patterns: [{literal: bad}], domains: "
                            "[strict.test, mild.test], action: reject, text: Bad}\n");

    world_put(w, &(struct directory_entry){.kind = DIRECTORY_DOMAIN}, "strict.test");
    world_put(w, &(struct directory_entry){.kind = DIRECTORY_DOMAIN}, "mild.test");
    world_put_address(w, "s@strict.test", (uint64_t[]){11}, 1);
    world_put_address(w, "m@mild.test", (uint64_t[]){12}, 1);
    hello(w);
    /* At RCPT for this one recipient, the others stay. */
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<s@strict.test>\r\nRCPT "
                 "TO:<m@mild.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
    CHECK(world_expect(w, "250*550 5.7.1 Not here\r\n250*250*354*"));
    world_say(w, "Subject: bad\r\n\r\nx\r\n.\r\n");
    CHECK(world_expect(w, "250*"));
    /* One reply for all: where one is not refused, the other's copy lies in its quarantine. */
    if (CHECK(w->message_count == 1 && w->messages[0].deliveries == 2)) {
        CHECK(w->messages[0].accounts[0] == 12 && w->messages[0].places[0] == MESSAGE_QUARANTINE);
        CHECK(w->messages[0].accounts[1] == 1 && w->messages[0].places[1] == MESSAGE_INBOX);
    }
    world_say(w, "MAIL FROM:<a@c.test>\r\nRCPT TO:<s@strict.test>\r\nRCPT "
                 "TO:<m@mild.test>\r\nDATA\r\nSubject: bad\r\n\r\nx\r\n.\r\n");
    CHECK(world_expect(w, "250*250*250*354*550 5.7.1 Bad\r\n"));
    end(w);
}

static void tenants_decide_by_themselves(void)
{
    struct world *w = begin("rules:\n"
                            "- {id: no, scope: envelope.mail_from, patterns: [{literal: '@b.'}], "
                            "tenants: acme, action: reject, text: Not at acme}\n"
                            "- {id: sub, scope: subject, patterns: [{literal: bad}], "
                            "except_tenants: [acme], action: quarantine}\n");
    const struct directory_account mine = {.id = 11,
                                           .quarantine_score = RULE_SCORE_NEVER,
                                           .reject_score = RULE_SCORE_NEVER,
                                           .address = span_text("s@strict.test"),
                                           .tenant = span_text("acme")};
    struct directory_entry entry = {
        .kind = DIRECTORY_ADDRESS, .accounts = &mine, .account_count = 1};

    /* Control's threads are no readers; this one is, at other times. */
    rcu_unregister_thread();
    CHECK(directory_put(w->settings.directory, &(struct directory_entry){.kind = DIRECTORY_DOMAIN},
                        span_text("strict.test")));
    CHECK(directory_put(w->settings.directory, &entry, mine.address));
    rcu_register_thread();
    hello(w);
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<s@strict.test>\r\nRCPT "
                 "TO:<alice@example.test>\r\nRSET\r\n");
    CHECK(world_expect(w, "250*550 5.7.1 Not at acme\r\n250*250*"));
    world_say(w, "MAIL FROM:<a@c.test>\r\nRCPT TO:<s@strict.test>\r\nRCPT "
                 "TO:<alice@example.test>\r\nDATA\r\nSubject: bad\r\n\r\nx\r\n.\r\n");
    CHECK(world_expect(w, "250*250*250*354*250*"));
    if (CHECK(w->message_count == 1 && w->messages[0].deliveries == 2)) {
        CHECK(w->messages[0].accounts[0] == 11 && w->messages[0].places[0] == MESSAGE_INBOX);
        CHECK(w->messages[0].places[1] == MESSAGE_QUARANTINE);
    }
    end(w);
}

static void the_clients_name_is_a_scope(void)
{
    struct world *w =
        begin("rules:\n"
              "- {id: dyn, scope: client.name, patterns: [{regex: '\\.dyn\\.test$'}], "
              "action: reject, text: Not from there}\n"
              "- {id: any, scope: client.name, patterns: [{regex: '.'}]}\n");

    w->settings.xclient_networks.count = 1;
    ip_address_parse(span_text("198.18.0.1"), &w->settings.xclient_networks.network[0].address);
    w->settings.xclient_networks.network[0].bits = 32;
    world_publish(w);
    hello(w);
    hit(w, "\r\nno name is known", "");
    world_say(w,
              "XCLIENT NAME=h7.dyn.test ADDR=192.0.2.9\r\nEHLO a.test\r\nMAIL FROM:<a@b.test>\r\n"
              "RCPT TO:<alice@example.test>\r\nRSET\r\n");
    CHECK(world_expect(w, "220*250-*250 *250*550 5.7.1 Not from there\r\n250*"));
    world_say(w, "XCLIENT NAME=mail.test\r\nEHLO a.test\r\n");
    CHECK(world_expect(w, "220*250 *"));
    hit(w, "\r\nx", " any");
    world_say(w, "XCLIENT NAME=[UNAVAILABLE]\r\nEHLO a.test\r\n");
    CHECK(world_expect(w, "220*250 *"));
    hit(w, "\r\nx", "");
    end(w);
}

/* What is known of the envelope is said to DATA, and to the first chunk; later recipients may
 * change it. */
static void the_envelope_is_judged_at_data(void)
{
    struct world *w = begin(
        "rules:\n"
        "- {id: lone, patterns: [{number: count.recipients, below: 2}, {name: p, literal: "
        "'@one.', scope: envelope.mail_from}], match: all, action: reject, text: All alone}\n"
        "- id: no-bob\n"
        "  patterns: [{name: bob, literal: bob, scope: envelope.rcpt_to}, {name: two, literal: "
        "'@two.', scope: envelope.mail_from}]\n"
        "  when: {all: [two, {not: bob}]}\n"
        "  action: defer\n"
        "  text: Where is Bob\n");

    hello(w);
    world_say(w, "MAIL FROM:<a@one.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
    CHECK(world_expect(w, "250*250*550 5.7.1 All alone\r\n"));
    /* The transaction is still there, and another recipient makes it good. */
    world_say(w, "RCPT TO:<bob@example.test>\r\nDATA\r\n");
    CHECK(world_expect(w, "250*354*"));
    world_say(w, "\r\nx\r\n.\r\n");
    CHECK(world_expect(w, "250 2.0.0*"));
    CHECK(w->records[w->record_count - 1].message.code == 250 &&
          w->records[w->record_count - 1].message.rule_count == 0);
    world_say(w, "MAIL FROM:<a@one.test>\r\nRCPT TO:<alice@example.test>\r\nBDAT 3 LAST\r\na\r\n");
    CHECK(world_expect(w, "250*250*550 5.7.1 All alone\r\n"));
    CHECK(w->records[w->record_count - 1].message.code == 550);
    world_say(w, "MAIL FROM:<a@two.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nRSET\r\n");
    CHECK(world_expect(w, "250*250*451 4.7.1 Where is Bob\r\n250*"));
    CHECK(w->records[w->record_count - 1].message.code == 451);
    world_say(w, "MAIL FROM:<a@two.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT "
                 "TO:<bob@example.test>\r\nDATA\r\n\r\nx\r\n.\r\nQUIT\r\n");
    CHECK(world_expect(w, "250*250*250*354*250*221*"));
    end(w);
}

/* The stored bytes of a message begin with some prefix and then are exactly these. */
static void stored(struct world *w, uint32_t index, const char *prefix_end, const char *body)
{
    struct world_message *m = &w->messages[index];
    struct span prefix = span_of(m->bytes, m->prefix);
    size_t end = strlen(prefix_end);

    if (!CHECK(index < w->message_count))
        return;
    CHECK_TEXT(span_skip(prefix, prefix.len > end ? prefix.len - end : 0), prefix_end);
    CHECK_TEXT(span_of(m->bytes + m->prefix, m->len - m->prefix), body);
}

static const char tag_rules[] =
    "rules:\n"
    "- {id: t, scope: body, patterns: [{literal: bulk}], except_domains: mild.test, tag: {header: "
    "['X-Spam: yes', 'X-Why: bulk'], subject: '[bulk] '}}\n"
    "- {id: plain, scope: body, patterns: [{literal: note}], action: tag}\n";

static void tags_are_put_in_front(void)
{
    struct world *w = begin(tag_rules);

    hello(w);
    CHECK(send(w, "From: x\r\nsubject:  hello\r\n\tworld\r\nTo: y\r\n\r\nbulk") == 250);
    stored(w, 0,
           "X-Wirepost-Rule: t\r\nX-Spam: yes\r\nX-Why: bulk\r\nSubject: [bulk]  "
           "hello\r\n\tworld\r\n",
           "From: x\r\nX-Title:  hello\r\n\tworld\r\nTo: y\r\n\r\nbulk\r\n");
    /* No subject, two subjects, an empty one. */
    CHECK(send(w, "From: x\r\n\r\nbulk") == 250);
    stored(w, 1, "Subject: [bulk] \r\n", "From: x\r\n\r\nbulk\r\n");
    CHECK(send(w, "Subject:a\r\nSubject: b\r\n\r\nbulk") == 250);
    stored(w, 2, "Subject: [bulk]  a\r\n", "X-Title:a\r\nX-Title: b\r\n\r\nbulk\r\n");
    CHECK(send(w, "Subject:\r\n\r\nbulk") == 250);
    stored(w, 3, "Subject: [bulk] \r\n", "X-Title:\r\n\r\nbulk\r\n");
    /* Not tagged: as it was. */
    CHECK(send(w, "Subject: a\r\n\r\nnote") == 250);
    stored(w, 4, "X-Wirepost-Rule: plain\r\n", "Subject: a\r\n\r\nnote\r\n");
    end(w);
}

static void who_is_not_tagged_sees_the_same_subject(void)
{
    struct world *w = begin(tag_rules);

    world_put(w, &(struct directory_entry){.kind = DIRECTORY_DOMAIN}, "mild.test");
    world_put_address(w, "m@mild.test", (uint64_t[]){12}, 1);
    hello(w);
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<m@mild.test>\r\nRCPT "
                 "TO:<alice@example.test>\r\nDATA\r\nSubject:a  b\r\n\r\nbulk\r\n.\r\n");
    CHECK(world_expect(w, "250*250*250*354*250*"));
    stored(w, 0, "\r\nSubject:a  b\r\n", "X-Title:a  b\r\n\r\nbulk\r\n");
    end(w);
}

static void a_large_message_is_tagged_too(void)
{
    struct world *w = begin(tag_rules);
    size_t len = 300000;
    char *text = malloc(len + 1);

    for (size_t i = 0; i < len; i++)
        text[i] = i % 76 == 74 ? '\r' : i % 76 == 75 ? '\n' : 'x';
    text[len] = 0;
    memcpy(text, "Subject: large\r\n\r\n", 18);
    memcpy(text + len - 6, "bulk\r\n", 6);
    hello(w);
    CHECK(send(w, text) == 250);
    if (CHECK(w->message_count == 1)) {
        struct world_message *m = &w->messages[0];

        CHECK(m->len - m->prefix == len + 2);
        memcpy(text, "X-Title", 7);
        CHECK(memcmp(m->bytes + m->prefix, text, len) == 0);
        CHECK_TEXT(span_of(m->bytes + m->prefix - 23, 23), "Subject: [bulk] large\r\n");
    }
    /* One that is given up with its first row held back. */
    envelope(w);
    world_say(w, text);
    world_close(w);
    free(text);
    end(w);
}

static void subjects_that_cannot_be_tagged_are_counted(void)
{
    static char text[80000];
    struct world *w = begin(tag_rules);
    const struct counters *c = handoff_counters(handoff_port_of(w->handoff, 0));

    hello(w);
    /* Too long, in folds. */
    strcpy(text, "Subject: a");
    for (int i = 0; i < 40; i++)
        strcat(text, "\r\n 0123456789012345678901234567890123456789012345678901234567890123456789");
    strcat(text, "\r\n\r\nbulk");
    CHECK(send(w, text) == 250 && c->subjects_untagged == 1);
    CHECK(memcmp(w->messages[0].bytes + w->messages[0].prefix, text, strlen(text)) == 0);
    /* Too many. */
    CHECK(
        send(w, "Subject: 1\r\nSubject: 2\r\nSubject: 3\r\nSubject: 4\r\nSubject: 5\r\n\r\nbulk") ==
            250 &&
        c->subjects_untagged == 2);
    CHECK(send(w, "Subject: 1\r\nSubject: 2\r\nSubject: 3\r\nSubject: 4\r\n\r\nbulk") == 250 &&
          c->subjects_untagged == 2);
    /* Too far behind. */
    text[0] = 0;
    for (size_t i = 0; i < 66000; i += 60)
        strcpy(text + i, "X-Fill: 01234567890123456789012345678901234567890123456789\r\n");
    strcat(text, "Subject: far\r\n\r\nbulk");
    CHECK(send(w, text) == 250 && c->subjects_untagged == 3);
    CHECK(send(w, "Subject: a\r\n\r\nnote") == 250 && c->subjects_untagged == 3);
    end(w);
}

/* What only the engine may write is not taken from others; sizes stay. */
static void forged_fields_are_renamed(void)
{
    static char text[80000];
    struct world *w = begin(tag_rules);
    const struct counters *c = handoff_counters(handoff_port_of(w->handoff, 0));
    size_t at = 0;

    hello(w);
    CHECK(send(w, "return-path: <boss@b.test>\r\nX-Wirepost-Rule: friend\r\nx-wirepost-new: 1\r\n"
                  "X-Wirepost: no\r\nReturn-Path-To: me\r\nReturn-Path : <x>\r\n\r\nReturn-Path: "
                  "text") == 250);
    stored(
        w, 0, "",
        "X-turn-path: <boss@b.test>\r\nY-Wirepost-Rule: friend\r\nY-wirepost-new: 1\r\n"
        "X-Wirepost: no\r\nReturn-Path-To: me\r\nX-turn-Path : <x>\r\n\r\nReturn-Path: text\r\n");
    CHECK(c->fields_hidden == 4 && c->fields_not_hidden == 0);
    /* Of a message within, fields are what they are. */
    CHECK(send(w, "Content-Type: message/rfc822\r\n\r\nReturn-Path: <a@b.test>\r\n\r\nx") == 250);
    CHECK(c->fields_hidden == 4);
    /* One byte at a time, and behind the first row. */
    w->step = 1;
    CHECK(send(w, "A: b\r\nReturn-Path:\r\n <boss@b.test>\r\n\r\nx") == 250);
    stored(w, 2, "", "A: b\r\nX-turn-Path:\r\n <boss@b.test>\r\n\r\nx\r\n");
    w->step = 0;
    for (; at < 70000; at += 60)
        strcpy(text + at, "X-Fill: 01234567890123456789012345678901234567890123456789\r\n");
    strcpy(text + at, "Return-Path: <a@b.test>\r\n\r\nx");
    CHECK(send(w, text) == 250 && c->fields_hidden == 6 && c->fields_not_hidden == 0);
    CHECK(w->messages[3].prefix &&
          memcmp(w->messages[3].bytes + w->messages[3].prefix + at, "X-turn-Path: <a", 15) == 0);
    end(w);
}

static void accept_takes_refusals_out_of_force(void)
{
    struct world *w = begin("rules:\n"
                            "- {id: bad, scope: body, patterns: [{literal: bad}], action: reject, "
                            "text: Bad}\n"
                            "- {id: friend, scope: header.X-Friend, patterns: [{literal: 'yes'}], "
                            "action: accept}\n");

    hello(w);
    CHECK(send(w, "A: b\r\n\r\nbad") == 550);
    hit(w, "X-Friend: yes\r\n\r\nbad", " bad friend");
    CHECK(w->records[0].message.verdict == RULE_ACTION_ACCEPT);
    CHECK(w->messages[0].places[0] == MESSAGE_INBOX);
    end(w);
}

/* The header is refused, and what comes behind it in the same turn is more than is taken: the
 * reply is the header's, however the bytes were cut. */
static void what_comes_first_is_answered(void)
{
    static const uint32_t steps[] = {0, 1, 7, 300};
    char text[1000] = "Subject: bad\r\n\r\n";

    memset(text + strlen(text), 'x', 800);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct world *w = begin("rules:\n- {id: bad, scope: subject, patterns: [{literal: bad}], "
                                "action: reject, text: Not that}\n");

        w->settings.message_size_max = 400;
        world_publish(w);
        hello(w);
        envelope(w);
        w->step = steps[i];
        world_say(w, text);
        world_say(w, "\r\n.\r\n");
        CHECK(world_expect(w, "550 *Not that\r\n"));
        end(w);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(html_is_read_as_markup_and_as_text);
    CHECK_CASE(numbers_are_told);
    CHECK_CASE(what_repeats_is_counted);
    CHECK_CASE(domains_decide_by_themselves);
    CHECK_CASE(tenants_decide_by_themselves);
    CHECK_CASE(the_clients_name_is_a_scope);
    CHECK_CASE(the_envelope_is_judged_at_data);
    CHECK_CASE(tags_are_put_in_front);
    CHECK_CASE(who_is_not_tagged_sees_the_same_subject);
    CHECK_CASE(a_large_message_is_tagged_too);
    CHECK_CASE(subjects_that_cannot_be_tagged_are_counted);
    CHECK_CASE(forged_fields_are_renamed);
    CHECK_CASE(accept_takes_refusals_out_of_force);
    CHECK_CASE(what_comes_first_is_answered);
    return check_end();
}
