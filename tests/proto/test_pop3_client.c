/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_client.h"
#include "tests/harness/check.h"

#include <stdio.h>

/* What a server says in, cut everywhere; all that happens out, as one text; runs of a message put
 * together. */
enum { LOG = 4096 };

struct play {
    struct pop3_client client;
    uint8_t line[POP3_CLIENT_LINE], scratch_bytes[1024], log_bytes[LOG];
    struct writer scratch, log;
    bool broken;
};

static const char *const names[POP3_VERB_COUNT] = {
    [POP3_CLIENT_GREETING] = "greeting",
#define POP3_VERB(name) [POP3_VERB_##name] = #name,
#include "proto/pop3/pop3_verb.def"
#undef POP3_VERB
};

static bool act(struct play *p, const struct pop3_client_action *a)
{
    const char *bytes = (const char *)a->bytes.data;
    int len = (int)a->bytes.len;

    switch (a->kind) {
    case POP3_CLIENT_ACTION_MORE:
        return false;
    case POP3_CLIENT_ACTION_BUFFER:
        pop3_client_attach(&p->client, p->line);
        return true;
    case POP3_CLIENT_ACTION_ANSWER:
        writer_printf(&p->log, "(%s %s %.*s)", names[a->verb], a->ok ? "ok" : "err", len, bytes);
        return true;
    case POP3_CLIENT_ACTION_ENTRY:
        writer_printf(&p->log, "[%u %.*s]", a->number, len, bytes);
        return true;
    case POP3_CLIENT_ACTION_MESSAGE:
        CHECK(len > 0);
        writer_span_put(&p->log, a->bytes);
        return true;
    case POP3_CLIENT_ACTION_END:
        writer_text(&p->log, "$");
        return true;
    case POP3_CLIENT_ACTION_BROKEN:
        writer_printf(&p->log, "!%s", pop3_client_fault_text(a->fault));
        p->broken = true;
        return false;
    }
    return false;
}

static void feed(struct play *p, struct span in)
{
    struct pop3_client_action a;

    if (p->broken)
        return;
    do
        pop3_client_next(&p->client, &in, &a);
    while (act(p, &a));
    CHECK(p->broken || in.len == 0);
}

/* Says the verbs ahead, each but the greeting's. */
static void check_play(const enum pop3_verb *verbs, int count, const char *server,
                       const char *expected)
{
    static struct play p;

    for (size_t step = 1; step <= strlen(server) + 1; step++) {
        struct span rest = span_text(server);

        p = (struct play){.broken = false};
        p.scratch = writer_of(p.scratch_bytes, sizeof(p.scratch_bytes));
        p.log = writer_of(p.log_bytes, LOG);
        pop3_client_init(&p.client, false);
        for (int i = 0; i < count; i++)
            CHECK(pop3_client_say(&p.client, verbs[i], span_of(NULL, 0), &p.scratch));
        while (rest.len) {
            struct span copy = guard_copy(span_head(rest, step), true);

            feed(&p, copy);
            guard_free(copy);
            rest = span_skip(rest, step);
        }
        if (!CHECK_TEXT(writer_span(&p.log), expected))
            return;
    }
}

#define SAID(...)                                                                                  \
    (const enum pop3_verb[]){__VA_ARGS__},                                                         \
        sizeof((enum pop3_verb[]){__VA_ARGS__}) / sizeof(enum pop3_verb)

static void answers_come_in_order(void)
{
    check_play(SAID(POP3_VERB_STAT, POP3_VERB_DELE, POP3_VERB_QUIT),
               "+OK hello <1@x>\r\n+OK 2 300\r\n-ERR [IN-USE] no\r\n+OK\r\n",
               "(greeting ok hello <1@x>)(STAT ok 2 300)(DELE err [IN-USE] no)(QUIT ok )");
}

static void lists_come_line_by_line(void)
{
    check_play(
        SAID(POP3_VERB_UIDL, POP3_VERB_LIST, POP3_VERB_CAPA),
        "+OK\r\n+OK here\r\n1 abc\r\n12 d.e\r\n.\r\n-ERR no\r\n+OK\r\nPIPELINING\r\n..X\r\n.\r\n",
        "(greeting ok )(UIDL ok here)[1 abc][12 d.e]$(LIST err no)(CAPA ok )[0 PIPELINING][0 .X]$");
}

static void a_message_is_undotted(void)
{
    check_play(
        SAID(POP3_VERB_RETR, POP3_VERB_RETR, POP3_VERB_QUIT),
        "+OK\r\n+OK\r\nA: b\r\n\r\n..\r\n..x\r\n.y\r\n.\ra\r\nend.\r\n.\r\n+OK\r\n.\r\n+OK bye\r\n",
        "(greeting ok )(RETR ok )A: b\r\n\r\n.\r\n.x\r\ny\r\n\ra\r\nend.\r\n$(RETR ok )$(QUIT ok "
        "bye)");
    /* A dot behind a bare LF is the message's own. */
    check_play(SAID(POP3_VERB_RETR), "+OK\r\n+OK\r\na\n.\r\nb\r\n.\r\n",
               "(greeting ok )(RETR ok )a\n.\r\nb\r\n$");
}

static void what_is_not_the_protocol_ends_it(void)
{
    check_play(SAID(POP3_VERB_STAT), "+OKAY\r\n", "!a line that is no +OK and no -ERR");
    check_play(SAID(POP3_VERB_STAT), "+OK\n", "!a line that ends in something other than CRLF");
    check_play(SAID(POP3_VERB_UIDL), "+OK\r\n+OK\r\nx y\r\n",
               "(greeting ok )(UIDL ok )!a line of a list that is none");
    check_play(SAID(POP3_VERB_UIDL), "+OK\r\n+OK\r\n0 y\r\n",
               "(greeting ok )(UIDL ok )!a line of a list that is none");
    check_play(SAID(POP3_VERB_UIDL), "+OK\r\n+OK\r\n99999999999 y\r\n",
               "(greeting ok )(UIDL ok )!a line of a list that is none");
    check_play(SAID(POP3_VERB_STAT), "+OK\r\n+OK\r\n+OK\r\n",
               "(greeting ok )(STAT ok )!an answer to nothing that was said");
}

static void a_line_has_a_limit(void)
{
    static char text[POP3_CLIENT_LINE + 2];

    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "+OK ", 4);
    check_play(SAID(POP3_VERB_STAT), text, "!a line beyond the limit");
}

static void commands_are_written(void)
{
    struct pop3_client c;
    uint8_t bytes[1024];
    struct writer w = writer_of(bytes, sizeof(bytes));
    int said = 1;

    pop3_client_init(&c, true);
    CHECK(pop3_client_say(&c, POP3_VERB_USER, span_text("a@b"), &w));
    CHECK(pop3_client_say_number(&c, POP3_VERB_RETR, 4294967295u, &w));
    CHECK_TEXT(writer_span(&w), "USER a@b\r\nRETR 4294967295\r\n");
    w.len = 0;
    while (pop3_client_say(&c, POP3_VERB_NOOP, span_of(NULL, 0), &w))
        said++;
    CHECK(said + 1 == POP3_CLIENT_ASKED);
    pop3_client_init(&c, true);
    w.len = sizeof(bytes) - POP3_CLIENT_ROOM + 1;
    CHECK(!pop3_client_say(&c, POP3_VERB_NOOP, span_of(NULL, 0), &w));
}

static void codes_are_found(void)
{
    CHECK_TEXT(pop3_client_code(span_text("[SYS/TEMP] later")), "SYS/TEMP");
    CHECK(pop3_client_code(span_text("later [x]")).len == 0);
    CHECK(pop3_client_code(span_text("[x")).len == 0);
    CHECK(pop3_client_code(span_of(NULL, 0)).len == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(answers_come_in_order);
    CHECK_CASE(lists_come_line_by_line);
    CHECK_CASE(a_message_is_undotted);
    CHECK_CASE(what_is_not_the_protocol_ends_it);
    CHECK_CASE(a_line_has_a_limit);
    CHECK_CASE(commands_are_written);
    CHECK_CASE(codes_are_found);
    return check_end();
}
