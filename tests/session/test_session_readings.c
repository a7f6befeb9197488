/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>

#include "rules/rule_match.h"

/*
 * Rules hit what either of two receivers would see, wherever the message is cut, and the
 * disagreement itself; limits of a message's structure.
 */
#define HELLO "EHLO client.test\r\n"
#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
#define ENVELOPE_REPLY "250 2.1.0 *\r\n250 2.1.5 *\r\n354 *\r\n"
#define MIXED(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\r\n\r\n"

/* What is looked for in its scope, in a message that hides it. */
static const struct {
    const char *name;
    enum rule_scope scope;
    const char *pattern;
    const char *message;
} rows[] = {
    {"first boundary", RULE_SCOPE_BODY, "evil words",
     MIXED("a; boundary=b") "--a\r\nContent-Transfer-Encoding: "
                            "base64\r\n\r\nZXZpbCB3b3Jkcw==\r\n--a--\r\n"},
    {"last boundary", RULE_SCOPE_BODY, "evil words",
     MIXED("a; boundary=b") "--b\r\nContent-Transfer-Encoding: "
                            "base64\r\n\r\nZXZpbCB3b3Jkcw==\r\n--b--\r\n"},
    {"last encoding", RULE_SCOPE_BODY, "evil words",
     "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: "
     "base64\r\n\r\nZXZpbCB3b3Jkcw==\r\n"},
    {"text behind a boundary", RULE_SCOPE_BODY, "evil words",
     MIXED("a") "--a\r\n\r\none\r\n--a x\r\nContent-Transfer-Encoding: "
                "base64\r\n\r\nZXZpbCB3b3Jkcw==\r\n--a--\r\n"},
    {"across the padding", RULE_SCOPE_BODY, "evil words",
     "Content-Transfer-Encoding: base64\r\n\r\nZXZpbCA=\r\nd29yZHM=\r\n"},
    {"text said to be base64", RULE_SCOPE_BODY, "evil words!",
     "Content-Transfer-Encoding: base64\r\n\r\nevil words!\r\n"},
    {"broken escape", RULE_SCOPE_BODY, "evilzz words",
     "Content-Transfer-Encoding: quoted-printable\r\n\r\nev=69l=zz words\r\n"},
    {"preamble", RULE_SCOPE_BODY, "evil words",
     MIXED("a") "evil words\r\n--a\r\n\r\nx\r\n--a--\r\n"},
    {"no delimiter", RULE_SCOPE_BODY, "evil words", MIXED("a") "evil\x20words\r\n"},
    {"epilogue", RULE_SCOPE_BODY, "evil words",
     MIXED("a") "--a\r\n\r\nx\r\n--a--\r\nevil words\r\n"},
    {"charset", RULE_SCOPE_BODY, "evil words",
     "Content-Type: text/plain; charset=utf-7\r\n\r\n+AGUAdgBpAGw- words\r\n"},
    {"raw beside its charset", RULE_SCOPE_BODY, "+AGUAdgBpAGw-",
     "Content-Type: text/plain; charset=utf-7\r\n\r\n+AGUAdgBpAGw- words\r\n"},
    {"latin 1", RULE_SCOPE_BODY, "caf\xc3\xa9",
     "Content-Type: text/plain; charset=iso-8859-1\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n"},
    {"message within", RULE_SCOPE_BODY, "evil words",
     "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: "
     "base64\r\n\r\nDQpldmlsIHdvcmRz\r\n"},
    {"uuencoded", RULE_SCOPE_ATTACHMENT, "other text",
     "\r\none\r\nbegin 644 b.exe\r\n*;W1H97(@=&5X=```\r\n`\r\nend\r\n"},
    {"name of what is uuencoded", RULE_SCOPE_ATTACHMENT_NAME, "b.exe",
     "\r\none\r\nbegin 644 b.exe\r\n*;W1H97(@=&5X=```\r\n`\r\nend\r\n"},
    {"second file name", RULE_SCOPE_ATTACHMENT_NAME, "b.exe",
     "Content-Type: application/pdf; name=b.exe\r\nContent-Disposition: attachment; "
     "filename=a.pdf\r\n\r\nx\r\n"},
    {"the difference", RULE_SCOPE_ANOMALY, "reading_header",
     "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: "
     "base64\r\n\r\nZXZpbCB3b3Jkcw==\r\n"},
    {"the hidden type", RULE_SCOPE_CONTENT_TYPE, "application/x-dosexec",
     "Content-Type: text/plain\r\nContent-Type: application/x-dosexec\r\n\r\nx\r\n"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), STREAMS = 20 };

static struct rule_generation *generation(const struct rule *rule)
{
    struct rule_generation *g = generation_new(1);
    struct rule_limits limits = RULE_LIMITS_DEFAULT;
    uint8_t text[1024];
    struct writer errors = writer_of(text, sizeof(text));

    CHECK(rule_set_compile(rule, 1, &limits, &errors, &g->set) == RULE_OK);
    CHECK_TEXT(writer_span(&errors), "");
    g->pools[0] = rule_pool_new(g->set, STREAMS);
    return g;
}

static void ready(struct world *w)
{
    world_connect(w, 25);
    CHECK(world_expect(w, "220 *\r\n"));
    world_say(w, HELLO);
    CHECK(world_expect(w, "250-mx.example.test*250 *\r\n"));
}

static bool rejected(struct rule_generation *g, const char *message, size_t step)
{
    struct world *w = world_new(g, NULL);
    bool good;

    w->step = step;
    ready(w);
    world_say(w, ENVELOPE);
    world_say(w, message);
    world_say(w, ".\r\n");
    good = world_expect(w, ENVELOPE_REPLY "550 5.7.1 *\r\n") && w->message_count == 0;
    CHECK(world_free(w));
    return good;
}

static void rules_hit_either_reading(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct rule_pattern pattern = {
            .text = span_text(rows[i].pattern), .scope = (uint8_t)rows[i].scope, .literal = true};
        struct rule rule = {.id = span_text("hidden"),
                            .patterns = &pattern,
                            .pattern_count = 1,
                            .action = RULE_ACTION_REJECT,
                            .text = span_text("not wanted"),
                            .enabled = true};
        struct rule_generation *g = generation(&rule);

        for (size_t step = 1; step < 64; step = step * 2 + 1)
            if (!CHECK(rejected(g, rows[i].message, step)))
                printf("# %s, step %zu\n", rows[i].name, step);
        CHECK(rule_pool_left(g->pools[0], rows[i].scope) >= STREAMS);
        CHECK(generation_unused(g));
        rule_pool_free(g->pools[0]);
        rule_set_free(g->set);
        generation_free(g);
    }
}

/* ---- limits ---- */

#define DEEP                                                                                       \
    "Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n"                     \
    "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nevil words\r\n"
#define MANY MIXED("a") "--a\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--a\r\n\r\nevil words\r\n--a--\r\n"
#define HEAD "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nSubject: x\r\n\r\nevil words\r\n"

static const struct {
    struct mime_limits limits;
    enum mime_anomaly anomaly;
    const char *reply;
    size_t counter; /* in struct counters */
    const char *message;
} limit_rows[] = {
    {{1024, 4096, 100, 2, 0},
     MIME_ANOMALY_DEPTH,
     "554 5.6.0 parts nested too deep\r\n",
     offsetof(struct counters, mime_depth_over),
     DEEP},
    {{1024, 4096, 3, 9, 0},
     MIME_ANOMALY_PARTS,
     "554 5.6.0 too many parts\r\n",
     offsetof(struct counters, mime_parts_over),
     MANY},
    {{1024, 12, 100, 9, 0},
     MIME_ANOMALY_HEADER_LONG,
     "552 5.3.4 header too big\r\n",
     offsetof(struct counters, mime_header_size_over),
     HEAD},
    {{1024, 4096, 100, 9, 3},
     MIME_ANOMALY_HEADER_LINES,
     "552 5.3.4 too many header lines\r\n",
     offsetof(struct counters, mime_header_lines_over),
     HEAD},
};

/* Beyond a limit the message is refused by its row, or taken, counted and scanned as it stands. */
static void check_limit(size_t i, bool refuse)
{
    struct world *w = world_new(NULL, NULL);
    const uint64_t *counter;

    w->settings.mime = limit_rows[i].limits;
    w->settings.mime_refused = refuse ? 1ull << limit_rows[i].anomaly : 0;
    world_publish(w);
    ready(w);
    world_say(w, ENVELOPE);
    world_say(w, limit_rows[i].message);
    world_say(w, ".\r\n");
    CHECK(world_expect(w, ENVELOPE_REPLY "*\r\n"));
    counter = (const uint64_t *)(const void *)((const uint8_t *)handoff_counters(
                                                   handoff_port_of(w->handoff, 0)) +
                                               limit_rows[i].counter);
    CHECK(*counter == 1);
    CHECK(w->message_count == !refuse);
    CHECK(w->records[0].message.anomalies >> limit_rows[i].anomaly & 1);
    CHECK(world_free(w));
}

static void limits_are_counted_and_refuse_where_asked(void)
{
    for (size_t i = 0; i < sizeof(limit_rows) / sizeof(limit_rows[0]); i++) {
        check_limit(i, false);
        check_limit(i, true);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(rules_hit_either_reading);
    CHECK_CASE(limits_are_counted_and_refuse_where_asked);
    return check_end();
}
