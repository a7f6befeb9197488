/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_imap.h"

#include <stdlib.h>

#include "dataplane/blast/blast_reading.h"
#include "dataplane/blast/blast_tls.h"

/*
 * A session that reads mail: greeting, maybe STARTTLS, LOGIN, SELECT, commands of the mix one after
 * the other, LOGOUT. One that verifies fetches all of its mailbox; one that watches, or holds
 * still, idles in it.
 */
enum blast_imap_part { PART_NONE, PART_WHOLE, PART_HEADER };
enum { WORDS = 2048 }; /* octets of a status response that are looked at */

bool blast_imap_init(struct blast_client *c)
{
    const struct blast_order *o = c->order;

    if (o->work != BLAST_WORK_IMAP)
        return true;
    c->boxes = calloc(o->user_count / o->workers + 1, sizeof(*c->boxes));
    return c->boxes;
}

void blast_imap_fini(struct blast_client *c)
{
    free(c->boxes);
}

static bool holds(const struct blast_client *c, const struct blast_session *s)
{
    return c->order->hold_us && !s->verifies;
}

/* ---- what comes next ---- */

static bool watches_on(const struct blast_client *c, const struct blast_session *s)
{
    return s->watches && blast_client_loads(c) && !c->dismissed;
}

/* The mailbox is selected, and nothing is under way. */
static void say_next(struct blast_client *c, struct blast_session *s)
{
    struct blast_imap *i = &s->imap;

    if (s->verifies && i->step == BLAST_IMAP_select && i->count) {
        blast_imap_say_all(c, s);
    } else if (holds(c, s) || watches_on(c, s)) {
        blast_imap_say(c, s, BLAST_IMAP_idle);
    } else if (i->left && !s->verifies && !s->watches && blast_client_loads(c)) {
        i->left--;
        blast_imap_act(c, s);
    } else {
        blast_imap_say(c, s, BLAST_IMAP_logout);
    }
}

/* Those that hold still without a login have asked what the server can do, so that they have said
 * something. */
static void log_in(struct blast_client *c, struct blast_session *s)
{
    if (c->order->tls && !s->secure)
        blast_imap_say(c, s, BLAST_IMAP_starttls);
    else if (holds(c, s) && !c->order->password.len)
        blast_imap_say(c, s, BLAST_IMAP_capability);
    else
        blast_imap_say(c, s, BLAST_IMAP_login);
}

void blast_imap_begin(struct blast_client *c, struct blast_session *s)
{
    const struct blast_order *o = c->order;
    bool again = s->secure && o->tls == BLAST_TLS_STARTTLS;

    s->imap = (struct blast_imap){
        .chance = {o->seed ^ (s->user + UINT64_C(1)) * 0x632be59bd9b4e019 ^ c->arrivals << 32},
        .left = o->commands,
        .step = BLAST_IMAP_greeting};
    s->reading = (struct blast_reading){0};
    imap_response_init(&s->imap.response, WORDS);
    if (again)
        log_in(c, s);
}

/* ---- those that watch ---- */

/* The holder goes on when all have heard of its message. */
static void let_holder_go_on(struct blast_client *c, struct blast_box *box)
{
    struct blast_session *holder = box->holder;

    if (!box->waits || box->heard < box->watchers)
        return;
    box->waits = false;
    box->holder = NULL;
    blast_session_touch(c, holder);
    say_next(c, holder);
    blast_session_flush(c, holder);
}

static void hear(struct blast_client *c, struct blast_session *s)
{
    struct blast_box *box = blast_imap_box(c, s);

    if (!box->holder || !box->at)
        return;
    box->heard++;
    if (!box->mixed) {
        log_histogram_add(&c->tally->latency[BLAST_LATENCY_wake], blast_client_since(c, box->at));
        log_histogram_add(&c->tally->latency[BLAST_LATENCY_notice],
                          box->answered ? blast_client_since(c, box->answered) : 0);
    }
    let_holder_go_on(c, box);
}

static void end_idle(struct blast_client *c, struct blast_session *s)
{
    struct blast_box *box = blast_imap_box(c, s);

    if (!s->imap.idles)
        return;
    s->imap.idles = false;
    box->watchers--;
    let_holder_go_on(c, box);
}

void blast_imap_release(struct blast_client *c, struct blast_session *s)
{
    struct blast_box *box = blast_imap_box(c, s);

    if (box->holder == s) {
        box->holder = NULL;
        box->waits = false;
    }
    end_idle(c, s);
    c->watching -= s->watches;
}

static void say_done(struct blast_client *c, struct blast_session *s)
{
    s->imap.step = BLAST_IMAP_done;
    writer_text(&c->scratch, "DONE\r\n");
}

uint32_t blast_imap_dismiss(struct blast_client *c)
{
    uint32_t n = 0;

    c->dismissed = true;
    for (uint32_t i = 0; i < c->places; i++) {
        struct blast_session *s = &c->table[i];

        if (!s->conn || !s->watches || !s->imap.idles)
            continue;
        end_idle(c, s);
        say_done(c, s);
        blast_session_flush(c, s);
        n++;
    }
    return n;
}

/* ---- answers ---- */

static void measure(struct blast_client *c, struct blast_session *s, enum blast_imap_step step)
{
    static const uint8_t latencies[BLAST_IMAP_STEPS] = {
#define BLAST_IMAP_STEP(name, latency) [BLAST_IMAP_##name] = BLAST_LATENCY_##latency,
#define BLAST_IMAP_ACTION(name, latency, weight, text)                                             \
    [BLAST_IMAP_##name] = BLAST_LATENCY_##latency,
#include "dataplane/handoff/blast_imap_step.def"
#undef BLAST_IMAP_STEP
#undef BLAST_IMAP_ACTION
    };

    blast_session_measure(c, s, (enum blast_latency)latencies[step], s->since);
}

static void end_append(struct blast_client *c, struct blast_session *s)
{
    struct blast_box *box = blast_imap_box(c, s);
    const struct blast_text *text = blast_text_of(c->order, s->number);
    struct blast_step_tally *step = blast_session_step(c, s);
    bool good = s->imap.good;

    s->sent = false;
    (*(good ? &c->tally->counts.messages_accepted : &c->tally->counts.messages_refused))++;
    c->tally->counts.bytes_accepted += good ? text->raw.len : 0;
    if (step)
        (*(good ? &step->messages : &step->refused))++;
    if (c->shared->ledger && good)
        blast_ledger_accepted(c->shared->ledger, s->number, 1);
    else if (c->shared->ledger)
        blast_ledger_refused(c->shared->ledger, s->number);
    if (box->holder != s)
        return;
    box->answered = c->now;
    box->waits = good && box->heard < box->watchers;
    if (!box->waits)
        box->holder = NULL;
}

/* A command of the mix is answered, or one that reads a mailbox back. */
static void end_action(struct blast_client *c, struct blast_session *s, enum blast_imap_step step)
{
    struct blast_imap *i = &s->imap;
    bool fetches =
        step == BLAST_IMAP_envelope || step == BLAST_IMAP_headers || step == BLAST_IMAP_read;

    if (step == BLAST_IMAP_append)
        end_append(c, s);
    if (i->good && !s->verifies && !s->watches)
        c->tally->counts.commands++;
    if (fetches && i->good && i->came != i->wanted)
        c->tally->counts.answers_wrong++;
    if (!blast_imap_box(c, s)->waits || blast_imap_box(c, s)->holder != s)
        say_next(c, s);
}

static void on_refused(struct blast_client *c, struct blast_session *s, enum blast_imap_step step)
{
    c->tally->imap_errors[step]++;
    if (step == BLAST_IMAP_starttls)
        blast_tls_fail(c, s, "STARTTLS is refused");
    else if (step < BLAST_IMAP_ACTIONS && !s->verifies)
        end_action(c, s, step);
    else
        blast_session_fail(c, s, &c->tally->counts.sessions_broken);
}

static void on_answer(struct blast_client *c, struct blast_session *s)
{
    enum blast_imap_step step = (enum blast_imap_step)s->imap.step;

    if (step != BLAST_IMAP_idle)
        measure(c, s, step);
    if (!s->imap.good) {
        on_refused(c, s, step);
        return;
    }
    switch (step) {
    case BLAST_IMAP_starttls:
        blast_tls_begin(c, s);
        break;
    case BLAST_IMAP_capability:
        c->capable = true;
        s->stands = holds(c, s) && !c->order->password.len;
        if (!s->stands)
            blast_imap_say(c, s, BLAST_IMAP_select);
        break;
    case BLAST_IMAP_login:
        blast_imap_say(c, s, c->capable ? BLAST_IMAP_select : BLAST_IMAP_capability);
        break;
    case BLAST_IMAP_logout:
        if (s->verifies)
            atomic_fetch_add(&c->shared->ledger->mailboxes, 1);
        blast_session_leave(c, s);
        break;
    case BLAST_IMAP_select:
        say_next(c, s);
        break;
    case BLAST_IMAP_idle: /* ended without DONE */
        blast_session_fail(c, s, &c->tally->counts.sessions_broken);
        break;
    default:
        end_action(c, s, step);
        break;
    }
}

static void on_go_on(struct blast_client *c, struct blast_session *s)
{
    struct blast_imap *i = &s->imap;

    if (i->step == BLAST_IMAP_append && !c->literal_plus && !s->sent) {
        blast_imap_message(c, s);
        return;
    }
    if (i->step != BLAST_IMAP_idle)
        return;
    measure(c, s, BLAST_IMAP_idle);
    s->stands = holds(c, s);
    if (watches_on(c, s)) {
        i->idles = true;
        blast_imap_box(c, s)->watchers++;
    } else if (!s->stands) {
        say_done(c, s);
    }
}

static void end_data(struct blast_client *c, struct blast_session *s)
{
    struct blast_imap *i = &s->imap;

    if (i->line != BLAST_IMAP_EXISTS)
        return;
    if (i->idles && i->exists > i->count)
        hear(c, s);
    i->count = i->exists < UINT32_MAX ? (uint32_t)i->exists : UINT32_MAX;
}

/* ---- responses ---- */

static bool is_tag(const struct blast_imap *i, struct span tag)
{
    uint8_t text[24];
    struct writer w = writer_of(text, sizeof(text));

    writer_byte(&w, 'a');
    writer_number(&w, i->tag);
    return span_equal(tag, writer_span(&w));
}

/* capability-data = "CAPABILITY" *(SP capability) */
static void read_capabilities(struct blast_client *c, struct span words)
{
    while (words.len) {
        ptrdiff_t blank = span_find(words, ' ');
        size_t len = blank < 0 ? words.len : (size_t)blank;

        c->literal_plus |= span_equal_nocase(span_head(words, len), span_text("LITERAL+"));
        words = span_skip(words, len + 1);
    }
}

static void on_status(struct blast_client *c, struct blast_session *s,
                      const struct imap_response_event *e)
{
    struct blast_imap *i = &s->imap;
    bool greets = i->step == BLAST_IMAP_greeting && !i->tag;
    bool tagged = !span_equal(e->tag, span_text("*"));

    if (span_equal_nocase(e->code, span_text("CAPABILITY")))
        read_capabilities(c, e->arguments);
    i->good = e->condition == IMAP_RESPONSE_OK;
    if (greets ? tagged || !i->good : tagged && !is_tag(i, e->tag)) {
        c->tally->imap_errors[i->step]++;
        blast_session_fail(c, s, &c->tally->counts.sessions_broken);
    } else if (greets) {
        measure(c, s, BLAST_IMAP_greeting);
        log_in(c, s);
    } else if (tagged) {
        on_answer(c, s);
    }
}

/* Of envelopes, results and lists no more is looked at than that they came. */
static void on_data(struct blast_session *s, const struct imap_response_event *e)
{
    struct blast_imap *i = &s->imap;

    i->part = PART_NONE;
    i->line = BLAST_IMAP_OTHER;
    if (e->numbered && span_equal_nocase(e->name, span_text("EXISTS"))) {
        i->line = BLAST_IMAP_EXISTS;
        i->exists = e->number;
    } else if (e->numbered && span_equal_nocase(e->name, span_text("FETCH"))) {
        i->line = BLAST_IMAP_FETCH;
        i->came++;
    } else if (span_equal_nocase(e->name, span_text("CAPABILITY"))) {
        i->line = BLAST_IMAP_CAPABLE;
    }
    if (i->line != BLAST_IMAP_CAPABLE && i->step != BLAST_IMAP_read &&
        i->step != BLAST_IMAP_headers)
        imap_response_pass(&i->response);
}

static void on_atom(struct blast_client *c, struct blast_session *s,
                    const struct imap_response_event *e)
{
    struct blast_imap *i = &s->imap;

    if (i->line == BLAST_IMAP_CAPABLE)
        read_capabilities(c, e->text);
    else
        i->part = span_equal_nocase(e->text, span_text("BODY[]"))         ? PART_WHOLE
                  : span_equal_nocase(e->text, span_text("BODY[HEADER]")) ? PART_HEADER
                                                                          : PART_NONE;
}

static void end_string(struct blast_client *c, struct blast_session *s)
{
    if (s->imap.part == PART_WHOLE)
        blast_reading_end(c, s);
    else if (s->imap.part == PART_HEADER)
        blast_reading_end_header(c, s);
    s->imap.part = PART_NONE;
}

static void on_string(struct blast_client *c, struct blast_session *s,
                      const struct imap_response_event *e)
{
    if (!s->imap.part)
        return;
    if (e->kind == IMAP_RESPONSE_STRING)
        blast_reading_begin(&s->reading);
    else if (e->kind == IMAP_RESPONSE_BYTES)
        blast_reading_feed(c, s, e->text);
    else
        end_string(c, s);
}

static bool lend(struct blast_client *c, struct blast_session *s)
{
    uint8_t *line = blast_session_line(c, s);

    if (line)
        imap_response_attach(&s->imap.response, line);
    return line;
}

/* False: the session is over, or has nothing more to do now. */
static bool act(struct blast_client *c, struct blast_session *s,
                const struct imap_response_event *e)
{
    struct tcp_conn *conn = s->conn;

    switch (e->kind) {
    case IMAP_RESPONSE_MORE:
        return false;
    case IMAP_RESPONSE_BUFFER:
        return lend(c, s);
    case IMAP_RESPONSE_CONTINUE:
        on_go_on(c, s);
        break;
    case IMAP_RESPONSE_STATUS:
        on_status(c, s, e);
        break;
    case IMAP_RESPONSE_DATA:
        on_data(s, e);
        break;
    case IMAP_RESPONSE_ATOM:
        on_atom(c, s, e);
        break;
    case IMAP_RESPONSE_END:
        end_data(c, s);
        break;
    case IMAP_RESPONSE_BAD:
        c->tally->imap_faults[e->fault]++;
        blast_session_fail(c, s, &c->tally->counts.sessions_broken);
        break;
    default:
        on_string(c, s, e);
        break;
    }
    return s->conn == conn && !s->leaving && !s->stands && !s->shakes;
}

static bool step(struct blast_client *c, struct blast_session *s, struct span *in)
{
    struct imap_response_event e;

    imap_response_next(&s->imap.response, in, &e);
    return act(c, s, &e);
}

void blast_imap_run(struct blast_client *c, struct blast_session *s)
{
    blast_session_read(c, s, step);
}

void blast_imap_gone(struct blast_client *c, struct blast_session *s)
{
    if (s->verifies)
        atomic_fetch_add(&c->shared->ledger->unread, 1);
    else if (s->sent)
        c->tally->counts.messages_doubtful++;
}
