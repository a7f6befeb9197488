/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "dataplane/handoff/hidden.h"
#include "dataplane/session/session.h"
#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_line.h"
#include "dataplane/session/session_more.h"
#include "dataplane/session/session_pack.h"
#include "dataplane/session/session_peer.h"
#include "dataplane/session/session_pressure.h"
#include "dataplane/session/session_settings.h"
#include "dataplane/session/session_timer.h"
#include "dataplane/session/session_tls.h"

enum {
    ANSWERS = 64,
    STALLED_RUN = 64,
    NEAR_ROUNDS = 16,
    BAN_LOOKS = 64,
};

/* ---- life of a session ---- */

struct sessions *sessions_new(const struct sessions_options *options)
{
    struct sessions *ss = calloc(1, sizeof(*ss));
    uint8_t *out = hidden_new(SESSION_OUT);

    if (!ss || !out)
        goto failed;
    ss->options = *options;
    ss->table = calloc(options->connections, sizeof(*ss->table));
    ss->packs = calloc(options->connections, sizeof(*ss->packs));
    ss->stalled = calloc(options->connections, sizeof(*ss->stalled));
    ss->mime_scratch = hidden_new(SESSION_MIME_SCRATCH);
    ss->header_text = hidden_new(SESSION_HEADER_TEXT);
    ss->crypto = session_crypto_new();
    if (!ss->crypto || !ss->table || !ss->packs || !ss->stalled || !ss->mime_scratch ||
        !ss->header_text)
        goto failed;
    ss->out = writer_of(out, SESSION_OUT);
    ss->counters = handoff_counters(options->port);
    ss->ids =
        (struct id128_source){.node = options->node,
                              .worker = handoff_worker(options->port),
                              .last_ms = options->ids_after_ms ? options->ids_after_ms + 1 : 0};
    ss->free = SESSION_NONE;
    for (uint32_t i = options->connections; i-- > 0;) {
        ss->table[i].next = ss->free;
        ss->free = i;
    }
    session_timer_init(ss, 0);
    return ss;
failed:
    hidden_free(out, SESSION_OUT);
    sessions_free(ss);
    return NULL;
}

void sessions_free(struct sessions *ss)
{
    if (!ss)
        return;
    free(ss->table);
    free(ss->packs);
    free(ss->stalled);
    session_crypto_free(ss->crypto);
    hidden_free(ss->mime_scratch, SESSION_MIME_SCRATCH);
    hidden_free(ss->header_text, SESSION_HEADER_TEXT);
    hidden_free(ss->out.data, SESSION_OUT);
    free(ss);
}

static struct session *take_place(struct sessions *ss)
{
    uint32_t at = ss->free, generation;
    struct session *s;
    bool stalled;

    if (at == SESSION_NONE)
        return NULL;
    s = &ss->table[at];
    ss->free = s->next;
    generation = s->generation;
    /* The place may still stand in the queue for its last user. */
    stalled = s->stalled;
    memset(s, 0, sizeof(*s));
    s->generation = generation;
    s->stalled = stalled;
    s->slot = UINT16_MAX;
    s->state = SESSION_OPEN;
    ss->count++;
    if (++ss->counters->sessions_open > ss->counters->sessions_most)
        ss->counters->sessions_most = ss->counters->sessions_open;
    return s;
}

static void give_place(struct sessions *ss, struct session *s)
{
    session_timer_remove(ss, s);
    s->state = SESSION_FREE;
    s->generation++;
    s->next = ss->free;
    ss->free = session_index(ss, s);
    ss->count--;
    ss->counters->sessions_open--;
    ss->counters->sessions_ended++;
}

static void begin(struct sessions *ss, struct session *s)
{
    bool implicit = tcp_tag(s->conn) >> SESSION_TAG_TLS == LISTENER_IMPLICIT;

    if (session_limit_resets(ss, s, implicit))
        return;
    if (implicit)
        session_tls_begin(ss, s, false);
    else
        session_protocol(s)->begin(ss, s);
}

/* The proxy's header comes first, where one must. */
static void begin_behind_proxy(struct sessions *ss, struct session *s)
{
    bool proxied;

    if (!session_peer_proxied(ss, s, &proxied)) {
        session_abort(ss, s, "no memory for a PROXY header");
        return;
    }
    s->header = proxied;
    if (!proxied)
        begin(ss, s);
}

static struct session *accept_connection(struct sessions *ss, struct tcp_conn *conn)
{
    struct session *s = take_place(ss);

    if (!s) {
        struct ip_address client, server;
        uint16_t client_port, server_port;

        ss->counters->sessions_refused_pool++;
        tcp_endpoints(conn, &server, &server_port, &client, &client_port);
        session_log(ss, LOG_MESSAGE_sessions_full, &client);
        tcp_abort(ss->options.tcp, conn);
        tcp_forget(ss->options.tcp, conn);
        return NULL;
    }
    ss->counters->sessions_accepted++;
    s->conn = conn;
    s->protocol = tcp_tag(conn) & ((1 << SESSION_TAG_TLS) - 1);
    s->began_ms = ss->time.wall_ms;
    s->since = ss->time.now;
    s->id = id128_next(&ss->ids, ss->time.wall_ms);
    tcp_set_user(conn, s);
    begin_behind_proxy(ss, s);
    return s;
}

static bool is_idle(struct sessions *ss, struct session *s)
{
    if (!session_tls_idle(ss, s))
        return false;
    return session_protocol(s)->idle(ss, s);
}

/* The connection goes: the record is written while its addresses are still known. */
static void let_go(struct sessions *ss, struct session *s, const char *reason)
{
    const struct session_protocol *protocol = session_protocol(s);
    struct tcp_conn *conn = s->conn;

    session_record(ss, s, reason);
    session_limit_gone(ss, s);
    s->conn = NULL;
    if (protocol->holds && protocol->holds(s, conn))
        return;
    tcp_set_user(conn, NULL);
    tcp_forget(ss->options.tcp, conn);
}

/* Ends the session, or lets it linger while its protocol says that something is outstanding. */
static void settle(struct sessions *ss, struct session *s)
{
    if (s->state == SESSION_OPEN)
        s->state = SESSION_LINGERING;
    if (!is_idle(ss, s))
        return;
    if (session_protocol(s)->gone)
        session_protocol(s)->gone(ss, s);
    session_auth_end(ss, s);
    session_line_give(ss, s);
    if (s->conn)
        let_go(ss, s, "closed");
    session_pack_give(ss, s);
    session_tls_give(ss, s);
    session_more_give(ss, s);
    give_place(ss, s);
}

void session_shutdown(struct sessions *ss, struct session *s)
{
    if (!session_flush(ss, s) || s->closing)
        return;
    s->closing = true;
    session_deadline(ss, s, session_protocol(s)->patience(ss));
    if (s->tls)
        session_tls_close(ss, s);
    tcp_shutdown(ss->options.tcp, s->conn);
    tcp_discard(ss->options.tcp, s->conn);
}

/* The peer reset, TCP gave up, or both sides are done. */
static void connection_gone(struct sessions *ss, struct session *s)
{
    s->closing = true;
    let_go(ss, s, tcp_close_reason(s->conn));
    settle(ss, s);
}

void session_abort(struct sessions *ss, struct session *s, const char *reason)
{
    tcp_abort(ss->options.tcp, s->conn);
    s->closing = true;
    let_go(ss, s, reason);
}

static void run_behind_proxy(struct sessions *ss, struct session *s)
{
    if (!session_peer_read(ss, s))
        return;
    s->header = false;
    begin(ss, s);
}

static void run(struct sessions *ss, struct session *s)
{
    if (s->state == SESSION_OPEN && s->conn && s->header)
        run_behind_proxy(ss, s);
    if (s->state == SESSION_OPEN && s->conn && session_tls_shakes(s)) {
        session_tls_run(ss, s);
    } else if (s->state == SESSION_OPEN && s->conn && !s->header) {
        session_protocol(s)->run(ss, s);
    }
    if (s->closing || !s->conn)
        settle(ss, s);
}

/* ---- services to the protocols ---- */

/* The session a job was asked for, or NULL when that one has gone. */
static struct session *of_job(struct sessions *ss, const struct job *job)
{
    struct session *s = &ss->table[job->session];

    return s->state != SESSION_FREE && s->generation == job->generation ? s : NULL;
}

void session_stall(struct sessions *ss, struct session *s)
{
    if (s->stalled)
        return;
    s->stalled = true;
    ss->stalled[(ss->stalled_first + ss->stalled_count++) % ss->options.connections] =
        session_index(ss, s);
}

struct job *session_job(struct sessions *ss, struct session *s, enum job_kind kind)
{
    struct job *job = job_take(ss->options.port);

    if (!job) {
        ss->counters->jobs_parked++;
        session_stall(ss, s);
        return NULL;
    }
    job->kind = (uint8_t)kind;
    job->session = session_index(ss, s);
    job->generation = s->generation;
    return job;
}

void session_deadline(struct sessions *ss, struct session *s, uint64_t milliseconds)
{
    s->deadline = ss->time.now + milliseconds * 1000;
    session_timer_set(ss, s);
}

/* ---- the turn ---- */

/* What it was asked with; what it was answered with is read first. */
static void give_back(struct sessions *ss, struct job *job)
{
    if (job->kind == JOB_SPF) {
        chunk_give(ss->options.pool, (struct chunk *)job->spf.names);
        chunk_give(ss->options.pool, job->spf.out);
    }
    job_give(ss->options.port, job);
}

static void take_answer(struct sessions *ss, struct job *job)
{
    struct session *s = of_job(ss, job);

    if (job->kind == JOB_STORE_WRITE)
        chunk_give(ss->options.pool, (struct chunk *)job->store_write.chunk);
    else if (job->kind == JOB_GREYLIST)
        chunk_give(ss->options.pool, (struct chunk *)job->greylist.triple);
    else if (job->kind == JOB_DIRECTORY_ADDRESS || job->kind == JOB_DIRECTORY_SENDER)
        chunk_give(ss->options.pool, (struct chunk *)job->directory.names);
    if (!s) {
        if (job->generation != SESSION_NOBODY)
            ss->counters->jobs_late++;
        give_back(ss, job);
        return;
    }
    if (job->kind == JOB_TLS_HANDSHAKE) {
        if (session_tls_answer(ss, s, job))
            session_protocol(s)->begin(ss, s);
    } else {
        session_protocol(s)->answer(ss, s, job);
    }
    give_back(ss, job);
    run(ss, s);
}

static uint32_t take_answers(struct sessions *ss)
{
    struct job *jobs[ANSWERS];
    uint32_t n = job_answers(ss->options.port, jobs, ANSWERS);

    for (uint32_t i = 0; i < n; i++)
        take_answer(ss, jobs[i]);
    return n;
}

static void expire(struct sessions *ss, struct session *s)
{
    if (!s->conn) {
        /* Only answers are awaited, and control has clocks of its own. */
        session_deadline(ss, s, 60000);
        run(ss, s);
        return;
    }
    if (session_protocol(s)->wake(ss, s)) {
        run(ss, s);
        return;
    }
    ss->counters->sessions_timed_out++;
    if (!s->closing && session_tls_shakes(s))
        session_abort(ss, s, "TLS handshake timed out");
    else if (s->closing || s->header)
        session_abort(ss, s, "timed out"); /* the peer does not take what it asked for */
    else
        session_protocol(s)->expire(ss, s, SESSION_TIMED_OUT);
    run(ss, s);
}

static void end_slow(struct sessions *ss, struct session *s)
{
    ss->counters->sessions_slow++;
    session_protocol(s)->expire(ss, s, SESSION_TIMED_OUT);
    run(ss, s);
}

/* What a session hears that control ends. */
static void say(struct sessions *ss, struct session *s, enum session_end why)
{
    if (s->header || session_tls_shakes(s))
        session_abort(ss, s, why == SESSION_BANNED ? "banned" : "drained");
    else
        session_protocol(s)->expire(ss, s, why);
}

/* Asks a session to go that is between transactions, or any one once `now` is past the drain's
 * deadline. */
static void drain_session(struct sessions *ss, struct session *s, bool force)
{
    if (force && s->state == SESSION_LINGERING && s->conn) {
        session_abort(ss, s, "drained");
        run(ss, s);
        return;
    }
    if (s->state != SESSION_OPEN || !s->conn || s->closing)
        return;
    if (!force && session_protocol(s)->busy(s))
        return;
    say(ss, s, SESSION_DRAINED);
    ss->counters->sessions_drained += s->closing;
    run(ss, s);
}

static void drain_step(struct sessions *ss)
{
    bool force = ss->time.now >= ss->drain_deadline;

    for (uint32_t i = 0; i < ss->options.connections && ss->count; i++)
        drain_session(ss, &ss->table[i], force);
}

/* One that waits for a commit ends behind it: false, it is to be looked at again. */
static bool end_banned(struct sessions *ss, struct session *s)
{
    bool ended;

    if (s->state != SESSION_OPEN || !s->conn || s->closing || !session_limit_banned(ss, s))
        return true;
    say(ss, s, SESSION_BANNED);
    ended = !s->conn || s->closing;
    ss->counters->sessions_ended_banned += ended;
    run(ss, s);
    return ended;
}

/* Some at a time, since there may be very many. */
static void ban_step(struct sessions *ss)
{
    uint32_t waiting = 0;

    ss->ban_left = ss->count ? ss->ban_left : 0;
    for (int i = 0; i < BAN_LOOKS && ss->ban_left; i++) {
        waiting += !end_banned(ss, &ss->table[ss->ban_next]);
        ss->ban_next = (ss->ban_next + 1) % ss->options.connections;
        ss->ban_left--;
    }
    if (waiting)
        ss->ban_left = ss->options.connections;
}

/* What near services answered in this turn leaves in it; whoever goes on asking waits for the next.
 */
static uint32_t take_near_answers(struct sessions *ss)
{
    uint32_t n = 0;

    for (int i = 0; i < NEAR_ROUNDS && job_answered_near(ss->options.port); i++)
        n += take_answers(ss);
    return n;
}

/* Maybe of a session that has gone. */
static void take_news(struct sessions *ss, uint64_t argument)
{
    uint32_t place = (uint32_t)argument;
    struct session *s = place < ss->options.connections ? &ss->table[place] : NULL;

    if (!s || s->state != SESSION_OPEN || s->generation != argument >> 32)
        return;
    s->news = true;
    run(ss, s);
}

static uint32_t take_notices(struct sessions *ss)
{
    struct notice notice;
    uint32_t n = 0;

    for (; notice_take(ss->options.port, &notice); n++) {
        if (notice.kind == NOTICE_MAIL)
            take_news(ss, notice.argument);
        if (notice.kind == NOTICE_BAN)
            ss->ban_left = ss->options.connections;
        if (notice.kind != NOTICE_DRAIN)
            continue;
        ss->draining = true;
        ss->drain_deadline = ss->time.now + notice.argument * 1000;
        tcp_unlisten(ss->options.tcp);
    }
    return n;
}

static void discard_step(struct sessions *ss)
{
    while (ss->discard_count) {
        struct job *job = job_take(ss->options.port);

        if (!job)
            return;
        job->kind = JOB_STORE_DISCARD;
        job->session = 0;
        job->generation = SESSION_NOBODY;
        job->store_discard = ss->discards[--ss->discard_count];
        job_submit(ss->options.port, job);
    }
}

static void run_stalled(struct sessions *ss)
{
    uint32_t n = ss->stalled_count < STALLED_RUN ? ss->stalled_count : STALLED_RUN;

    /* Those that stall again go to the end, so each gets its turn at what becomes free. */
    while (n--) {
        struct session *s = &ss->table[ss->stalled[ss->stalled_first]];

        ss->stalled_first = (ss->stalled_first + 1) % ss->options.connections;
        ss->stalled_count--;
        s->stalled = false;
        if (s->state != SESSION_FREE)
            run(ss, s);
    }
}

static void take_events(struct sessions *ss, struct tcp_conn *conn)
{
    uint32_t events = tcp_events(conn);
    struct session *s = tcp_user(conn);

    if (!s && (events & TCP_EVENT_ACCEPTED)) {
        s = accept_connection(ss, conn);
        if (!s)
            return;
    }
    if (!s) {
        /* Established and gone before anybody took it. */
        if (events & TCP_EVENT_CLOSED)
            tcp_forget(ss->options.tcp, conn);
        return;
    }
    if (s->conn != conn) {
        /* It has ended for the session already: its begin failed, or only its pins are still
         * wanted. */
        run(ss, s);
        return;
    }
    if (events & TCP_EVENT_CLOSED) {
        connection_gone(ss, s);
        return;
    }
    if (events & TCP_EVENT_EOF)
        s->eof = true;
    run(ss, s);
}

static void take_settings(struct sessions *ss)
{
    const struct settings *published = handoff_settings(ss->options.port);

    if (published && published->version != ss->settings.version)
        session_settings_take(ss, published);
}

uint32_t sessions_turn(struct sessions *ss, struct turn_time time)
{
    struct tcp_conn *conn;
    uint32_t done = 0;

    ss->time = time;
    take_settings(ss);
    session_tls_share(ss);
    done += take_answers(ss);
    done += take_notices(ss);
    while ((conn = tcp_ready(ss->options.tcp)) != NULL) {
        take_events(ss, conn);
        done++;
    }
    session_tls_share(ss);
    if (ss->stalled_count)
        run_stalled(ss);
    done += session_timer_run(ss, expire);
    session_pressure_run(ss, end_slow);
    session_pressure_tell(ss);
    if (ss->draining && ss->count)
        drain_step(ss);
    if (ss->ban_left)
        ban_step(ss);
    if (ss->discard_count)
        discard_step(ss);
    return done + take_near_answers(ss);
}

uint64_t sessions_next_timer(const struct sessions *ss)
{
    if (ss->stalled_count || ss->ban_left || (ss->draining && ss->count))
        return 0;
    return session_timer_next(ss);
}

uint32_t sessions_count(const struct sessions *ss)
{
    return ss->count;
}
