/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_client.h"

#include <stdlib.h>

#include "dataplane/blast/blast_imap.h"
#include "dataplane/blast/blast_schedule.h"
#include "dataplane/blast/blast_tls.h"

enum { LOGINS_EACH = 4 }; /* of an address: more at a time look like guessing */
enum { ENDS = 64 };       /* of those that hold still, in a turn */

uint32_t blast_client_share(const struct blast_order *o, uint32_t index)
{
    return o->sessions / o->workers + (index < o->sessions % o->workers);
}

uint32_t blast_client_places(const struct blast_order *o, uint32_t index)
{
    uint32_t share = blast_client_share(o, index);
    uint32_t most = BLAST_CLIENT_OPENING;

    if (o->password.len && o->address_count < BLAST_CLIENT_LOGGING_IN / LOGINS_EACH)
        most = o->address_count * LOGINS_EACH;
    else if (o->password.len)
        most = BLAST_CLIENT_LOGGING_IN;
    return o->hold_us && share > most ? most : share;
}

/* How many of the numbers 0 to all - 1 are this worker's: index, index + workers, ... */
static uint64_t numbers_of(const struct blast_order *o, uint64_t all, uint32_t index)
{
    return all > index ? (all - index - 1) / o->workers + 1 : 0;
}

static uint64_t budget(const struct blast_client *c, uint64_t all)
{
    uint64_t most = c->shared->ledger ? c->shared->ledger->size : UINT64_MAX;

    return numbers_of(c->order, all && all < most ? all : most, c->index);
}

struct blast_client *blast_client_new(const struct blast_client_options *o)
{
    struct blast_client *c = calloc(1, sizeof(*c));
    const struct blast_order *order = o->shared->order;

    if (!c)
        return NULL;
    *c = (struct blast_client){.shared = o->shared,
                               .order = order,
                               .tcp = o->tcp,
                               .pool = o->pool,
                               .tally = o->tally,
                               .index = o->index,
                               .number = o->index,
                               .user = o->index,
                               .watched = o->index,
                               .smtp = {.hostname = order->hostname,
                                        .lines_max = 100,
                                        .pipelining = order->pipelining,
                                        .chunking = order->chunking}};
    c->share = blast_client_places(order, o->index);
    c->messages_left = budget(c, order->messages);
    c->logins_left = numbers_of(order, order->logins ? order->logins : UINT64_MAX, o->index);
    c->smtp_again = c->smtp;
    c->smtp_again.greeted = true;
    c->places = c->share + BLAST_VERIFIERS;
    c->scratch = writer_of(c->scratch_bytes, sizeof(c->scratch_bytes));
    /* Mailboxes are read back also where the load leaves this worker without a session. */
    c->table = calloc(c->places, sizeof(*c->table));
    if (!c->table || !blast_hold_init(c) || !blast_tls_init(c, c->places) || !blast_imap_init(c)) {
        blast_client_free(c);
        return NULL;
    }
    c->free = c->silent = place_list_of(&c->table->link, sizeof(*c->table));
    c->ticking = place_list_of(&c->table->tick_link, sizeof(*c->table));
    c->flood = blast_flood_of(o->shared, o->index);
    for (uint32_t i = 0; i < c->places; i++)
        place_list_append(&c->free, i);
    return c;
}

void blast_client_free(struct blast_client *c)
{
    if (!c)
        return;
    blast_tls_fini(c);
    blast_imap_fini(c);
    free(c->table);
    free(c->held);
    free(c);
}

/* ---- places ---- */

static uint32_t place_of(const struct blast_client *c, const struct blast_session *s)
{
    return (uint32_t)(s - c->table);
}

void blast_session_touch(struct blast_client *c, struct blast_session *s)
{
    place_list_remove(&c->silent, place_of(c, s));
    place_list_append(&c->silent, place_of(c, s));
    s->seen = c->now;
}

/* The place becomes free; the connection was let go. */
static void release(struct blast_client *c, struct blast_session *s)
{
    if (s->line)
        chunk_give(c->pool, s->line);
    s->line = NULL;
    blast_tls_give(c, s);
    s->conn = NULL;
    if (c->boxes && s->open && !blast_manner_is_broken(s))
        blast_imap_release(c, s);
    blast_slow_end(c, s);
    place_list_remove(&c->silent, place_of(c, s));
    place_list_push(&c->free, place_of(c, s));
    c->count--;
}

void blast_session_let_go(struct blast_client *c, struct blast_session *s)
{
    tcp_set_user(s->conn, NULL);
    tcp_forget(c->tcp, s->conn);
    release(c, s);
}

/* ---- services to the protocols ---- */

struct protocol {
    void (*begin)(struct blast_client *c, struct blast_session *s);
    void (*run)(struct blast_client *c, struct blast_session *s);
    void (*gone)(struct blast_client *c, struct blast_session *s);
};

static const struct protocol *protocol_of(const struct blast_client *c,
                                          const struct blast_session *s)
{
    static const struct protocol protocols[] = {
        [BLAST_WORK_SMTP] = {blast_smtp_begin, blast_smtp_run, blast_smtp_gone},
        [BLAST_WORK_POP3] = {blast_pop3_begin, blast_pop3_run, blast_pop3_gone},
        [BLAST_WORK_IMAP] = {blast_imap_begin, blast_imap_run, blast_imap_gone},
    };

    return &protocols[blast_session_work(c, s)];
}

void blast_session_fail(struct blast_client *c, struct blast_session *s, uint64_t *count)
{
    if (!s->leaving && blast_manner_is_broken(s)) {
        blast_broken_gone(c, s, count);
    } else if (!s->leaving) {
        struct blast_step_tally *step = blast_session_step(c, s);

        ++*count;
        if (step)
            step->failed++;
        c->tally->manners[s->manner].failed++;
        protocol_of(c, s)->gone(c, s);
    }
    c->scratch.len = 0;
    c->scratch.full = false;
    tcp_abort(c->tcp, s->conn);
    blast_session_let_go(c, s);
}

bool blast_session_flush(struct blast_client *c, struct blast_session *s)
{
    struct span text = writer_span(&c->scratch);

    c->scratch.len = 0;
    c->scratch.full = false;
    if (!text.len)
        return true;
    if (!(s->secure ? blast_tls_write(c, s, text)
                    : sendq_copy(tcp_sendq(s->conn), c->pool, text))) {
        blast_session_fail(c, s, &c->tally->counts.memory_short);
        return false;
    }
    tcp_send(c->tcp, s->conn);
    s->since = c->now;
    return true;
}

bool blast_session_put(struct blast_client *c, struct blast_session *s, struct span bytes)
{
    if (!(s->secure ? blast_tls_write(c, s, bytes)
                    : sendq_view(tcp_sendq(s->conn), c->pool, bytes, SENDQ_STATIC, NULL))) {
        blast_session_fail(c, s, &c->tally->counts.memory_short);
        return false;
    }
    tcp_send(c->tcp, s->conn);
    return true;
}

void blast_session_leave(struct blast_client *c, struct blast_session *s)
{
    struct blast_step_tally *step = blast_session_step(c, s);

    s->leaving = true;
    c->scratch.len = 0;
    if (!s->verifies) {
        c->tally->counts.sessions_done++;
        blast_session_measure(c, s, BLAST_LATENCY_session, s->intended);
    }
    if (s->manner) {
        c->tally->manners[s->manner].ended++;
        log_histogram_add(&c->tally->latency[BLAST_LATENCY_slow],
                          blast_client_since(c, s->intended));
    }
    if (step) {
        step->done++;
        if (!s->manner)
            log_histogram_add(&step->session, blast_client_since(c, s->intended));
    }
    if (s->secure)
        blast_tls_close(c, s);
    /* The server's to close first: TIME-WAIT is then where mail servers have it. */
    tcp_discard(c->tcp, s->conn);
}

uint8_t *blast_session_line(struct blast_client *c, struct blast_session *s)
{
    if (!s->line)
        s->line = chunk_take(c->pool, CHUNK_MEDIUM);
    if (s->line)
        return s->line->data;
    blast_session_fail(c, s, &c->tally->counts.memory_short);
    return NULL;
}

/* ---- the end ---- */

/* Those that hold still end as fast as sessions may begin, and as the port takes it: what comes at
 * once is lost on the way. */
static uint32_t let_go_due(struct blast_client *c)
{
    uint32_t n = 0;

    for (; n < ENDS && c->due <= c->now * 1000 && blast_hold_let_go(c); n++)
        c->due = blast_schedule_limit(c->order, c->due, c->now);
    return n;
}

/* ---- what happens to a connection ---- */

uint64_t *blast_client_count_of(struct blast_client *c, enum tcp_reason reason)
{
    struct blast_counts *counts = &c->tally->counts;

    switch (reason) {
    case TCP_REASON_REFUSED:
    case TCP_REASON_UNREACHABLE:
        return &counts->sessions_refused;
    case TCP_REASON_RESET:
        return &counts->sessions_reset;
    case TCP_REASON_TIMED_OUT:
        return &counts->sessions_lost;
    default:
        return &counts->sessions_closed;
    }
}

static void run(struct blast_client *c, struct blast_session *s)
{
    struct tcp_conn *conn = s->conn;

    blast_tls_run(c, s);
    if (s->conn != conn || s->shakes)
        return;
    if (blast_manner_is_broken(s))
        blast_broken_run(c, s);
    else
        protocol_of(c, s)->run(c, s);
}

void blast_session_begin(struct blast_client *c, struct blast_session *s)
{
    if (blast_manner_is_broken(s))
        blast_broken_begin(c, s);
    else
        protocol_of(c, s)->begin(c, s);
}

static void established(struct blast_client *c, struct blast_session *s)
{
    s->open = true;
    if (!s->verifies)
        blast_session_measure(c, s, BLAST_LATENCY_connect, s->intended);
    s->since = c->now;
    if (s->manner == BLAST_MANNER_slow_reader)
        blast_slow_begin(c, s);
    if (c->order->tls == BLAST_TLS_IMPLICIT)
        blast_tls_begin(c, s);
    else
        blast_session_begin(c, s);
}

/* From now on it costs a place among the held ones, and nothing else. */
static void stand(struct blast_client *c, struct blast_session *s)
{
    struct tcp_conn *conn = s->conn;
    bool eof = s->eof;

    c->tally->counts.sessions_stood++;
    blast_session_measure(c, s, BLAST_LATENCY_stand, s->intended);
    release(c, s);
    blast_hold_take(c, conn);
    if (eof)
        blast_hold_event(c, conn, TCP_EVENT_EOF);
}

void blast_session_go_on(struct blast_client *c, struct blast_session *s)
{
    struct tcp_conn *conn = s->conn;

    if (s->open && !s->leaving)
        run(c, s);
    if (s->conn != conn)
        return;
    if (s->stands) {
        stand(c, s);
        return;
    }
    if (!s->eof || (s->manner == BLAST_MANNER_slow_reader && !s->leaving && tcp_unread(conn)))
        return;
    if (s->leaving)
        blast_session_let_go(c, s);
    else
        blast_session_fail(c, s, &c->tally->counts.sessions_closed);
}

static void take_events(struct blast_client *c, struct tcp_conn *conn)
{
    struct blast_session *s = tcp_user(conn);
    uint32_t events = tcp_events(conn);

    if (blast_hold_is(c, s)) {
        blast_hold_event(c, conn, events);
        return;
    }
    if (!s) {
        if (events & TCP_EVENT_CLOSED)
            tcp_forget(c->tcp, conn);
        return;
    }
    blast_session_touch(c, s);
    c->warm = true;
    if (events & TCP_EVENT_CLOSED) {
        /* The last answer may have come together with the end. */
        if (blast_manner_is_broken(s) && s->open && s->broken.ending)
            blast_broken_run(c, s);
        blast_session_fail(c, s, blast_client_count_of(c, tcp_reason(conn)));
        return;
    }
    if (events & TCP_EVENT_ACCEPTED)
        established(c, s);
    if (s->conn != conn)
        return;
    if (events & TCP_EVENT_EOF)
        s->eof = true;
    blast_session_go_on(c, s);
}

static uint32_t give_up_silent(struct blast_client *c)
{
    uint32_t n = 0;

    while (c->silent.first != PLACE_NONE &&
           c->now - c->table[c->silent.first].seen > c->order->timeout_us) {
        struct blast_session *s = &c->table[c->silent.first];

        n++;
        if (s->watches && s->open && s->imap.idles) {
            blast_session_touch(c, s);
            continue;
        }
        blast_session_fail(c, s, &c->tally->counts.sessions_silent);
        c->warm = true;
    }
    return n;
}

/* ---- phases ---- */

static void cut_all(struct blast_client *c)
{
    while (c->silent.first != PLACE_NONE)
        blast_session_fail(c, &c->table[c->silent.first], &c->tally->counts.sessions_unfinished);
    blast_hold_cut(c);
}

static void take_phase(struct blast_client *c)
{
    uint32_t phase = atomic_load_explicit(&c->shared->phase, memory_order_acquire);

    if (phase == c->phase)
        return;
    if (phase == BLAST_PHASE_VERIFY || phase == BLAST_PHASE_END)
        cut_all(c);
    c->phase = phase;
    c->user = c->index;
    c->retry = 0;
}

uint32_t blast_client_turn(void *client, struct turn_time time)
{
    struct blast_client *c = client;
    struct tcp_conn *conn;
    uint32_t done = 0;

    c->now = time.now;
    take_phase(c);
    while ((conn = tcp_ready(c->tcp)) != NULL) {
        take_events(c, conn);
        done++;
    }
    done += blast_slow_turn(c);
    done += give_up_silent(c);
    done += blast_client_start_due(c);
    if (c->watching && !c->dismissed &&
        (c->phase > BLAST_PHASE_LOAD || (!c->logins_left && c->count == c->watching)))
        done += blast_imap_dismiss(c);
    if (c->phase == BLAST_PHASE_DRAIN)
        done += let_go_due(c);
    if (!c->count && !blast_client_work_left(c) && c->finished != c->phase &&
        blast_hold_is_over(c)) {
        c->finished_at = c->now;
        atomic_store_explicit(&c->finished, c->phase, memory_order_release);
    }
    return done;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t blast_client_next_timer(const void *client)
{
    const struct blast_client *c = client;
    uint64_t start = blast_client_next_start(c), silent = UINT64_MAX;

    if (c->silent.first != PLACE_NONE)
        silent = c->table[c->silent.first].seen + c->order->timeout_us + 1;
    if (c->stood_at && c->phase == BLAST_PHASE_LOAD && c->finished != c->phase)
        silent = earlier(silent, c->stood_at + c->order->hold_us);
    if (c->held_count && !c->parting && c->phase == BLAST_PHASE_DRAIN)
        return c->due / 1000 + 1;
    if (start != UINT64_MAX && c->due / 1000 > start)
        start = c->due / 1000 + 1;
    return earlier(earlier(start, silent),
                   earlier(blast_slow_next(c), blast_flood_next(&c->flood)));
}

uint32_t blast_client_make(void *client, uint64_t now, struct tcp_segment *segments, uint32_t max)
{
    struct blast_client *c = client;
    uint32_t n = blast_flood_make(&c->flood, now, segments, max);

    c->tally->counts.syns_flooded += n;
    return n;
}

uint32_t blast_client_count(const void *client)
{
    const struct blast_client *c = client;

    return c->count + c->held_count;
}

uint64_t blast_client_stood(const struct blast_client *c)
{
    return atomic_load_explicit(&c->stood, memory_order_relaxed);
}

enum blast_phase blast_client_finished(const struct blast_client *c, uint64_t *at_out)
{
    enum blast_phase phase =
        (enum blast_phase)atomic_load_explicit(&c->finished, memory_order_acquire);

    *at_out = c->finished_at;
    return phase;
}
