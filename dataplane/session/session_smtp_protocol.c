/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_directory.h"
#include "dataplane/session/session_greet.h"
#include "dataplane/session/session_greylist.h"
#include "dataplane/session/session_spf.h"
#include "dataplane/session/session_peer.h"
#include "dataplane/session/session_settings.h"
#include "dataplane/session/session_smtp.h"
#include "dataplane/session/session_tls.h"
#include "proto/sasl/sasl_server.h"

/* How a session of SMTP or of a submission begins and ends. */

/* Behind STARTTLS all that the client has said is forgotten (RFC 3207 section 4.2). */
static void begin_again(struct sessions *ss, struct session *s)
{
    s->name_len = 0;
    s->esmtp = false;
    smtp_server_secured(&s->smtp, session_settings_smtp(ss, s));
}

static void begin_first(struct sessions *ss, struct session *s)
{
    smtp_server_init(&s->smtp, session_settings_smtp(ss, s));
    if (session_peer_trusted(ss, s))
        smtp_server_trust(&s->smtp);
}

static void begin(struct sessions *ss, struct session *s)
{
    if (session_tls_upgraded(s))
        begin_again(ss, s);
    else
        begin_first(ss, s);
    session_deadline(ss, s, ss->settings.command_timeout_ms);
    session_smtp_run(ss, s);
}

static bool idle(struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;

    if (!tx || !tx->commit)
        return tx ? transaction_may_end(ss, s, tx) : session_auth_idle(s);
    /* Nobody is left to answer: what control has not begun it may drop. */
    atomic_store_explicit(&tx->commit->cancelled, 1, memory_order_release);
    return false;
}

static const enum smtp_reply_id farewells[] = {[SESSION_TIMED_OUT] = SMTP_REPLY_TIMEOUT,
                                               [SESSION_DRAINED] = SMTP_REPLY_DRAINING,
                                               [SESSION_BANNED] = SMTP_REPLY_BANNED};

static void expire(struct sessions *ss, struct session *s, enum session_end why)
{
    struct transaction *tx = s->tx;

    if (tx && tx->commit) {
        /* What control has not begun is dropped; what it has begun is durable before we know: wait
         * for its word. */
        atomic_store_explicit(&tx->commit->cancelled, 1, memory_order_release);
        session_deadline(ss, s, ss->settings.end_timeout_ms);
        return;
    }
    if (tx && tx->step == TRANSACTION_WRITING) {
        session_smtp_conclude(ss, s, SMTP_REPLY_STORE_ERROR, span_of(NULL, 0));
        session_smtp_run(ss, s);
        return;
    }
    smtp_server_stop(&s->smtp, farewells[why]);
    session_smtp_run(ss, s);
    /* A peer that does not even read our last words is not waited for. */
    if (s->conn && !s->closing)
        session_abort(ss, s, "timed out");
}

static void gone(struct sessions *ss, struct session *s)
{
    if (s->tx)
        session_smtp_end(ss, s);
}

/* ---- the table ---- */

static bool wake(struct sessions *ss, struct session *s)
{
    return session_greet_due(s) || session_greylist_due(ss, s) || session_directory_due(ss, s) ||
           session_spf_due(ss, s) || session_smtp_wake(ss, s);
}

static bool busy(const struct session *s)
{
    return s->tx != NULL;
}

/* Lines of an exchange may be long, in SMTP already that of the command. */
static enum chunk_class line_class(const struct session *s)
{
    _Static_assert(SMTP_COMMAND_LINE_MAX <= 4096 - CHUNK_HEADER, "a line fits its chunk");
    return s->protocol == LISTENER_SUBMISSION ? CHUNK_LARGE : CHUNK_MEDIUM;
}

static void attach(struct session *s, uint8_t *buffer)
{
    smtp_server_attach(&s->smtp, buffer);
}

static bool detach(struct session *s)
{
    return smtp_server_detach(&s->smtp) != NULL;
}

static const char *refusal(const struct session *s)
{
    return smtp_reply_row(s->last_refusal)->counter;
}

static uint32_t patience(const struct sessions *ss)
{
    return ss->settings.command_timeout_ms;
}

const struct session_protocol session_smtp_protocol = {
    .begin = begin,
    .run = session_smtp_run,
    .answer = session_smtp_answer,
    .wake = wake,
    .expire = expire,
    .busy = busy,
    .idle = idle,
    .gone = gone,
    .leave = session_auth_leave,
    .line_class = line_class,
    .attach = attach,
    .detach = detach,
    .refusal = refusal,
    .patience = patience,
};
