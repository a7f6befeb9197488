/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_session.h"
#include "proto/base/chance.h"

/*
 * Clients that are broken. Each says its lines, one for each answer, and then ends in its way. They
 * carry no message of the run, and what comes of them is counted apart.
 */
enum { LINES = 6, GARBAGE = 400 };
enum ending { END_FIN, END_RESET, END_VANISH };

struct play {
    const char *line[LINES];
    enum ending ending;
};

static const char rcpt[] = "RCPT", garbage[] = "garbage"; /* stand for what is made */

#define EHLO "EHLO broken.example.test\r\n"
#define MAIL "MAIL FROM:<>\r\n"
#define DATA "DATA\r\n"

static const struct play smtp[BLAST_MANNERS] = {
    [BLAST_MANNER_vanishes] = {{EHLO, "MAIL FROM:<a@"}, END_VANISH},
    [BLAST_MANNER_vanishes_in_data] = {{EHLO, MAIL, rcpt, DATA, "Subject: half\r\n\r\nThis is"},
                                       END_VANISH},
    [BLAST_MANNER_resets] = {{EHLO, MAIL, "RCPT TO:<a@"}, END_RESET},
    [BLAST_MANNER_half_command] = {{EHLO, "MAIL FRO"}, END_FIN},
    [BLAST_MANNER_garbage] = {{garbage}, END_FIN},
    [BLAST_MANNER_bare_lf] = {{EHLO, MAIL, rcpt, DATA, "Subject: LF\n\nbare\n.\nNOOP\n"}, END_FIN},
};

static const struct play pop3[BLAST_MANNERS] = {
    [BLAST_MANNER_vanishes] = {{"CAPA\r\n", "USER nobo"}, END_VANISH},
    [BLAST_MANNER_vanishes_in_data] = {{"USER nobody\r\n", "PASS no"}, END_VANISH},
    [BLAST_MANNER_resets] = {{"USER nobo"}, END_RESET},
    [BLAST_MANNER_half_command] = {{"CAP"}, END_FIN},
    [BLAST_MANNER_garbage] = {{garbage}, END_FIN},
    [BLAST_MANNER_bare_lf] = {{"CAPA\nQUIT\n"}, END_FIN},
};

static const struct play imap[BLAST_MANNERS] = {
    [BLAST_MANNER_vanishes] = {{"a CAPABILITY\r\n", "b LOGIN nobo"}, END_VANISH},
    [BLAST_MANNER_vanishes_in_data] = {{"a LOGIN {40}\r\n", "no"}, END_VANISH},
    [BLAST_MANNER_resets] = {{"a LOGIN nobo"}, END_RESET},
    [BLAST_MANNER_half_command] = {{"a CAPA"}, END_FIN},
    [BLAST_MANNER_garbage] = {{garbage}, END_FIN},
    [BLAST_MANNER_bare_lf] = {{"a CAPABILITY\nb LOGOUT\n"}, END_FIN},
};

static const struct play *play_of(const struct blast_client *c, const struct blast_session *s)
{
    static const struct play *const plays[] = {
        [BLAST_WORK_SMTP] = smtp, [BLAST_WORK_POP3] = pop3, [BLAST_WORK_IMAP] = imap};

    return &plays[c->order->work][s->manner];
}

enum blast_manner blast_manner_of(const struct blast_order *o, uint64_t number)
{
    struct chance chance = {o->seed ^ number * 0x632be59bd9b4e019};
    uint64_t percent = chance_next(&chance) % 100;

    if (percent < o->slow_senders)
        return BLAST_MANNER_slow_sender;
    percent -= o->slow_senders;
    if (percent < o->slow_readers)
        return BLAST_MANNER_slow_reader;
    percent -= o->slow_readers;
    if (percent >= o->broken)
        return BLAST_MANNER_well;
    return (enum blast_manner)(BLAST_MANNER_vanishes +
                               chance_next(&chance) % (BLAST_MANNERS - BLAST_MANNER_vanishes));
}

void blast_broken_begin(struct blast_client *c, struct blast_session *s)
{
    (void)c;
    s->broken = (struct blast_broken){0};
}

/* The connection is no more the session's. */
static void leave(struct blast_client *c, struct blast_session *s)
{
    c->tally->manners[s->manner].ended++;
    s->leaving = true;
}

static void put_garbage(struct blast_client *c, const struct blast_session *s)
{
    struct chance chance = {s->intended};

    for (int i = 0; i < GARBAGE; i++)
        writer_byte(&c->scratch, (uint8_t)chance_next(&chance));
    writer_text(&c->scratch, "\r\n");
}

static void say(struct blast_client *c, struct blast_session *s, const char *line)
{
    if (line == garbage) {
        put_garbage(c, s);
    } else if (line == rcpt) {
        writer_text(&c->scratch, "RCPT TO:<");
        writer_span_put(&c->scratch, c->order->users[0]);
        writer_text(&c->scratch, ">\r\n");
    } else {
        writer_text(&c->scratch, line);
    }
}

/* An answer is whole: the next line, and behind the last one the end. False: the session is gone.
 */
static bool go_on(struct blast_client *c, struct blast_session *s)
{
    const struct play *p = play_of(c, s);
    bool last = s->broken.said + 1 == LINES || !p->line[s->broken.said + 1];

    if (s->broken.ending)
        return true;
    say(c, s, p->line[s->broken.said++]);
    if (!blast_session_flush(c, s))
        return false;
    s->broken.ending = last;
    if (!last)
        return true;
    /* What was said arrives before the end: the tick looks after that. */
    if (p->ending == END_FIN)
        tcp_shutdown(c->tcp, s->conn);
    else
        blast_slow_begin(c, s);
    return true;
}

/* A line of an answer has ended. */
static bool end_line(struct blast_client *c, struct blast_session *s)
{
    struct blast_manner_tally *t = &c->tally->manners[s->manner];
    struct blast_broken line = s->broken;

    s->broken.column = s->broken.code = 0;
    s->broken.goes_on = false;
    if (line.goes_on || !line.code)
        return true;
    t->answers++;
    if (line.code >= 400 && line.code < BLAST_CODES)
        t->refused[line.code]++;
    return go_on(c, s);
}

static uint16_t imap_code(uint32_t column, uint16_t code, uint8_t byte)
{
    if (column == 0)
        return byte == '+' ? 200 : 0;
    if (column != 2 || code)
        return code;
    return byte == 'O' ? 200 : byte == 'N' || byte == 'B' ? 500 : 0;
}

/* Reply-line = 3DIGIT ( SP / "-" ) text; a POP3 answer counts as 200 or 500, a line of a list as
 * none. Of IMAP's the third octet tells: "a OK" and "+" count as 200, "a NO", "a BAD" and "* BYE"
 * as 500. */
static bool take(struct blast_client *c, struct blast_session *s, uint8_t byte)
{
    struct blast_broken *b = &s->broken;
    uint32_t column = b->column++;

    if (b->column == 0)
        b->column = 4;
    if (byte == '\n')
        return end_line(c, s);
    if (c->order->work == BLAST_WORK_POP3)
        b->code = column ? b->code : byte == '+' ? 200 : byte == '-' ? 500 : 0;
    else if (c->order->work == BLAST_WORK_IMAP)
        b->code = imap_code(column, b->code, byte);
    else if (column < 3)
        b->code = (uint16_t)(byte >= '0' && byte <= '9' ? b->code * 10 + byte - '0' : 0);
    else if (column == 3)
        b->goes_on = byte == '-';
    return true;
}

void blast_broken_run(struct blast_client *c, struct blast_session *s)
{
    struct tcp_conn *conn = s->conn;

    for (;;) {
        struct span in = s->secure ? blast_tls_peek(c, s) : tcp_peek(conn);

        if (in.len == 0)
            break;
        for (size_t i = 0; i < in.len; i++)
            if (!take(c, s, in.data[i]))
                return;
        blast_session_consume(c, s, in.len);
    }
    if (s->conn == conn && s->eof)
        leave(c, s);
}

void blast_broken_tick(struct blast_client *c, struct blast_session *s)
{
    if (tcp_sendq(s->conn)->bytes) {
        blast_slow_begin(c, s);
        return;
    }
    leave(c, s);
    if (play_of(c, s)->ending == END_VANISH)
        tcp_vanish(c->tcp, s->conn);
    else
        tcp_abort(c->tcp, s->conn);
    blast_session_let_go(c, s);
}

void blast_broken_gone(struct blast_client *c, struct blast_session *s, const uint64_t *count)
{
    struct blast_manner_tally *t = &c->tally->manners[s->manner];
    const struct blast_counts *counts = &c->tally->counts;

    if (count == &counts->sessions_reset)
        t->reset++;
    else if (count == &counts->sessions_closed)
        t->ended++;
    else
        t->failed++;
}
