/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_observer.h"

_Static_assert((int)IMAP_OBSERVED_FAULT_HEAD == (int)IMAP_RESPONSE_FAULT_HEAD &&
                   (int)IMAP_OBSERVED_FAULT_SECTION == (int)IMAP_RESPONSE_FAULT_SECTION &&
                   (int)IMAP_OBSERVED_FAULT_QUEUE == (int)IMAP_RESPONSE_FAULTS,
               "faults of responses are told as they are");

void imap_observer_init(struct imap_observer *o, bool midstream)
{
    *o = (struct imap_observer){.greeted = midstream, .partly = midstream};
    loose_line_init(&o->client.line, IMAP_OBSERVER_LINE_MAX);
    imap_response_init(&o->server, IMAP_OBSERVER_LINE_MAX);
}

void imap_observer_attach(struct imap_observer *o, bool client, uint8_t *buffer)
{
    if (client)
        loose_line_attach(&o->client.line, buffer);
    else
        imap_response_attach(&o->server, buffer);
}

uint8_t *imap_observer_take_back(struct imap_observer *o, bool client)
{
    return client ? loose_line_take_back(&o->client.line) : imap_response_take_back(&o->server);
}

void imap_observer_fault(struct imap_observer *o, enum imap_observed_fault fault)
{
    o->due |= IMAP_DUE_FAULT;
    o->fault = (uint8_t)fault;
}

static bool client_gap(struct imap_observer *o, uint64_t len)
{
    struct imap_asking *c = &o->client;

    if (c->literal >= len && c->begun) {
        c->literal -= len;
        c->ended = c->literal == 0;
        return true;
    }
    loose_line_gap(&c->line);
    c->literal = 0;
    c->goes_on = c->ended = c->append = c->select = false;
    o->partly = true;
    return false;
}

bool imap_observer_gap(struct imap_observer *o, bool client, uint64_t len)
{
    if (client)
        return client_gap(o, len);
    if (imap_response_gap(&o->server, len))
        return true;
    o->fetch = (struct imap_fetching){0};
    /* Who sees no command cannot tell a response from a message's text. */
    if (o->client_seen)
        imap_observer_fault(o, IMAP_OBSERVED_FAULT_RESYNC);
    else
        imap_response_found(&o->server);
    return false;
}

/* ---- commands without an answer ---- */

/* FNV-1a: who makes two alike confuses the followers of his own session. */
uint32_t imap_observer_tag(struct span tag)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < tag.len; i++)
        hash = (hash ^ tag.data[i]) * 16777619u;
    return hash;
}

static void forget(struct imap_observer *o, uint8_t at)
{
    o->asked_count--;
    memmove(o->asked + at, o->asked + at + 1, (o->asked_count - at) * sizeof(o->asked[0]));
}

void imap_observer_ask(struct imap_observer *o, enum imap_asked_what what, struct span tag,
                       uint32_t wanted)
{
    if (o->asked_count == IMAP_OBSERVER_QUEUE) {
        forget(o, 0);
        imap_observer_fault(o, IMAP_OBSERVED_FAULT_QUEUE);
    }
    o->asked[o->asked_count++] =
        (struct imap_asked){.tag = imap_observer_tag(tag), .wanted = wanted, .what = (uint8_t)what};
}

static int find(const struct imap_observer *o, uint32_t tag)
{
    for (uint8_t i = 0; i < o->asked_count; i++)
        if (o->asked[i].tag == tag)
            return i;
    return -1;
}

static bool waits_for(const struct imap_observer *o, enum imap_asked_what what)
{
    for (uint8_t i = 0; i < o->asked_count; i++)
        if (o->asked[i].what == what)
            return true;
    return false;
}

/* ---- answers ---- */

static uint32_t take_number(struct span *s)
{
    uint64_t n = 0;

    while (s->len && (uint8_t)(s->data[0] - '0') < 10 && n < UINT32_MAX) {
        n = 10 * n + (uint64_t)(s->data[0] - '0');
        *s = span_skip(*s, 1);
    }
    return n > UINT32_MAX ? 0 : (uint32_t)n;
}

/* resp-code-apnd = "APPENDUID" SP nz-number SP append-uid */
static void on_append_answer(struct imap_observer *o, const struct imap_response_event *r)
{
    struct span arguments = r->arguments,
                text = span_head(span_between(r->name.data, r->text.data + r->text.len),
                                 sizeof(o->answer));

    o->answer_len = (uint8_t)text.len;
    memcpy(o->answer, text.data, text.len);
    o->append_command = imap_observer_tag(r->tag);
    o->append_good = r->condition == IMAP_RESPONSE_OK;
    o->append_uid = o->append_last = o->append_uidvalidity = 0;
    if (span_equal_nocase(r->code, span_text("APPENDUID"))) {
        o->append_uidvalidity = take_number(&arguments);
        arguments = span_skip(arguments, 1);
        o->append_uid = o->append_last = take_number(&arguments);
        /* Those of several follow one another, or are not taken. */
        if (arguments.len && arguments.data[0] == ':') {
            arguments = span_skip(arguments, 1);
            o->append_last = take_number(&arguments);
        }
        if (arguments.len || o->append_last < o->append_uid)
            o->append_uid = o->append_last = 0;
    }
    /* Refused in the midst of it: the rest still comes. */
    if (o->client.append && o->client.tag == o->append_command)
        o->answered = true;
    else
        o->due |= IMAP_DUE_APPENDED;
}

static void on_answer(struct imap_observer *o, const struct imap_response_event *r,
                      enum imap_asked_what what)
{
    switch (what) {
    case IMAP_ASKED_LOGIN:
    case IMAP_ASKED_AUTHENTICATE:
        o->responding = false;
        o->due |= IMAP_DUE_LOGIN;
        break;
    case IMAP_ASKED_STARTTLS:
        o->due |= o->good ? IMAP_DUE_STARTTLS : 0;
        break;
    case IMAP_ASKED_COMPRESS:
        o->due |= o->good ? IMAP_DUE_COMPRESS : 0;
        break;
    case IMAP_ASKED_SELECT:
        /* A refused one leaves none selected (RFC 9051 section 6.3.2). */
        o->due |= o->good ? IMAP_DUE_SELECTED : IMAP_DUE_DESELECTED;
        break;
    case IMAP_ASKED_UNSELECT:
        o->due |= o->good ? IMAP_DUE_DESELECTED : 0;
        break;
    case IMAP_ASKED_APPEND:
        on_append_answer(o, r);
        break;
    default:
        break;
    }
}

/* The server does not want the literal that the client waits to send. */
static void cancel_literal(struct imap_observer *o, uint32_t tag)
{
    struct imap_asking *c = &o->client;

    if (!c->goes_on || !c->sync || c->begun || c->tag != tag)
        return;
    c->literal = 0;
    c->goes_on = c->ended = c->append = c->select = false;
}

static void on_tagged(struct imap_observer *o, const struct imap_response_event *r,
                      struct imap_observed *e)
{
    uint32_t tag = imap_observer_tag(r->tag);
    int at = find(o, tag);
    enum imap_asked_what what = IMAP_ASKED_OTHER;

    if (o->server.lost && at < 0)
        return;
    imap_response_found(&o->server);
    e->kind = IMAP_OBSERVED_ANSWER;
    o->good = e->good;
    if (at >= 0) {
        what = (enum imap_asked_what)o->asked[at].what;
        forget(o, (uint8_t)at);
    } else if (o->client_seen && !o->partly) {
        imap_observer_fault(o, IMAP_OBSERVED_FAULT_UNASKED);
    }
    cancel_literal(o, tag);
    on_answer(o, r, what);
}

static void on_status(struct imap_observer *o, const struct imap_response_event *r,
                      struct imap_observed *e)
{
    struct span arguments = r->arguments;

    e->tag = r->tag;
    e->name = r->name;
    e->text = r->text;
    e->good = r->condition == IMAP_RESPONSE_OK;
    if (!span_equal(r->tag, span_text("*"))) {
        on_tagged(o, r, e);
        return;
    }
    if (span_equal_nocase(r->code, span_text("UIDVALIDITY")))
        o->uidvalidity = take_number(&arguments);
    if (!o->greeted)
        e->kind = IMAP_OBSERVED_GREETING;
    o->greeted = true;
}

static bool server_step(struct imap_observer *o, struct span *in, struct imap_observed *e)
{
    struct imap_response_event r;

    imap_response_next(&o->server, in, &r);
    switch (r.kind) {
    case IMAP_RESPONSE_MORE:
        return false;
    case IMAP_RESPONSE_BUFFER:
        e->kind = IMAP_OBSERVED_BUFFER;
        return true;
    case IMAP_RESPONSE_CONTINUE:
        o->responding = waits_for(o, IMAP_ASKED_AUTHENTICATE);
        return true;
    case IMAP_RESPONSE_STATUS:
        on_status(o, &r, e);
        return true;
    case IMAP_RESPONSE_BAD:
        o->fetch = (struct imap_fetching){0};
        imap_observer_fault(o, (enum imap_observed_fault)r.fault);
        return true;
    default:
        (void)imap_observer_data(o, &r, e);
        return true;
    }
}

/* ---- events ---- */

static void tell_login(struct imap_observer *o, struct imap_observed *e)
{
    e->kind = IMAP_OBSERVED_LOGIN;
    e->good = o->good;
    e->name = sasl_observer_mechanism(&o->sasl);
    e->text = sasl_observer_user(&o->sasl);
}

static void tell_selected(struct imap_observer *o, struct imap_observed *e, bool selected)
{
    e->kind = IMAP_OBSERVED_SELECTED;
    e->text = span_of(o->selected, selected ? o->selected_len : 0);
    e->uidvalidity = e->text.len ? o->uidvalidity : 0;
    o->uidvalidity = 0;
}

static void tell_appended(struct imap_observer *o, struct imap_observed *e)
{
    struct span text = span_of(o->answer, o->answer_len);

    e->kind = IMAP_OBSERVED_APPENDED;
    e->good = o->append_good;
    e->text = text;
    e->name = imap_observer_word(&text);
    e->uidvalidity = o->append_uidvalidity;
    e->uid = o->append_uid;
    e->number = o->append_last;
    e->command = o->append_command;
}

static void tell_due(struct imap_observer *o, struct imap_observed *e)
{
    uint16_t what = o->due & (uint16_t)-o->due;

    o->due ^= what;
    switch (what) {
    case IMAP_DUE_LOGIN:
        tell_login(o, e);
        break;
    case IMAP_DUE_SELECTED:
    case IMAP_DUE_DESELECTED:
        tell_selected(o, e, what == IMAP_DUE_SELECTED);
        break;
    case IMAP_DUE_APPENDED:
        tell_appended(o, e);
        break;
    case IMAP_DUE_STARTTLS:
        o->over = true;
        e->kind = IMAP_OBSERVED_STARTTLS;
        break;
    case IMAP_DUE_COMPRESS:
        e->kind = IMAP_OBSERVED_COMPRESS;
        break;
    default:
        e->kind = IMAP_OBSERVED_FAULT;
        e->fault = o->fault;
        break;
    }
}

static bool step(struct imap_observer *o, bool client, struct span *in, struct imap_observed *e)
{
    if (o->due) {
        tell_due(o, e);
        return true;
    }
    if (o->over)
        return false;
    return client ? imap_observer_client_step(o, in, e) : server_step(o, in, e);
}

void imap_observer_feed(struct imap_observer *o, bool client, struct span *in,
                        struct imap_observed *event_out)
{
    do
        *event_out = (struct imap_observed){.kind = IMAP_OBSERVED_MORE};
    while (step(o, client, in, event_out) && event_out->kind == IMAP_OBSERVED_MORE);
}

const char *imap_observed_fault_name(enum imap_observed_fault fault)
{
    static const char *const names[] = {
#define IMAP_OBSERVED_FAULT(NAME, name, what) #name,
#include "proto/imap/imap_observed_fault.def"
#undef IMAP_OBSERVED_FAULT
    };

    return names[fault];
}

const char *imap_observed_fault_what(enum imap_observed_fault fault)
{
    static const char *const whats[] = {
#define IMAP_OBSERVED_FAULT(NAME, name, what) what,
#include "proto/imap/imap_observed_fault.def"
#undef IMAP_OBSERVED_FAULT
    };

    return whats[fault];
}
