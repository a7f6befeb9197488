/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_reading.h"
#include "dataplane/blast/blast_tls.h"

/*
 * A session that retrieves: greeting, maybe STLS, USER and PASS in turn, STAT, then each message,
 * and QUIT. One that verifies reads all of a mailbox and compares; one of the load reads, compares
 * if it is told to, and deletes if it is told to. One that holds still has logged in, where there
 * is a password.
 */

static bool say(struct blast_client *c, struct blast_session *s, enum pop3_verb verb,
                struct span argument)
{
    return pop3_client_say(&s->pop3, verb, argument, &c->scratch);
}

void blast_pop3_gone(struct blast_client *c, struct blast_session *s)
{
    if (s->verifies)
        atomic_fetch_add(&c->shared->ledger->unread, 1);
}

/* ---- the way through the session ---- */

enum { GROUP = 8 }; /* of RETR; with a DELE for each it is what the machine remembers */

/* What is said before the first message, one by one or together. */
static const enum pop3_verb opening[] = {POP3_VERB_USER, POP3_VERB_PASS, POP3_VERB_STAT,
                                         POP3_VERB_LIST, POP3_VERB_UIDL};

static uint32_t opening_count(const struct blast_client *c, const struct blast_session *s)
{
    return c->order->listing && !s->verifies ? 5 : 3;
}

static void say_opening(struct blast_client *c, struct blast_session *s, uint32_t at)
{
    struct span argument = span_of(NULL, 0);

    if (at == 0)
        argument = c->order->users[s->user];
    else if (at == 1)
        argument = c->order->password;
    say(c, s, opening[at], argument);
}

static void log_in(struct blast_client *c, struct blast_session *s)
{
    s->reading.grouped = c->groups;
    for (uint32_t i = 0; i < (c->groups ? opening_count(c, s) : 1); i++)
        say_opening(c, s, i);
}

static bool more_to_retrieve(const struct blast_client *c, const struct blast_session *s)
{
    const struct blast_reading *r = &s->reading;

    return r->begun < r->count && r->begun < r->limit && (s->verifies || blast_client_loads(c));
}

/* The next messages, or QUIT behind the last one. */
static void say_next(struct blast_client *c, struct blast_session *s)
{
    struct blast_reading *r = &s->reading;
    uint32_t most = r->grouped ? GROUP : 1;

    while (more_to_retrieve(c, s) && r->begun - r->ended < most &&
           (r->grouped || !pop3_client_unanswered(&s->pop3)) &&
           pop3_client_say_number(&s->pop3, POP3_VERB_RETR, r->begun + 1, &c->scratch))
        r->begun++;
    if (!more_to_retrieve(c, s) && !pop3_client_unanswered(&s->pop3))
        say(c, s, POP3_VERB_QUIT, span_of(NULL, 0));
}

/* One of the opening is over: the next of it, where it was not said before, or the messages. */
static void open_on(struct blast_client *c, struct blast_session *s, enum pop3_verb verb)
{
    uint32_t at = 0;

    while (opening[at] != verb)
        at++;
    if (at + 1 == opening_count(c, s))
        say_next(c, s);
    else if (!s->reading.grouped)
        say_opening(c, s, at + 1);
}

static bool holds(const struct blast_client *c, const struct blast_session *s)
{
    return c->order->hold_us && !s->verifies;
}

/* What the server can do is asked once, by the first sessions; and by those that hold still without
 * a login, so that they have said something. */
static void on_greeting(struct blast_client *c, struct blast_session *s)
{
    if (c->order->tls && !s->secure)
        say(c, s, POP3_VERB_STLS, span_of(NULL, 0));
    else if (holds(c, s) ? !c->order->password.len : c->order->pipelining && !c->capable)
        say(c, s, POP3_VERB_CAPA, span_of(NULL, 0));
    else
        log_in(c, s);
}

void blast_pop3_begin(struct blast_client *c, struct blast_session *s)
{
    bool again = s->secure && c->order->tls == BLAST_TLS_STARTTLS;

    pop3_client_init(&s->pop3, again);
    s->reading = (struct blast_reading){.limit = s->verifies ? UINT32_MAX : c->order->retrieve};
    if (again)
        on_greeting(c, s);
}

static void on_capable(struct blast_client *c, struct blast_session *s)
{
    c->capable = true;
    s->stands = holds(c, s);
    if (!s->stands)
        log_in(c, s);
}

/* drop-listing = "+OK" SP 1*DIGIT SP 1*DIGIT                           ; RFC 1939 section 5 */
static uint32_t read_count(struct span text)
{
    uint64_t n = 0;

    for (; text.len && (uint8_t)(text.data[0] - '0') < 10 && n < UINT32_MAX;
         text = span_skip(text, 1))
        n = n * 10 + (uint64_t)(text.data[0] - '0');
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void measure(struct blast_client *c, struct blast_session *s, enum pop3_verb verb)
{
    static const uint8_t latencies[POP3_VERB_COUNT] = {
        [POP3_VERB_UNKNOWN] = BLAST_LATENCY_banner, [POP3_VERB_PASS] = BLAST_LATENCY_login,
        [POP3_VERB_STAT] = BLAST_LATENCY_stat,      [POP3_VERB_DELE] = BLAST_LATENCY_dele,
        [POP3_VERB_QUIT] = BLAST_LATENCY_quit,      [POP3_VERB_STLS] = BLAST_LATENCY_starttls,
    };

    if (!s->verifies && (latencies[verb] || verb == POP3_VERB_UNKNOWN))
        blast_session_measure(c, s, (enum blast_latency)latencies[verb], s->since);
}

/* A refusal: QUIT is still said, where it is not QUIT that is refused. */
static void on_error(struct blast_client *c, struct blast_session *s,
                     const struct pop3_client_action *a)
{
    if (a->verb == POP3_VERB_CAPA) {
        on_capable(c, s);
        return;
    }
    c->tally->errors[a->verb]++;
    if (a->verb == POP3_VERB_RETR)
        s->reading.ended++;
    if (a->verb == POP3_VERB_RETR || a->verb == POP3_VERB_DELE)
        say_next(c, s);
    else if (a->verb == POP3_VERB_LIST || a->verb == POP3_VERB_UIDL)
        open_on(c, s, a->verb);
    else if (a->verb == POP3_VERB_STLS)
        blast_tls_fail(c, s, "STLS is refused");
    else
        blast_session_fail(c, s, &c->tally->counts.sessions_broken);
}

static void on_quit(struct blast_client *c, struct blast_session *s)
{
    if (s->verifies)
        atomic_fetch_add(&c->shared->ledger->mailboxes, 1);
    blast_session_leave(c, s);
}

static void on_answer(struct blast_client *c, struct blast_session *s,
                      const struct pop3_client_action *a)
{
    measure(c, s, a->verb);
    if (!a->ok) {
        on_error(c, s, a);
        return;
    }
    switch (a->verb) {
    case POP3_CLIENT_GREETING:
        on_greeting(c, s);
        break;
    case POP3_VERB_CAPA:
    case POP3_VERB_LIST:
    case POP3_VERB_UIDL:
        break;
    case POP3_VERB_STAT:
        s->reading.count = read_count(a->bytes);
        open_on(c, s, a->verb);
        break;
    case POP3_VERB_USER:
    case POP3_VERB_PASS:
        s->stands = a->verb == POP3_VERB_PASS && holds(c, s);
        if (!s->stands)
            open_on(c, s, a->verb);
        break;
    case POP3_VERB_STLS:
        blast_tls_begin(c, s);
        break;
    case POP3_VERB_RETR:
        blast_reading_begin(&s->reading);
        break;
    case POP3_VERB_DELE:
        c->tally->counts.messages_deleted++;
        say_next(c, s);
        break;
    default:
        on_quit(c, s);
        break;
    }
}

static void on_end(struct blast_client *c, struct blast_session *s,
                   const struct pop3_client_action *a)
{
    if (a->verb == POP3_VERB_CAPA) {
        on_capable(c, s);
        return;
    }
    if (a->verb == POP3_VERB_LIST || a->verb == POP3_VERB_UIDL) {
        blast_session_measure(
            c, s, a->verb == POP3_VERB_LIST ? BLAST_LATENCY_list : BLAST_LATENCY_uidl, s->since);
        open_on(c, s, a->verb);
        return;
    }
    if (!s->verifies)
        blast_session_measure(c, s, BLAST_LATENCY_retr, s->since);
    blast_reading_end(c, s);
    s->reading.ended++;
    if (!s->verifies && c->order->delete)
        pop3_client_say_number(&s->pop3, POP3_VERB_DELE, s->reading.ended, &c->scratch);
    say_next(c, s);
}

/* False: the session is over, or has nothing more to do now. */
static bool act(struct blast_client *c, struct blast_session *s, const struct pop3_client_action *a)
{
    struct tcp_conn *conn = s->conn;
    uint8_t *line;

    switch (a->kind) {
    case POP3_CLIENT_ACTION_MORE:
        return false;
    case POP3_CLIENT_ACTION_BUFFER:
        line = blast_session_line(c, s);
        if (line)
            pop3_client_attach(&s->pop3, line);
        return line;
    case POP3_CLIENT_ACTION_ANSWER:
        on_answer(c, s, a);
        return s->conn == conn && !s->leaving && !s->stands && !s->shakes;
    case POP3_CLIENT_ACTION_MESSAGE:
        blast_reading_feed(c, s, a->bytes);
        return true;
    case POP3_CLIENT_ACTION_END:
        on_end(c, s, a);
        return !s->stands;
    case POP3_CLIENT_ACTION_ENTRY:
        if (a->verb == POP3_VERB_CAPA && span_equal_nocase(a->bytes, span_text("PIPELINING")))
            c->groups = c->order->pipelining;
        return true;
    case POP3_CLIENT_ACTION_BROKEN:
        c->tally->pop3_faults[a->fault]++;
        blast_session_fail(c, s, &c->tally->counts.sessions_broken);
        return false;
    }
    return false;
}

static bool step(struct blast_client *c, struct blast_session *s, struct span *in)
{
    struct pop3_client_action a;

    pop3_client_next(&s->pop3, in, &a);
    return act(c, s, &a);
}

void blast_pop3_run(struct blast_client *c, struct blast_session *s)
{
    blast_session_read(c, s, step);
}
