/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tap/tap_flow.h"

#include "dataplane/session/session_more.h"
#include "dataplane/tap/tap_pieces.h"

/* ---- what is said ---- */

void tap_flow_say(struct tap *t, struct tap_flow *f, struct tap_event *event)
{
    event->flow = &f->facts;
    event->time_ns = f->time_ns;
    f->facts.last_ns = f->time_ns;
    t->source->event(t->source->context, event);
}

void tap_flow_anomaly(struct tap *t, struct tap_flow *f, const char *name, const char *what,
                      const char *direction)
{
    struct tap_event event = {.kind = TAP_EVENT_ANOMALY,
                              .name = span_text(name),
                              .text = span_text(what),
                              .direction = direction};

    t->anomalies++;
    tap_flow_say(t, f, &event);
}

void tap_flow_login(struct tap *t, struct tap_flow *f, struct span mechanism, struct span who,
                    bool good)
{
    struct tap_event event = {
        .kind = TAP_EVENT_LOGIN, .name = mechanism, .text = who, .good = good};

    f->logins++;
    t->logins++;
    tap_flow_say(t, f, &event);
}

void tap_flow_line_said(struct tap *t, struct tap_flow *f, enum tap_event_kind kind,
                        struct span name, struct span text, uint32_t secret)
{
    struct tap_event event = {.kind = kind, .name = name, .text = text, .secret = secret};

    f->commands += kind == TAP_EVENT_COMMAND;
    tap_flow_say(t, f, &event);
}

void tap_flow_user(struct tap *t, struct tap_flow *f, struct span mechanism, struct span who,
                   bool good)
{
    tap_flow_login(t, f, mechanism, who, good);
    if (good)
        tap_flow_note(&f->name, who);
}

void tap_flow_note(struct tap_text *text, struct span bytes)
{
    bytes = span_head(bytes, TAP_TEXT);
    text->len = (uint8_t)bytes.len;
    if (bytes.len)
        memcpy(text->bytes, bytes.data, bytes.len);
}

/* ---- memory ---- */

uint8_t *tap_flow_line(struct tap *t, struct tap_flow *f, enum tcp_direction d)
{
    if (!f->line[d])
        f->line[d] = chunk_take(t->pool, CHUNK_MEDIUM);
    return f->line[d] ? f->line[d]->data : NULL;
}

static void give(struct tap *t, struct chunk **c)
{
    chunk_give(t->pool, *c);
    *c = NULL;
}

/* Line buffers that hold nothing go back: an idle connection has none. */
static void give_lines(struct tap *t, struct tap_flow *f)
{
    for (int d = 0; d < TCP_DIRECTIONS; d++) {
        bool client = d == TCP_TO_SERVER;
        uint8_t *idle = NULL;

        if (!f->line[d])
            continue;
        if (f->stage == TAP_SMTP)
            idle = smtp_observer_take_back(&f->smtp, client);
        else if (f->stage == TAP_POP3)
            idle = pop3_observer_take_back(&f->pop3, client);
        else if (f->stage == TAP_IMAP)
            idle = imap_observer_take_back(&f->imap->observer, client);
        if (idle)
            give(t, &f->line[d]);
    }
}

/* ---- protocols ---- */

static void end_protocol(struct tap *t, struct tap_flow *f)
{
    if (f->stage == TAP_SMTP)
        tap_smtp_end(t, f);
    else if (f->stage == TAP_POP3)
        tap_pop3_end(t, f);
    else if (f->stage == TAP_IMAP)
        tap_imap_end(t, f);
    give(t, &f->held);
    give(t, &f->line[0]);
    give(t, &f->line[1]);
}

void tap_flow_become(struct tap *t, struct tap_flow *f, enum tap_stage stage)
{
    uint8_t before = f->stage;

    end_protocol(t, f);
    f->stage = (uint8_t)stage;
    if (stage == TAP_SMTP)
        tap_smtp_begin(t, f);
    else if (stage == TAP_POP3)
        tap_pop3_begin(t, f);
    else if (stage == TAP_IMAP)
        tap_imap_begin(t, f);
    else if (stage == TAP_TLS)
        tap_secure_begin(t, f, before);
}

/* A mirror that shows one direction alone is found out, not guessed at. */
static void warn(struct tap *t, struct tap_flow *f, enum tcp_direction d)
{
    bool client = d == TCP_TO_SERVER;
    char text[128];
    struct writer w = writer_of(text, sizeof(text));
    struct tap_event event = {.kind = TAP_EVENT_ANOMALY,
                              .name = span_text("one_sided"),
                              .direction = client ? "client" : "server"};

    if (f->warned || f->seen->side[!d].seen)
        return;
    f->warned = true;
    writer_printf(&w, "only the %s's direction is seen on port %u, check the mirror",
                  client ? "client" : "server", f->facts.server_port);
    event.text = writer_span(&w);
    t->anomalies++;
    tap_flow_say(t, f, &event);
}

void tap_flow_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes)
{
    if (f->was_mail && f->seen->side[d].events & 1u << TCP_OBSERVED_ONE_SIDED)
        warn(t, f, d);
    switch ((enum tap_stage)f->stage) {
    case TAP_SMTP:
        tap_smtp_bytes(t, f, d, bytes);
        break;
    case TAP_POP3:
        tap_pop3_bytes(t, f, d, bytes);
        break;
    case TAP_IMAP:
        tap_imap_bytes(t, f, d, bytes);
        break;
    case TAP_TLS:
        if (f->tls)
            tap_secure_bytes(t, f, d, bytes);
        break;
    case TAP_DETECTING:
    case TAP_BLIND:
        break;
    }
    give_lines(t, f);
}

/* ---- recognising ---- */

/* The first bytes of each direction. */
static void first_bytes(const struct chunk *c, struct writer first[TCP_DIRECTIONS])
{
    struct span all = span_of(c->data, c->len), bytes;
    uint8_t d;

    while (tap_piece_next(&all, &d, &bytes))
        writer_span_put(&first[d], span_head(bytes, writer_room(&first[d])));
}

/* What a balancer put in front of the client's bytes is none of the protocol's. `last`: no more
 * bytes will come. */
static enum detect_protocol recognise(const struct tap_flow *f, bool last, size_t *prelude_out)
{
    uint8_t memory[TCP_DIRECTIONS][DETECT_MAX];
    struct writer first[TCP_DIRECTIONS] = {writer_of(memory[0], DETECT_MAX),
                                           writer_of(memory[1], DETECT_MAX)};
    struct span client, server;

    first_bytes(f->held, first);
    client = writer_span(&first[TCP_TO_SERVER]);
    server = writer_span(&first[TCP_TO_CLIENT]);
    if (!detect_prelude(client, prelude_out) && !last)
        return DETECT_UNDECIDED;
    client = span_skip(client, *prelude_out);
    return last && !server.len ? detect_last(client, f->facts.server_port) : detect(client, server);
}

static enum tap_stage stage_of(enum detect_protocol protocol)
{
    static const uint8_t stages[] = {
        [DETECT_UNDECIDED] = TAP_BLIND, [DETECT_SMTP] = TAP_SMTP, [DETECT_POP3] = TAP_POP3,
        [DETECT_IMAP] = TAP_IMAP,       [DETECT_TLS] = TAP_TLS,   [DETECT_OTHER] = TAP_BLIND,
    };

    return (enum tap_stage)stages[protocol];
}

/* Its bytes are those of the connection, or of TLS in it. */
static void read_piece(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes,
                       bool tls)
{
    if (tls && f->tls)
        tap_secure_bytes(t, f, d, bytes);
    else
        tap_flow_bytes(t, f, d, bytes);
}

static void count_protocol(struct tap *t, struct tap_flow *f, enum detect_protocol protocol)
{
    t->by_protocol[protocol]++;
    f->facts.protocol = detect_name(protocol);
    f->was_mail = protocol == DETECT_SMTP || protocol == DETECT_POP3 || protocol == DETECT_IMAP;
    t->sessions += f->was_mail;
    t->conversations += f->was_mail;
}

/* It is known what is spoken: what was held is read by it. TLS within TLS is nothing of ours. */
static void decide(struct tap *t, struct tap_flow *f, enum detect_protocol protocol, size_t prelude)
{
    struct chunk *held = f->held;
    bool tls = protocol == DETECT_TLS && !f->opened;
    struct span all, bytes;
    uint8_t d;

    f->held = NULL;
    if (protocol == DETECT_TLS && f->opened)
        protocol = DETECT_OTHER;
    count_protocol(t, f, protocol);
    tap_flow_become(t, f, stage_of(protocol));
    if (!held)
        return;
    all = span_of(held->data, held->len);
    while (tap_piece_next(&all, &d, &bytes)) {
        size_t skip = d == TCP_TO_SERVER && prelude < bytes.len ? prelude
                      : d == TCP_TO_SERVER                      ? bytes.len
                                                                : 0;

        prelude -= skip;
        if (skip < bytes.len)
            read_piece(t, f, (enum tcp_direction)d, span_skip(bytes, skip), tls);
    }
    chunk_give(t->pool, held);
}

static void detecting(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes,
                      uint64_t offset)
{
    enum detect_protocol protocol = DETECT_UNDECIDED;
    size_t prelude = 0;

    if (!f->held)
        f->held = chunk_take(t->pool, CHUNK_LARGE);
    if (!f->held || !tap_piece_put(f->held, (uint8_t)d, bytes)) {
        decide(t, f, DETECT_OTHER, 0);
        return;
    }
    if (offset < DETECT_MAX)
        protocol = recognise(f, false, &prelude);
    if (protocol != DETECT_UNDECIDED)
        decide(t, f, protocol, prelude);
}

void tap_flow_plain(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes,
                    uint64_t offset)
{
    f->opened |= f->tls != NULL;
    if (f->stage == TAP_DETECTING)
        detecting(t, f, d, bytes, offset);
    else
        tap_flow_bytes(t, f, d, bytes);
}

void tap_flow_hole(struct tap *t, struct tap_flow *f, enum tcp_direction d, uint64_t len)
{
    if (f->stage == TAP_SMTP) {
        tap_smtp_gap(t, f, d, len);
    } else if (f->stage == TAP_POP3) {
        f->message.whole = false;
        pop3_observer_gap(&f->pop3, d == TCP_TO_SERVER);
    } else if (f->stage == TAP_IMAP) {
        tap_imap_gap(t, f, d, len);
    }
}

/* ---- the observer's calls ---- */

static void set_time(struct tap *t, struct tap_flow *f, uint64_t time_ns)
{
    f->time_ns = time_ns + t->epoch_ns;
    t->ss->time = (struct turn_time){.now = time_ns / 1000, .wall_ms = f->time_ns / 1000000};
}

static void flow_begin(void *context, struct tcp_observed_flow *flow)
{
    struct tap *t = context;
    struct tap_flow *f = t->free;

    if (f) {
        t->free = f->next_free;
    } else if (t->used < t->source->flows) {
        f = &t->flows[t->used++];
    } else {
        t->flows_unseen++;
        return;
    }
    memset(f, 0, sizeof(*f));
    flow->user = f;
    f->seen = flow;
    f->facts = (struct tap_flow_facts){
        /* Each worker counts its own. */
        .id = (flow->id - 1) * t->workers + t->worker + 1,
        .client = flow->client,
        .server = flow->server,
        .client_port = flow->client_port,
        .server_port = flow->server_port,
        .begin_ns = flow->begin_ns + t->epoch_ns,
        .last_ns = flow->begin_ns + t->epoch_ns,
        .protocol = detect_name(DETECT_UNDECIDED),
    };
    set_time(t, f, flow->begin_ns);
    f->s.id = id128_next(&t->ss->ids, t->ss->time.wall_ms);
    f->facts.connection = f->s.id;
}

static void flow_bytes(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                       struct span bytes, uint64_t offset, uint64_t time_ns)
{
    struct tap *t = context;
    struct tap_flow *f = flow->user;

    if (!f)
        return;
    set_time(t, f, time_ns);
    t->ss->bytes_read += bytes.len;
    if (t->source->stream)
        t->source->stream(t->source->context, &f->facts, d == TCP_TO_SERVER ? "client" : "server",
                          bytes, offset);
    if (f->tls)
        tap_secure_bytes(t, f, d, bytes);
    else
        tap_flow_plain(t, f, d, bytes, offset);
}

static void flow_gap(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                     uint64_t offset, uint64_t len, uint64_t time_ns)
{
    struct tap *t = context;
    struct tap_flow *f = flow->user;

    if (!f)
        return;
    set_time(t, f, time_ns);
    if (f->tls)
        tap_secure_gap(t, f, d, len);
    else
        tap_flow_hole(t, f, d, len);
    if (!f->was_mail)
        return;
    t->anomalies++;
    tap_flow_say(
        t, f,
        &(struct tap_event){.kind = TAP_EVENT_ANOMALY,
                            .name = span_text("gap"),
                            .text = span_text("bytes of the connection are not in the capture"),
                            .direction = d == TCP_TO_SERVER ? "client" : "server",
                            .offset = offset,
                            .len = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX});
}

static void flow_finished(void *context, struct tcp_observed_flow *flow, enum tcp_direction d,
                          uint64_t time_ns)
{
}

static void flow_event(void *context, struct tcp_observed_flow *flow,
                       const struct tcp_observation *o)
{
    struct tap *t = context;
    struct tap_flow *f = flow->user;
    struct tap_event event = {.kind = TAP_EVENT_ANOMALY,
                              .direction = o->direction == TCP_TO_SERVER ? "client" : "server"};

    /* Told in words of its own, with the port. */
    if (!f || o->event == TCP_OBSERVED_ONE_SIDED)
        return;
    set_time(t, f, o->time_ns);
    event.name = span_text(tcp_observer_event_name(o->event));
    event.text = span_text(tcp_observer_event_what(o->event));
    event.offset = o->offset;
    event.len = o->len;
    event.other = o->other;
    t->anomalies++;
    tap_flow_say(t, f, &event);
}

static void say_session(struct tap *t, struct tap_flow *f)
{
    struct tap_event event = {.kind = TAP_EVENT_SESSION};

    event.session = (struct tap_session_facts){
        .greeting = tap_flow_text(&f->greeting),
        .helo = tap_flow_text(&f->name),
        .commands = f->commands,
        .messages = f->messages,
        .logins = f->logins,
        .esmtp = f->esmtp,
        .starttls = f->started_tls,
        .one_sided = f->warned,
        .opened = f->opened,
    };
    tap_flow_say(t, f, &event);
}

static void say_flow(struct tap *t, struct tap_flow *f, enum tcp_observer_end reason)
{
    struct tap_event event = {.kind = TAP_EVENT_FLOW,
                              .name = span_text(tcp_observer_end_name(reason))};

    f->facts.guessed = f->seen->guessed;
    for (int d = 0; d < TCP_DIRECTIONS; d++)
        event.side[d] = (struct tap_side){
            .packets = f->seen->side[d].packets,
            .bytes = f->seen->side[d].bytes,
            .gap_bytes = f->seen->side[d].gap_bytes,
            .gaps = f->seen->side[d].gaps,
            .seen = f->seen->side[d].seen,
        };
    tap_flow_say(t, f, &event);
}

static void flow_end(void *context, struct tcp_observed_flow *flow, enum tcp_observer_end reason,
                     uint64_t time_ns)
{
    struct tap *t = context;
    struct tap_flow *f = flow->user;
    enum detect_protocol protocol;
    size_t prelude = 0;

    if (!f)
        return;
    set_time(t, f, time_ns);
    /* TLS that waits for its secrets may be found to be anything. */
    tap_secure_end(t, f);
    if (f->stage == TAP_DETECTING && f->held) {
        protocol = recognise(f, true, &prelude);
        decide(t, f, protocol == DETECT_UNDECIDED ? DETECT_OTHER : protocol, prelude);
    }
    tap_secure_end(t, f);
    end_protocol(t, f);
    if (f->was_mail)
        warn(t, f, flow->side[TCP_TO_SERVER].seen ? TCP_TO_SERVER : TCP_TO_CLIENT);
    if (f->was_mail)
        say_session(t, f);
    t->conversations -= f->was_mail;
    say_flow(t, f, reason);
    session_more_give(t->ss, &f->s);
    f->next_free = t->free;
    t->free = f;
    flow->user = NULL;
}

const struct tcp_observer_calls tap_flow_calls = {
    .flow_begin = flow_begin,
    .flow_bytes = flow_bytes,
    .flow_gap = flow_gap,
    .flow_finished = flow_finished,
    .flow_event = flow_event,
    .flow_end = flow_end,
};
