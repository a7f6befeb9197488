/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/blast/blast_schedule.h"
#include "dataplane/blast/blast_session.h"

/* Sessions begin: when, from where, and with what to do. */
enum { STARTS = 64, RETRY_US = 1000 };

/* Sessions that watch are begun before others, and again where one has failed. */
static bool watchers_missing(const struct blast_client *c)
{
    const struct blast_order *o = c->order;

    return c->watching < o->watchers / o->workers + (c->index < o->watchers % o->workers);
}

bool blast_client_work_left(const struct blast_client *c)
{
    if (c->phase == BLAST_PHASE_VERIFY)
        return c->user < c->order->user_count;
    if (c->phase != BLAST_PHASE_LOAD)
        return false;
    if (c->order->hold_us)
        return c->held_left > 0;
    return c->order->work == BLAST_WORK_SMTP
               ? c->messages_left > 0
               : c->logins_left > 0 || (watchers_missing(c) && !c->dismissed);
}

static const struct ip_address *source(struct blast_client *c, const struct ip_address *target)
{
    const struct blast_order *o = c->order;

    for (uint32_t i = 0; i < o->address_count; i++) {
        const struct ip_address *a = &o->addresses[c->address++ % o->address_count].address;

        if (ip_address_is_v4(a) == ip_address_is_v4(target))
            return a;
    }
    return NULL;
}

/* Mailboxes in turn, each worker has its own. */
static void take_user(struct blast_client *c, struct blast_session *s)
{
    s->user = c->user % c->order->user_count;
    c->user += c->order->workers;
}

/* What the session is to do is taken from what is left. */
static void assign(struct blast_client *c, struct blast_session *s)
{
    const struct blast_order *o = c->order;

    s->verifies = c->phase == BLAST_PHASE_VERIFY;
    if (o->hold_us && !s->verifies) {
        c->held_left--;
        if (o->work != BLAST_WORK_SMTP && o->user_count)
            take_user(c, s);
        return;
    }
    if (s->manner != BLAST_MANNER_well)
        c->tally->manners[s->manner].begun++;
    if (blast_manner_is_broken(s))
        return;
    if (watchers_missing(c) && !s->verifies) {
        s->watches = true;
        s->user = c->watched % o->user_count;
        c->watched += o->workers;
        c->watching++;
        return;
    }
    if (s->verifies || o->work != BLAST_WORK_SMTP) {
        take_user(c, s);
        c->logins_left -= !s->verifies;
        return;
    }
    s->left = o->reuse < c->messages_left ? o->reuse : (uint32_t)c->messages_left;
    s->number = c->number;
    c->messages_left -= s->left;
    c->number += (uint64_t)s->left * o->workers;
}

static bool start(struct blast_client *c, uint64_t intended)
{
    const struct blast_order *o = c->order;
    bool pop3 = o->work == BLAST_WORK_POP3 ||
                (c->phase == BLAST_PHASE_VERIFY && o->work != BLAST_WORK_IMAP);
    const struct ip_address *target = pop3 ? &o->pop3_target : &o->target;
    const struct ip_address *own = source(c, target);
    struct blast_session *s = &c->table[c->free.first];
    struct tcp_conn *conn =
        own ? tcp_connect(c->tcp, own, 0, target, pop3 ? o->pop3_port : o->port, c->now) : NULL;
    struct blast_step_tally *step;

    if (!conn) {
        c->tally->counts.starts_short++;
        c->retry = c->now + RETRY_US;
        return false;
    }
    place_list_take(&c->free);
    *s =
        (struct blast_session){.conn = conn, .intended = intended, .since = c->now, .seen = c->now};
    place_list_append(&c->silent, (uint32_t)(s - c->table));
    c->count++;
    if (o->slow_senders + o->slow_readers + o->broken && c->phase == BLAST_PHASE_LOAD)
        s->manner = blast_manner_of(o, c->arrivals * o->workers + c->index);
    if (s->manner == BLAST_MANNER_slow_reader)
        tcp_set_narrow(c->tcp, conn);
    assign(c, s);
    if (!s->verifies && !blast_manner_is_broken(s))
        c->tally->counts.sessions_started++;
    s->step = (uint8_t)blast_schedule_step(o, c->shared->begin, intended);
    step = blast_session_step(c, s);
    if (step && !blast_manner_is_broken(s))
        step->started++;
    if (!s->verifies && blast_schedule_is_open(o))
        blast_session_measure(c, s, BLAST_LATENCY_late, intended);
    tcp_set_user(conn, s);
    return true;
}

uint64_t blast_client_next_start(const struct blast_client *c)
{
    /* The first one alone: while the next hop's address is asked for, few frames can wait. */
    uint32_t most = !c->warm ? 1 : c->phase == BLAST_PHASE_VERIFY ? BLAST_VERIFIERS : c->share;
    uint64_t at;

    if (c->count >= most || !blast_client_work_left(c))
        return UINT64_MAX;
    at = c->phase == BLAST_PHASE_LOAD && blast_schedule_is_open(c->order)
             ? blast_schedule_at(c->order, c->shared->begin, c->index, c->arrivals)
             : c->now;
    /* What is meant for after the end is nobody's. */
    if (c->phase == BLAST_PHASE_LOAD && c->order->duration_us &&
        at >= c->shared->begin + c->order->duration_us)
        return UINT64_MAX;
    return at > c->retry ? at : c->retry;
}

uint32_t blast_client_start_due(struct blast_client *c)
{
    const struct blast_order *o = c->order;
    uint32_t n = 0;
    uint64_t at;

    while (n < STARTS && (at = blast_client_next_start(c)) <= c->now) {
        if (c->due > c->now * 1000) {
            c->tally->counts.starts_capped++;
            break;
        }
        /* In a closed loop a session is meant to begin when there is room for it. */
        if (!start(c, blast_schedule_is_open(o) && c->phase == BLAST_PHASE_LOAD
                          ? blast_schedule_at(o, c->shared->begin, c->index, c->arrivals)
                          : c->now))
            break;
        c->arrivals++;
        c->due = blast_schedule_limit(o, c->due, c->now);
        n++;
    }
    return n;
}
