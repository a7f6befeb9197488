/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_client.h"

enum phase {
    PHASE_HELLO,    /* banner, EHLO or HELO is awaited */
    PHASE_READY,    /* between transactions */
    PHASE_ENVELOPE, /* MAIL, RCPT, DATA are said and answered */
    PHASE_BODY,     /* the caller sends the message */
    PHASE_END,      /* the reply to the message is awaited */
    PHASE_RESET,    /* RSET is due or awaited */
    PHASE_SECURE,   /* STARTTLS is said; once it is granted, the caller's handshake */
    PHASE_QUIT,
    PHASE_CLOSED,
};

static const struct {
    const char *text;
    size_t len;
} keywords[] = {
#define SMTP_KEYWORD(name, text) {text, sizeof(text) - 1},
#include "proto/smtp/smtp_keyword.def"
#undef SMTP_KEYWORD
};

const char *smtp_client_fault_text(enum smtp_client_fault fault)
{
    static const char *const texts[] = {
#define SMTP_CLIENT_FAULT(name, text) text,
#include "proto/smtp/smtp_client_fault.def"
#undef SMTP_CLIENT_FAULT
    };

    return texts[fault];
}

const char *smtp_client_step_name(enum smtp_client_step step)
{
    static const char *const names[SMTP_CLIENT_STEPS] = {
        "banner", "ehlo", "helo", "starttls", "mail", "rcpt", "data", "end", "rset", "quit"};

    return names[step];
}

/* ---- what was said and not answered ---- */

static void ask(struct smtp_client *c, enum smtp_client_step step)
{
    struct smtp_client_run *last = &c->asked[c->asked_count ? c->asked_count - 1 : 0];

    /* What is in hand while nothing is awaited can be no answer to what is said only now. */
    c->early = c->early || (c->ahead && !c->asked_count);
    if (c->asked_count && last->step == step) {
        last->count++;
        return;
    }
    c->asked[c->asked_count++] = (struct smtp_client_run){.step = (uint8_t)step, .count = 1};
}

enum smtp_client_step smtp_client_awaits(const struct smtp_client *c)
{
    return c->asked_count ? (enum smtp_client_step)c->asked[0].step : SMTP_CLIENT_STEPS;
}

static enum smtp_client_step answered(struct smtp_client *c)
{
    enum smtp_client_step step = smtp_client_awaits(c);

    if (c->asked_count && --c->asked[0].count == 0) {
        memmove(c->asked, c->asked + 1, sizeof(c->asked) - sizeof(c->asked[0]));
        c->asked_count--;
    }
    return step;
}

/* ---- life ---- */

void smtp_client_init(struct smtp_client *c, const struct smtp_client_options *options)
{
    *c = (struct smtp_client){.options = options, .esmtp = true};
    smtp_reply_reader_init(&c->reader);
    if (!options->greeted)
        ask(c, SMTP_CLIENT_BANNER);
}

static void give_up(struct smtp_client *c, enum smtp_client_fault fault)
{
    c->fault = (uint8_t)fault;
    c->phase = PHASE_CLOSED;
}

/* Takes leave, and closes whatever the answer is. */
static void part(struct smtp_client *c, enum smtp_client_fault fault)
{
    c->fault = (uint8_t)fault;
    c->phase = PHASE_QUIT;
    c->told = false;
}

static void be_ready(struct smtp_client *c)
{
    c->phase = PHASE_READY;
    c->told = false;
}

bool smtp_client_begin(struct smtp_client *c, const struct smtp_client_mail *mail)
{
    if (c->phase != PHASE_READY)
        return false;
    c->mail = mail;
    c->said = c->heard = c->good = 0;
    c->mail_said = c->data_said = c->mail_good = c->done = false;
    c->decided = SMTP_CLIENT_STEPS;
    c->code = 0;
    memset(c->enhanced, 0, sizeof(c->enhanced));
    c->phase = PHASE_ENVELOPE;
    /* RFC 1870 section 6.1: what exceeds the server's limit is not worth a MAIL. */
    if (c->size_max && mail->size > c->size_max) {
        c->decided = SMTP_CLIENT_MAIL;
        c->done = true;
        be_ready(c);
    }
    return true;
}

bool smtp_client_quit(struct smtp_client *c)
{
    if (c->phase != PHASE_READY)
        return false;
    part(c, SMTP_CLIENT_FAULT_none);
    return true;
}

bool smtp_client_starttls(struct smtp_client *c)
{
    if (c->phase != PHASE_READY)
        return false;
    c->phase = PHASE_SECURE;
    c->told = false;
    return true;
}

void smtp_client_sent(struct smtp_client *c)
{
    if (c->phase != PHASE_BODY)
        return;
    c->phase = PHASE_END;
    ask(c, SMTP_CLIENT_END);
}

/* ---- commands ---- */

/*
 * ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
 * mail = "MAIL FROM:" Reverse-path [ SP Mail-parameters ] CRLF
 * rcpt = "RCPT TO:" Forward-path CRLF                                ; RFC 5321 section 4.1.1
 */
static void say_hello(struct smtp_client *c, struct writer *w)
{
    writer_text(w, c->esmtp ? "EHLO " : "HELO ");
    writer_span_put(w, c->options->hostname);
    writer_text(w, "\r\n");
    ask(c, c->esmtp ? SMTP_CLIENT_EHLO : SMTP_CLIENT_HELO);
    c->told = true;
}

static void say_path(struct writer *w, const char *command, struct span path)
{
    writer_text(w, command);
    writer_byte(w, '<');
    writer_span_put(w, path);
    writer_byte(w, '>');
}

static void say_mail(struct smtp_client *c, struct writer *w)
{
    say_path(w, "MAIL FROM:", c->mail->sender);
    if (c->mail->size && smtp_client_offers(c, SMTP_KEYWORD_SIZE)) {
        writer_text(w, " SIZE=");
        writer_number(w, c->mail->size);
    }
    if (c->mail->eight_bit && smtp_client_offers(c, SMTP_KEYWORD_EIGHTBITMIME))
        writer_text(w, " BODY=8BITMIME");
    writer_text(w, "\r\n");
    c->mail_said = true;
    ask(c, SMTP_CLIENT_MAIL);
}

static void say_rcpt(struct smtp_client *c, struct writer *w)
{
    say_path(w, "RCPT TO:", c->mail->recipients[c->said++]);
    writer_text(w, "\r\n");
    ask(c, SMTP_CLIENT_RCPT);
}

static void say(struct smtp_client *c, struct writer *w, const char *command,
                enum smtp_client_step step)
{
    writer_text(w, command);
    ask(c, step);
}

static bool pipelines(const struct smtp_client *c)
{
    return c->options->pipelining && smtp_client_offers(c, SMTP_KEYWORD_PIPELINING);
}

static bool chunks(const struct smtp_client *c)
{
    return c->options->chunking && smtp_client_offers(c, SMTP_KEYWORD_CHUNKING);
}

/*
 * All recipients are answered, and one at least is good: the message by BDAT. What belongs to it
 * waits for the replies, so that no message goes to a server that has refused them all.
 */
static void say_chunk(struct smtp_client *c, struct writer *w)
{
    writer_text(w, "BDAT ");
    writer_number(w, c->mail->size);
    writer_text(w, " LAST\r\n");
    c->data_said = true;
    c->phase = PHASE_BODY;
    c->told = false;
}

/* One more command of the envelope, if it may be said now. */
static bool say_envelope(struct smtp_client *c, struct writer *w)
{
    if (!c->mail_said) {
        say_mail(c, w);
        return true;
    }
    if (c->said < c->mail->recipient_count && (pipelines(c) || !c->asked_count)) {
        say_rcpt(c, w);
        return true;
    }
    if (c->said < c->mail->recipient_count || c->data_said)
        return false;
    if (chunks(c)) {
        if (c->asked_count == 0)
            say_chunk(c, w);
        return false;
    }
    if (!pipelines(c) && c->asked_count)
        return false;
    say(c, w, "DATA\r\n", SMTP_CLIENT_DATA);
    c->data_said = true;
    return true;
}

/* Says all that may be said now. False: `w` has no room for more. */
static bool speak(struct smtp_client *c, struct writer *w)
{
    bool more = true;

    while (more) {
        if (writer_room(w) < SMTP_CLIENT_ROOM)
            return false;
        more = false;
        if (c->phase == PHASE_HELLO && !c->asked_count && !c->told)
            say_hello(c, w);
        else if (c->phase == PHASE_ENVELOPE)
            more = say_envelope(c, w);
        else if (c->phase == PHASE_RESET && !c->asked_count)
            say(c, w, "RSET\r\n", SMTP_CLIENT_RSET);
        else if (c->phase == PHASE_SECURE && !c->told) {
            say(c, w, "STARTTLS\r\n", SMTP_CLIENT_STARTTLS);
            c->told = true;
        } else if (c->phase == PHASE_QUIT && !c->asked_count && !c->told) {
            say(c, w, "QUIT\r\n", SMTP_CLIENT_QUIT);
            c->told = true;
        }
    }
    return true;
}

/* ---- replies ---- */

/* ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"); size-value = 1*20DIGIT */
static void read_offer(struct smtp_client *c, struct span line)
{
    ptrdiff_t blank = span_find(line, ' ');
    struct span name = span_head(line, blank < 0 ? line.len : (size_t)blank);

    for (int i = 0; i < SMTP_KEYWORDS; i++)
        if (span_equal_nocase(name, span_of(keywords[i].text, keywords[i].len)))
            c->offers |= 1u << i;
    if (!span_equal_nocase(name, span_text("SIZE")))
        return;
    c->size_max = 0;
    for (struct span n = span_skip(line, 5); n.len && (uint8_t)(n.data[0] - '0') < 10;
         n = span_skip(n, 1)) {
        if (c->size_max > UINT64_MAX / 10 - 1) {
            c->size_max = 0; /* no limit that a message could reach */
            return;
        }
        c->size_max = c->size_max * 10 + (uint64_t)(n.data[0] - '0');
    }
}

static bool is_good(uint16_t code)
{
    return code / 100 == 2;
}

/* The first refusal, or the acceptance, is what decided the transaction. */
static void decide(struct smtp_client *c, const struct smtp_client_action *a)
{
    c->decided = (uint8_t)a->step;
    c->code = a->code;
    memcpy(c->enhanced, a->enhanced, sizeof(c->enhanced));
}

/* The transaction is over. One that the server still has open is taken back first. */
static void end_mail(struct smtp_client *c, bool open)
{
    c->done = true;
    c->told = false;
    c->phase = open ? PHASE_RESET : PHASE_READY;
}

static void on_hello(struct smtp_client *c, const struct smtp_client_action *a)
{
    if (a->step == SMTP_CLIENT_BANNER) {
        if (!is_good(a->code))
            part(c, SMTP_CLIENT_FAULT_greeting);
        return;
    }
    if (is_good(a->code)) {
        be_ready(c);
    } else if (a->step == SMTP_CLIENT_EHLO && a->code / 100 == 5) {
        /* RFC 5321 section 4.1.1.1: an old server */
        c->esmtp = false;
        c->told = false;
        c->offers = 0;
    } else {
        part(c, SMTP_CLIENT_FAULT_hello);
    }
}

static void on_mail(struct smtp_client *c, const struct smtp_client_action *a)
{
    c->mail_good = is_good(a->code);
    if (c->mail_good)
        return;
    decide(c, a);
    if (!c->asked_count && !c->data_said)
        end_mail(c, false);
}

static void on_rcpt(struct smtp_client *c, const struct smtp_client_action *a)
{
    c->heard++;
    if (is_good(a->code) && c->mail_good)
        c->good++;
    else if (c->decided == SMTP_CLIENT_STEPS)
        decide(c, a);
    /* With DATA said already its reply comes next, and ends what has no recipient. */
    if (c->heard == c->mail->recipient_count && !c->good && !c->data_said)
        end_mail(c, c->mail_good);
}

static void on_data(struct smtp_client *c, const struct smtp_client_action *a, struct writer *w)
{
    if (a->code / 100 != 3) {
        if (c->decided == SMTP_CLIENT_STEPS || c->good)
            decide(c, a);
        end_mail(c, c->mail_good);
        return;
    }
    if (c->good) {
        c->phase = PHASE_BODY;
        c->told = false;
        return;
    }
    /* RFC 2920 section 3.1: 354 although no recipient is valid: an empty message ends it */
    writer_text(w, ".\r\n");
    c->phase = PHASE_END;
    ask(c, SMTP_CLIENT_END);
}

static void on_end(struct smtp_client *c, const struct smtp_client_action *a)
{
    if (c->good)
        decide(c, a);
    if (!is_good(a->code))
        c->good = 0;
    end_mail(c, false);
}

/* What a whole reply leads to. */
static void take_reply(struct smtp_client *c, const struct smtp_client_action *a, struct writer *w)
{
    switch (a->step) {
    case SMTP_CLIENT_BANNER:
    case SMTP_CLIENT_EHLO:
    case SMTP_CLIENT_HELO:
        on_hello(c, a);
        break;
    case SMTP_CLIENT_STARTTLS:
        if (!is_good(a->code))
            be_ready(c);
        break;
    case SMTP_CLIENT_MAIL:
        on_mail(c, a);
        break;
    case SMTP_CLIENT_RCPT:
        on_rcpt(c, a);
        break;
    case SMTP_CLIENT_DATA:
        on_data(c, a, w);
        break;
    case SMTP_CLIENT_END:
        on_end(c, a);
        break;
    case SMTP_CLIENT_RSET:
        if (is_good(a->code))
            be_ready(c);
        else
            part(c, SMTP_CLIENT_FAULT_reset);
        break;
    case SMTP_CLIENT_QUIT:
        c->phase = PHASE_CLOSED;
        break;
    case SMTP_CLIENT_STEPS:
        break;
    }
}

/* RFC 5321 section 3.8: 421 to anything, asked or not, means that the server goes. */
static void on_leaving(struct smtp_client *c, const struct smtp_client_action *a)
{
    bool open = c->phase == PHASE_ENVELOPE || c->phase == PHASE_BODY || c->phase == PHASE_END;

    if (open) {
        decide(c, a);
        c->good = 0;
        c->done = true;
    }
    give_up(c, SMTP_CLIENT_FAULT_leaving);
}

static enum smtp_client_kind on_line(struct smtp_client *c, const struct smtp_reply_line *l,
                                     struct writer *w, struct smtp_client_action *a)
{
    enum smtp_client_step awaited = smtp_client_awaits(c);
    bool early = c->early;

    if (l->stray || ++c->lines > c->options->lines_max) {
        give_up(c, l->stray ? SMTP_CLIENT_FAULT_stray : SMTP_CLIENT_FAULT_lines);
        return SMTP_CLIENT_ACTION_MORE;
    }
    if (!c->first[0])
        memcpy(c->first, l->enhanced, sizeof(c->first));
    if (awaited == SMTP_CLIENT_EHLO && !early && is_good(l->code) && l->number)
        read_offer(c, l->text);
    if (!l->last)
        return SMTP_CLIENT_ACTION_MORE;
    a->step = early ? SMTP_CLIENT_STEPS : answered(c);
    a->code = l->code;
    a->text = l->text;
    a->index = a->step == SMTP_CLIENT_RCPT ? c->heard : 0;
    memcpy(a->enhanced, c->first, sizeof(a->enhanced));
    memset(c->first, 0, sizeof(c->first));
    c->lines = 0;
    c->early = false;
    if (l->code == 421)
        on_leaving(c, a);
    else if (early)
        give_up(c, SMTP_CLIENT_FAULT_early);
    else if (a->step == SMTP_CLIENT_STEPS)
        give_up(c, SMTP_CLIENT_FAULT_unasked);
    else
        take_reply(c, a, w);
    return SMTP_CLIENT_ACTION_REPLY;
}

/* ---- the next action ---- */

/* What is to be told without input. MORE: nothing. */
static enum smtp_client_kind tell(struct smtp_client *c, struct smtp_client_action *a)
{
    if (c->done) {
        c->done = false;
        a->step = (enum smtp_client_step)c->decided;
        a->code = c->code;
        memcpy(a->enhanced, c->enhanced, sizeof(a->enhanced));
        a->accepted = a->step == SMTP_CLIENT_END ? c->good : 0;
        return SMTP_CLIENT_ACTION_DONE;
    }
    if (c->phase == PHASE_CLOSED) {
        a->fault = (enum smtp_client_fault)c->fault;
        return SMTP_CLIENT_ACTION_CLOSE;
    }
    if ((c->phase == PHASE_READY || c->phase == PHASE_BODY) && !c->told) {
        c->told = true;
        a->chunk = c->phase == PHASE_BODY && chunks(c);
        return c->phase == PHASE_READY ? SMTP_CLIENT_ACTION_READY : SMTP_CLIENT_ACTION_BODY;
    }
    return SMTP_CLIENT_ACTION_MORE;
}

static enum smtp_client_kind next(struct smtp_client *c, struct span *in, struct writer *w,
                                  struct smtp_client_action *a)
{
    struct smtp_reply_line line;
    enum smtp_client_kind kind;

    for (;;) {
        c->ahead = in->len > 0 || !smtp_reply_reader_idle(&c->reader);
        /* A result stands before what is said next: the envelope may go with it. */
        kind = c->done ? tell(c, a) : SMTP_CLIENT_ACTION_MORE;
        if (kind != SMTP_CLIENT_ACTION_MORE)
            return kind;
        if (!speak(c, w))
            return SMTP_CLIENT_ACTION_ROOM;
        kind = tell(c, a);
        if (kind != SMTP_CLIENT_ACTION_MORE)
            return kind;
        switch (smtp_reply_reader_next(&c->reader, in, &line)) {
        case SMTP_REPLY_READ_BUFFER:
            return SMTP_CLIENT_ACTION_BUFFER;
        case SMTP_REPLY_READ_MORE:
            return SMTP_CLIENT_ACTION_MORE;
        case SMTP_REPLY_READ_LINE:
            c->ahead = in->len > 0;
            if (on_line(c, &line, w, a) == SMTP_CLIENT_ACTION_REPLY)
                return SMTP_CLIENT_ACTION_REPLY;
            break;
        }
    }
}

enum smtp_client_kind smtp_client_next(struct smtp_client *c, struct span *in,
                                       struct writer *scratch,
                                       struct smtp_client_action *action_out)
{
    *action_out = (struct smtp_client_action){0};
    action_out->kind = next(c, in, scratch, action_out);
    return action_out->kind;
}
