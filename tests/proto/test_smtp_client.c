/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_client.h"
#include "tests/harness/check.h"

#include <stdio.h>

/*
 * The client played against what a server says, with everything that happens written down as one
 * text. "|" in the server's text stands for "the client has said what it will say now": input is
 * held back there, so that a reply never comes before its command.
 */
enum { LOG = 8192 };

struct play {
    struct smtp_client client;
    struct smtp_client_options options;
    struct smtp_client_mail mail;
    uint8_t line[SMTP_CLIENT_LINE], scratch_bytes[2048], log_bytes[LOG];
    struct writer scratch, log;
    uint32_t mails; /* still to be sent */
    bool closed, tiny;
    bool secure; /* STARTTLS is said before the first one */
};

static struct span recipients[3];

static void flush(struct play *p)
{
    if (p->scratch.len)
        writer_printf(&p->log, "<%.*s>", (int)p->scratch.len, (const char *)p->scratch.data);
    p->scratch.len = 0;
    p->scratch.full = false;
}

static void put_reply(struct play *p, const struct smtp_client_action *a)
{
    writer_printf(&p->log, "(%s %u",
                  a->step < SMTP_CLIENT_STEPS ? smtp_client_step_name(a->step) : "unasked",
                  a->code);
    if (a->enhanced[0])
        writer_printf(&p->log, " %u.%u.%u", a->enhanced[0], a->enhanced[1], a->enhanced[2]);
    if (a->step == SMTP_CLIENT_RCPT)
        writer_printf(&p->log, " #%u", a->index);
    writer_text(&p->log, ")");
}

static bool act(struct play *p, const struct smtp_client_action *a)
{
    switch (a->kind) {
    case SMTP_CLIENT_ACTION_MORE:
        flush(p);
        return false;
    case SMTP_CLIENT_ACTION_BUFFER:
        smtp_client_attach(&p->client, p->line);
        return true;
    case SMTP_CLIENT_ACTION_ROOM:
        flush(p);
        return true;
    case SMTP_CLIENT_ACTION_REPLY:
        put_reply(p, a);
        if (a->step == SMTP_CLIENT_STARTTLS && a->code == 220) {
            p->options.greeted = true;
            smtp_client_init(&p->client, &p->options);
        }
        return true;
    case SMTP_CLIENT_ACTION_READY:
        if (p->secure) {
            p->secure = false;
            CHECK(smtp_client_starttls(&p->client));
            CHECK(!smtp_client_starttls(&p->client));
        } else if (p->mails) {
            p->mails--;
            CHECK(smtp_client_begin(&p->client, &p->mail));
        } else {
            CHECK(smtp_client_quit(&p->client));
        }
        return true;
    case SMTP_CLIENT_ACTION_BODY:
        flush(p);
        writer_text(&p->log, a->chunk ? "{chunk}" : "{dot}");
        smtp_client_sent(&p->client);
        return true;
    case SMTP_CLIENT_ACTION_DONE:
        writer_printf(&p->log, "[%s %u, %u]", smtp_client_step_name(a->step), a->code, a->accepted);
        return true;
    case SMTP_CLIENT_ACTION_CLOSE:
        flush(p);
        writer_printf(&p->log, "!%s", smtp_client_fault_text(a->fault));
        p->closed = true;
        return false;
    }
    return false;
}

static void feed(struct play *p, struct span in)
{
    struct smtp_client_action a;

    if (p->closed)
        return;
    do
        smtp_client_next(&p->client, &in, &p->scratch, &a);
    while (act(p, &a));
    CHECK(p->closed || in.len == 0);
}

static void begin(struct play *p, const struct smtp_client_options *o, uint32_t mails,
                  uint32_t count)
{
    recipients[0] = span_text("x@y");
    recipients[1] = span_text("z@y");
    recipients[2] = span_text("v@w");
    *p = (struct play){.options = *o, .mails = mails};
    p->options.hostname = span_text("me");
    p->options.lines_max = 20;
    p->mail = (struct smtp_client_mail){.sender = span_text("a@b"),
                                        .recipients = recipients,
                                        .recipient_count = count,
                                        .size = 1000,
                                        .eight_bit = true};
    p->scratch = writer_of(p->scratch_bytes, sizeof(p->scratch_bytes));
    p->log = writer_of(p->log_bytes, LOG);
    smtp_client_init(&p->client, &p->options);
}

/* Feeds `step` bytes at a time; the text between bars comes when the client waits. */
static void play(struct play *p, const char *server, size_t step)
{
    struct span rest = span_text(server);

    feed(p, span_of(NULL, 0));
    while (rest.len && !p->closed) {
        ptrdiff_t bar = span_find(rest, '|');
        struct span turn = span_head(rest, bar < 0 ? rest.len : (size_t)bar);

        rest = span_skip(rest, turn.len + (bar >= 0));
        while (turn.len && !p->closed) {
            struct span copy = guard_copy(span_head(turn, step), true);

            feed(p, copy);
            guard_free(copy);
            turn = span_skip(turn, step);
        }
    }
}

static void check_play(const struct smtp_client_options *o, uint32_t mails, uint32_t count,
                       const char *server, const char *expected)
{
    static struct play p;

    for (size_t step = 1; step <= strlen(server) + 1; step++) {
        begin(&p, o, mails, count);
        play(&p, server, step);
        if (!CHECK_TEXT(writer_span(&p.log), expected))
            return;
    }
}

#define PLAIN (&(struct smtp_client_options){0})
#define GROUPS (&(struct smtp_client_options){.pipelining = true})
#define CHUNKS (&(struct smtp_client_options){.pipelining = true, .chunking = true})
#define ESMTP "220 hi\r\n|250-mx greets you\r\n250-PIPELINING\r\n250-8bitmime\r\n250 SIZE 5000\r\n|"
#define GREETED "(banner 220)<EHLO me\r\n>(ehlo 250)"
#define EARLY "a reply that came before its command was sent"
#define MAIL "MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME\r\n"

static void a_message_goes(void)
{
    check_play(PLAIN, 1, 1,
               ESMTP "250 2.1.0 ok\r\n|250 ok\r\n|354 go\r\n|250 2.0.0 mine\r\n|221 bye\r\n",
               GREETED "<" MAIL
                       ">(mail 250 2.1.0)<RCPT TO:<x@y>\r\n>(rcpt 250 #0)<DATA\r\n>(data 354){dot}"
                       "(end 250 2.0.0)[end 250, 1]<QUIT\r\n>(quit 221)!no fault");
}

static void commands_go_in_groups(void)
{
    check_play(
        GROUPS, 1, 2,
        ESMTP "250 ok\r\n250 ok\r\n550 5.1.1 who?\r\n354 go\r\n|250 ok\r\n|221 bye\r\n",
        GREETED
        "<" MAIL "RCPT TO:<x@y>\r\nRCPT TO:<z@y>\r\nDATA\r\n>(mail 250)(rcpt 250 #0)"
        "(rcpt 550 5.1.1 #1)(data 354){dot}(end 250)[end 250, 1]<QUIT\r\n>(quit 221)!no fault");
}

static void check_secure(const char *server, const char *expected)
{
    static struct play p;

    for (size_t step = 1; step <= strlen(server) + 1; step++) {
        begin(&p, GROUPS, 0, 1);
        p.secure = true;
        play(&p, server, step);
        if (!CHECK_TEXT(writer_span(&p.log), expected))
            return;
    }
}

/* RFC 3207 section 4.2: behind it all is as it was at the beginning; refused, nothing has changed.
 */
static void tls_is_asked_for(void)
{
    check_secure(ESMTP "220 go\r\n|250 mx\r\n|221 bye\r\n", GREETED
                 "<STARTTLS\r\n>(starttls 220)<EHLO me\r\n>(ehlo 250)<QUIT\r\n>(quit 221)!no "
                 "fault");
    check_secure(ESMTP "454 4.7.0 not now\r\n|221 bye\r\n",
                 GREETED "<STARTTLS\r\n>(starttls 454 4.7.0)<QUIT\r\n>(quit 221)!no fault");
    check_secure(ESMTP "421 4.3.2 going\r\n|", GREETED
                 "<STARTTLS\r\n>(starttls 421 4.3.2)!the server closes the session with 421");
}

/* RFC 2920 section 3.1 */
static void nobody_is_left(void)
{
    check_play(GROUPS, 1, 1, ESMTP "250 ok\r\n550 no\r\n354 go\r\n|554 nobody\r\n|221 bye\r\n",
               GREETED "<" MAIL "RCPT TO:<x@y>\r\nDATA\r\n>(mail 250)(rcpt 550 #0)(data 354)<.\r\n>"
                       "(end 554)[rcpt 550, 0]<QUIT\r\n>(quit 221)!no fault");
    check_play(GROUPS, 1, 1, ESMTP "250 ok\r\n550 no\r\n503 no\r\n|250 ok\r\n|221 bye\r\n",
               GREETED "<" MAIL "RCPT TO:<x@y>\r\nDATA\r\n>(mail 250)(rcpt 550 #0)(data 503)"
                       "[rcpt 550, 0]<RSET\r\n>(rset 250)<QUIT\r\n>(quit 221)!no fault");
    check_play(PLAIN, 1, 1, ESMTP "250 ok\r\n|450 4.2.0 later\r\n|250 ok\r\n|221 bye\r\n",
               GREETED "<" MAIL ">(mail 250)<RCPT TO:<x@y>\r\n>(rcpt 450 4.2.0 #0)[rcpt 450, 0]"
                       "<RSET\r\n>(rset 250)<QUIT\r\n>(quit 221)!no fault");
}

static void a_sender_is_refused(void)
{
    check_play(PLAIN, 1, 1, ESMTP "550 no\r\n|221 bye\r\n",
               GREETED "<" MAIL ">(mail 550)[mail 550, 0]<QUIT\r\n>(quit 221)!no fault");
    check_play(GROUPS, 1, 1, ESMTP "451 no\r\n503 no\r\n503 no\r\n|221 bye\r\n",
               GREETED "<" MAIL "RCPT TO:<x@y>\r\nDATA\r\n>(mail 451)(rcpt 503 #0)(data 503)"
                       "[mail 451, 0]<QUIT\r\n>(quit 221)!no fault");
    /* A server that goes on all the same: what it then accepts has no sender. */
    check_play(
        CHUNKS, 1, 1,
        "220 hi\r\n|250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n|550 no\r\n250 ok\r\n|221 bye\r\n",
        GREETED "<MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\n>(mail 550)(rcpt 250 #0)[mail 550, 0]"
                "<QUIT\r\n>(quit 221)!no fault");
}

static void a_message_goes_as_a_chunk(void)
{
    check_play(
        CHUNKS, 1, 2,
        "220 hi\r\n|250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n|250 ok\r\n250 ok\r\n250 ok\r\n|"
        "452 4.3.1 full\r\n|221 bye\r\n",
        GREETED "<MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nRCPT TO:<z@y>\r\n>(mail 250)(rcpt 250 #0)"
                "(rcpt 250 #1)<BDAT 1000 LAST\r\n>{chunk}(end 452 4.3.1)[end 452, 0]<QUIT\r\n>"
                "(quit 221)!no fault");
}

static void several_messages_go(void)
{
    check_play(
        PLAIN, 2, 1,
        "220 hi\r\n|250 mx\r\n|250 a\r\n|250 b\r\n|354 c\r\n|250 d\r\n|250 a\r\n|250 b\r\n|354 "
        "c\r\n|"
        "550 5.7.1 d\r\n|221 bye\r\n",
        GREETED
        "<MAIL FROM:<a@b>\r\n>(mail 250)<RCPT TO:<x@y>\r\n>(rcpt 250 #0)<DATA\r\n>(data 354)"
        "{dot}(end 250)[end 250, 1]<MAIL FROM:<a@b>\r\n>(mail 250)<RCPT TO:<x@y>\r\n>"
        "(rcpt 250 #0)<DATA\r\n>(data 354){dot}(end 550 5.7.1)[end 550, 0]<QUIT\r\n>(quit 221)"
        "!no fault");
}

static void an_old_server_is_spoken_to(void)
{
    check_play(
        PLAIN, 0, 1, "220 hi\r\n|502 what\r\n|250 mx\r\n|221 bye\r\n",
        "(banner 220)<EHLO me\r\n>(ehlo 502)<HELO me\r\n>(helo 250)<QUIT\r\n>(quit 221)!no fault");
    check_play(PLAIN, 0, 1, "220 hi\r\n|502 what\r\n|502 what\r\n|221 bye\r\n",
               "(banner 220)<EHLO me\r\n>(ehlo 502)<HELO me\r\n>(helo 502)<QUIT\r\n>(quit 221)"
               "!neither EHLO nor HELO is accepted");
    check_play(PLAIN, 0, 1, "554 no\r\n|221 bye\r\n",
               "(banner 554)<QUIT\r\n>(quit 221)!the server's greeting refuses");
}

static void too_large_is_not_tried(void)
{
    check_play(PLAIN, 1, 1, "220 hi\r\n|250-mx\r\n250 SIZE 999\r\n|221 bye\r\n",
               GREETED "[mail 0, 0]<QUIT\r\n>(quit 221)!no fault");
    /* No limit that a number could have. */
    check_play(
        PLAIN, 1, 1,
        "220 hi\r\n|250-mx\r\n250 SIZE 99999999999999999999999\r\n|550 no\r\n|221 bye\r\n",
        GREETED
        "<MAIL FROM:<a@b> SIZE=1000\r\n>(mail 550)[mail 550, 0]<QUIT\r\n>(quit 221)!no fault");
}

/* RFC 5321 section 3.8 */
static void the_server_goes(void)
{
    check_play(PLAIN, 1, 1, "220 hi\r\n|250 mx\r\n|421 4.3.2 down\r\n",
               GREETED "<MAIL FROM:<a@b>\r\n>(mail 421 4.3.2)[mail 421, 0]"
                       "!the server closes the session with 421");
    check_play(PLAIN, 1, 1, "421 down\r\n", "(banner 421)!the server closes the session with 421");
    check_play(
        PLAIN, 1, 1, "220 hi\r\n|250 mx\r\n|250 a\r\n|250 b\r\n|354 c\r\n|421 d\r\n",
        GREETED
        "<MAIL FROM:<a@b>\r\n>(mail 250)<RCPT TO:<x@y>\r\n>(rcpt 250 #0)<DATA\r\n>(data 354){dot}"
        "(end 421)[end 421, 0]!the server closes the session with 421");
}

static void what_is_no_reply_ends_it(void)
{
    check_play(PLAIN, 1, 1, "hello\r\n", "!the server said what is no reply");
    check_play(
        PLAIN, 1, 1,
        "220-1\r\n220-2\r\n220-3\r\n220-4\r\n220-5\r\n220-6\r\n220-7\r\n220-8\r\n220-9\r\n220-a\r\n"
        "220-b\r\n220-c\r\n220-d\r\n220-e\r\n220-f\r\n220-g\r\n220-h\r\n220-i\r\n220-j\r\n220-k\r\n"
        "220 l\r\n",
        "!a reply has too many lines");
}

/* Lines that arrive together with the reply before them were sent without having heard the command.
 */
static void replies_that_come_early_end_it(void)
{
    static const struct {
        const char *server, *expected;
    } rows[] = {
        {"220 hi\r\n250 mx\r\n", "(banner 220)(unasked 250)<EHLO me\r\n>!" EARLY},
        {"220 hi\r\n250-mx\r\n250 STARTTLS\r\n", "(banner 220)(unasked 250)<EHLO me\r\n>!" EARLY},
        {"220 hi\r\n|250 mx\r\n250 a\r\n", GREETED "(unasked 250)<MAIL FROM:<a@b>\r\n>!" EARLY},
        {"220 hi\r\n|250 mx\r\n2|50 a\r\n", GREETED "<MAIL FROM:<a@b>\r\n>(unasked 250)!" EARLY},
        {"220 hi\r\n|250 mx\r\n|250 a\r\n|250 b\r\n|354 c\r\n250 d\r\n",
         GREETED "<MAIL FROM:<a@b>\r\n>(mail 250)<RCPT TO:<x@y>\r\n>(rcpt 250 #0)<DATA\r\n>"
                 "(data 354){dot}(unasked 250)!" EARLY},
        {"220 hi\r\n421 later\r\n",
         "(banner 220)(unasked 421)<EHLO me\r\n>!the server closes the session with 421"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static struct play p;

        begin(&p, PLAIN, 1, 1);
        play(&p, rows[i].server, 1000);
        CHECK_TEXT(writer_span(&p.log), rows[i].expected);
    }
}

/* With no room for a second command the rest of the group follows when there is some. */
static void groups_fit_the_room(void)
{
    static struct play p;

    begin(&p, GROUPS, 1, 3);
    p.scratch.cap = SMTP_CLIENT_ROOM + 20;
    play(&p, ESMTP, 1000);
    CHECK_TEXT(writer_span(&p.log),
               GREETED "<" MAIL ">"
                       "<RCPT TO:<x@y>\r\nRCPT TO:<z@y>\r\n><RCPT TO:<v@w>\r\nDATA\r\n>");
}

static void names_are_told(void)
{
    static struct play p;

    begin(&p, PLAIN, 0, 1);
    CHECK(smtp_client_awaits(&p.client) == SMTP_CLIENT_BANNER);
    CHECK(!smtp_client_begin(&p.client, &p.mail) && !smtp_client_quit(&p.client));
    play(&p, "220 hi\r\n|250-mx\r\n250-STARTTLS\r\n250-SIZE\r\n250-AUTH PLAIN\r\n250 XSIZE 5\r\n",
         7);
    CHECK(smtp_client_offers(&p.client, SMTP_KEYWORD_STARTTLS));
    CHECK(smtp_client_offers(&p.client, SMTP_KEYWORD_AUTH));
    CHECK(smtp_client_offers(&p.client, SMTP_KEYWORD_SIZE));
    CHECK(!smtp_client_offers(&p.client, SMTP_KEYWORD_CHUNKING));
    CHECK(smtp_client_awaits(&p.client) == SMTP_CLIENT_QUIT);
}

static void tls_begins_anew(void)
{
    check_play(&(struct smtp_client_options){.greeted = true}, 0, 1, "250 mx\r\n|221 bye\r\n",
               "<EHLO me\r\n>(ehlo 250)<QUIT\r\n>(quit 221)!no fault");
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_message_goes);
    CHECK_CASE(commands_go_in_groups);
    CHECK_CASE(tls_is_asked_for);
    CHECK_CASE(nobody_is_left);
    CHECK_CASE(a_sender_is_refused);
    CHECK_CASE(a_message_goes_as_a_chunk);
    CHECK_CASE(several_messages_go);
    CHECK_CASE(an_old_server_is_spoken_to);
    CHECK_CASE(too_large_is_not_tried);
    CHECK_CASE(the_server_goes);
    CHECK_CASE(what_is_no_reply_ends_it);
    CHECK_CASE(replies_that_come_early_end_it);
    CHECK_CASE(groups_fit_the_room);
    CHECK_CASE(names_are_told);
    CHECK_CASE(tls_begins_anew);
    return check_end();
}
