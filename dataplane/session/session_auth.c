/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_auth.h"

#include "dataplane/session/recipient.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_more.h"
#include "dataplane/session/session_tls.h"
#include "proto/sasl/sasl_server.h"

enum { NO_JOB = JOB_KINDS };

/* Who has logged in, or tries to: all that is left behind the exchange, in a small chunk. */
struct login {
    uint64_t account; /* 0: an exchange is under way, and `struct exchange` has more */
    uint16_t name_len;
    bool counted; /* among the sessions of the account */
    uint8_t name[ADDRESS_KEY_MAX];
};
_Static_assert(sizeof(struct login) <= 512 - CHUNK_HEADER, "it lies in a small chunk");

/* In a medium chunk, or a large one. */
struct exchange {
    struct login login;
    struct ip_address client;
    uint8_t wanted, asked; /* enum job_kind, or NO_JOB: waits for a free job, control has it */
    uint8_t held;          /* enum session_auth_outcome until the deadline; 0: none */
    uint32_t delay_ms;     /* of a refusal that the client reads about before it is answered */
    bool token;            /* it is one that is asked about */
    bool proved;           /* by SCRAM; who it is is known, and the client has to be told ours */
    uint64_t account;
    struct job *job; /* that control has */
    struct sasl_server sasl;
    uint8_t text[];
};
_Static_assert(sizeof(struct exchange) + SASL_TEXT_MAX <= 4096 - CHUNK_HEADER,
               "it lies in a medium chunk");
_Static_assert(sizeof(struct exchange) + SASL_TOKEN_TEXT_MAX <= CHUNK_LARGE_DATA,
               "with a token in a large one");

/* Where its chunk hangs: behind session_more, and behind those of TLS where there are some. NULL:
 * there is no session_more. */
static struct chunk **place_of(const struct session *s)
{
    struct chunk **place = s->more ? &s->more->next : NULL;

    if (place && s->tls)
        place = session_tls_of(s)->identity ? &(*place)->next->next : &(*place)->next;
    return place;
}

static struct login *login_of(const struct session *s)
{
    struct chunk **place = place_of(s);

    return place && *place ? (struct login *)(*place)->data : NULL;
}

static struct exchange *exchange_of(const struct session *s)
{
    struct login *login = login_of(s);

    return login && login->account == 0 ? (struct exchange *)login : NULL;
}

uint64_t session_auth_account(const struct session *s)
{
    const struct login *login = login_of(s);

    return login ? login->account : 0;
}

struct span session_auth_name(const struct session *s)
{
    const struct login *login = login_of(s);

    return login ? span_of(login->name, login->name_len) : span_of(NULL, 0);
}

uint64_t session_auth_claimed(const struct session *s)
{
    return exchange_of(s)->account;
}

struct span session_auth_challenge(const struct session *s)
{
    return sasl_server_challenge(&exchange_of(s)->sasl);
}

void session_auth_leave(struct sessions *ss, struct session *s)
{
    struct login *login = login_of(s);

    if (login)
        session_limit_logout(ss, login->account, &login->counted);
}

void session_auth_end(struct sessions *ss, struct session *s)
{
    struct exchange *x = exchange_of(s);

    if (x)
        sasl_server_wipe(&x->sasl);
    if (!login_of(s))
        return;
    session_auth_leave(ss, s);
    chunk_give(ss->options.pool, *place_of(s));
    *place_of(s) = NULL;
}

enum session_auth_outcome session_auth_keep(struct sessions *ss, struct session *s)
{
    struct exchange *x = exchange_of(s);
    struct chunk *home = chunk_take(ss->options.pool, CHUNK_SMALL);
    enum session_auth_outcome outcome = SESSION_AUTH_KNOWN;
    struct login *login;

    if (home) {
        login = (struct login *)home->data;
        *login = x->login;
        login->account = x->account;
        if (session_limit_login(ss, login->account, &login->counted).smtp) {
            chunk_give(ss->options.pool, home);
            home = NULL;
            outcome = SESSION_AUTH_SESSIONS;
        }
    } else {
        outcome = SESSION_AUTH_TEMPORARY;
    }
    session_auth_end(ss, s);
    *place_of(s) = home;
    return outcome;
}

/* ---- questions ---- */

/* A name that reads as an address is looked up as mail to it would be; any other cannot exist, but
 * is judged alike. */
static void set_name(struct sessions *ss, struct login *login, struct span user)
{
    struct writer key = writer_of(login->name, sizeof(login->name));
    struct address address;

    if (address_mailbox(user, ADDRESS_ALLOW_UTF8, &address) != ADDRESS_OK ||
        !recipient_key(ss->settings.directory, &address, &key)) {
        key = writer_of(login->name, sizeof(login->name));
        writer_span_put(&key, span_head(user, sizeof(login->name)));
    }
    login->name_len = (uint16_t)key.len;
}

static void fill(const struct session *s, struct exchange *x, struct job *job)
{
    const struct sasl_question *q = &x->sasl.question;
    struct span name = span_of(x->login.name, x->login.name_len);

    switch (x->wanted) {
    case JOB_ACCOUNT_LOGIN:
        job->account_login = (struct job_account_login){
            .user = name, .identity = q->identity, .password = q->password, .client = x->client};
        break;
    case JOB_ACCOUNT_SALT:
        job->account_salt = (struct job_account_salt){.user = name, .hash = q->hash};
        break;
    case JOB_ACCOUNT_IDENTITY:
        job->account_identity =
            (struct job_account_identity){.shown = x->token ? q->password : session_tls_identity(s),
                                          .identity = q->identity,
                                          .client = x->client,
                                          .name = x->login.name,
                                          .token = x->token};
        break;
    default:
        job->account_proof = (struct job_account_proof){.user = name,
                                                        .identity = q->identity,
                                                        .message = q->message,
                                                        .client = x->client,
                                                        .hash = q->hash};
        memcpy(job->account_proof.proof, q->proof, sizeof(q->proof));
        break;
    }
}

static void submit(struct sessions *ss, struct session *s, struct exchange *x)
{
    struct job *job = session_job(ss, s, (enum job_kind)x->wanted);

    if (!job)
        return;
    fill(s, x, job);
    x->asked = x->wanted;
    x->wanted = NO_JOB;
    x->job = job;
    job_submit(ss->options.port, job);
}

void session_auth_pursue(struct sessions *ss, struct session *s)
{
    struct exchange *x = exchange_of(s);

    if (x && x->wanted != NO_JOB && s->conn && !s->closing)
        submit(ss, s, x);
}

bool session_auth_waits(const struct session *s)
{
    const struct exchange *x = exchange_of(s);

    return x && (x->asked != NO_JOB || x->wanted != NO_JOB || x->held);
}

bool session_auth_idle(struct session *s)
{
    struct exchange *x = exchange_of(s);

    if (!x || x->asked == NO_JOB)
        return true;
    atomic_store_explicit(&x->job->cancelled, 1, memory_order_release);
    return false;
}

/* Who somebody says to be. */
static struct span claimed_name(const struct session *s, const struct sasl_question *q)
{
    if (q->user.len)
        return q->user;
    return q->kind == SASL_ASK_EXTERNAL && !q->identity.len ? session_tls_identity(s) : q->identity;
}

static enum session_auth_outcome ask(struct sessions *ss, struct session *s, struct exchange *x)
{
    static const uint8_t kinds[] = {[SASL_ASK_PASSWORD] = JOB_ACCOUNT_LOGIN,
                                    [SASL_ASK_SALT] = JOB_ACCOUNT_SALT,
                                    [SASL_ASK_EXTERNAL] = JOB_ACCOUNT_IDENTITY,
                                    [SASL_ASK_TOKEN] = JOB_ACCOUNT_IDENTITY,
                                    [SASL_ASK_PROOF] = JOB_ACCOUNT_PROOF};

    x->token = x->sasl.question.kind == SASL_ASK_TOKEN;
    if (!x->login.name_len)
        set_name(ss, &x->login, claimed_name(s, &x->sasl.question));
    x->wanted = kinds[x->sasl.question.kind];
    submit(ss, s, x);
    return SESSION_AUTH_WAITS;
}

/* A refusal waits for as long as control has said. */
static enum session_auth_outcome hold(struct sessions *ss, struct session *s, struct exchange *x,
                                      enum session_auth_outcome outcome)
{
    if (!x->delay_ms || !s->conn)
        return outcome;
    ss->counters->auth_delayed++;
    x->held = (uint8_t)outcome;
    session_deadline(ss, s, x->delay_ms);
    return SESSION_AUTH_WAITS;
}

static enum session_auth_outcome follow(struct sessions *ss, struct session *s, struct exchange *x,
                                        enum sasl_status status)
{
    switch (status) {
    case SASL_CHALLENGE:
        return SESSION_AUTH_CHALLENGE;
    case SASL_ASK:
        return ask(ss, s, x);
    case SASL_DONE:
        return x->proved ? SESSION_AUTH_KNOWN : SESSION_AUTH_BAD;
    case SASL_CANCELLED:
        return SESSION_AUTH_CANCELLED;
    case SASL_REFUSED:
        return hold(ss, s, x, SESSION_AUTH_FAILED);
    case SASL_DOWNGRADED:
        return SESSION_AUTH_DOWNGRADED;
    case SASL_UNBOUND:
        return SESSION_AUTH_UNBOUND;
    case SASL_BAD:
        break;
    }
    return SESSION_AUTH_BAD;
}

/* ---- the client's lines ---- */

uint32_t session_auth_has(const struct session *s)
{
    const struct session_tls *t = session_tls_of(s);
    uint32_t has = t ? SASL_NEEDS_TLS : 0;

    if (t && (t->binding.exporter_len || t->binding.end_point_len))
        has |= SASL_NEEDS_BINDING;
    return t && t->identity ? has | SASL_NEEDS_CERTIFICATE : has;
}

static struct sasl_terms terms_of(const struct sessions *ss, const struct session *s)
{
    const struct session_tls *t = session_tls_of(s);
    struct sasl_terms terms = {
        .offered = sasl_mechanisms_possible(ss->settings.mechanisms, session_auth_has(s)),
        .scope = span_text(ss->settings.oauth_scope),
        .discovery = span_text(ss->settings.oauth_discovery)};

    if (t) {
        terms.exporter = span_of(t->binding.exporter, t->binding.exporter_len);
        terms.end_point = span_of(t->binding.end_point, t->binding.end_point_len);
    }
    return terms;
}

static struct exchange *take_exchange(struct sessions *ss, struct session *s,
                                      enum sasl_mechanism mechanism)
{
    struct chunk *home;
    struct exchange *x;

    if (!session_more(ss, s))
        return NULL;
    session_auth_end(ss, s);
    home =
        chunk_take(ss->options.pool, sasl_server_has_token(mechanism) ? CHUNK_LARGE : CHUNK_MEDIUM);
    if (!home) {
        ss->counters->chunks_refused++;
        return NULL;
    }
    *place_of(s) = home;
    x = (struct exchange *)home->data;
    memset(x, 0, offsetof(struct exchange, sasl));
    x->wanted = x->asked = NO_JOB;
    session_client(s, &x->client);
    return x;
}

enum session_auth_outcome session_auth_begin(struct sessions *ss, struct session *s,
                                             struct span mechanism, struct span initial)
{
    struct sasl_terms terms = terms_of(ss, s);
    enum sasl_mechanism m = sasl_mechanism_find(mechanism, terms.offered);
    struct exchange *x;

    if (m == SASL_MECHANISMS)
        return SESSION_AUTH_MECHANISM;
    x = take_exchange(ss, s, m);
    if (!x)
        return SESSION_AUTH_TEMPORARY;
    terms.memory = x->text;
    return follow(ss, s, x, sasl_server_begin(&x->sasl, &terms, m, initial));
}

enum session_auth_outcome session_auth_password(struct sessions *ss, struct session *s,
                                                struct span user, struct span password)
{
    struct sasl_terms terms = terms_of(ss, s);
    struct exchange *x = take_exchange(ss, s, SASL_PLAIN);

    if (!x)
        return SESSION_AUTH_TEMPORARY;
    terms.memory = x->text;
    return follow(ss, s, x, sasl_server_password(&x->sasl, &terms, user, password));
}

enum session_auth_outcome session_auth_line(struct sessions *ss, struct session *s,
                                            struct span line)
{
    struct exchange *x = exchange_of(s);

    return follow(ss, s, x, sasl_server_line(&x->sasl, line));
}

/* ---- control's answers ---- */

static enum session_auth_outcome refused(struct sessions *ss, struct session *s, struct exchange *x,
                                         enum job_status status, enum login_refusal why,
                                         uint32_t delay_ms)
{
    if (status != JOB_REFUSED)
        return SESSION_AUTH_TEMPORARY;
    if (why == LOGIN_EARLY || why == LOGIN_BUSY)
        return why == LOGIN_EARLY ? SESSION_AUTH_EARLY : SESSION_AUTH_BUSY;
    ss->counters->auth_failures++;
    x->delay_ms = delay_ms;
    if (x->token)
        return follow(ss, s, x,
                      sasl_server_refused(&x->sasl, why == LOGIN_SCOPE ? "insufficient_scope"
                                                                       : "invalid_token"));
    return hold(ss, s, x, SESSION_AUTH_FAILED);
}

static enum session_auth_outcome judged(struct sessions *ss, struct session *s, struct exchange *x,
                                        const struct job *job)
{
    const struct job_account_login *a = &job->account_login;

    if (job->status != JOB_OK)
        return refused(ss, s, x, (enum job_status)job->status, (enum login_refusal)a->why_out,
                       a->delay_ms_out);
    x->account = a->account_out;
    return SESSION_AUTH_KNOWN;
}

static enum session_auth_outcome identified(struct sessions *ss, struct session *s,
                                            struct exchange *x, const struct job *job)
{
    const struct job_account_identity *a = &job->account_identity;

    if (job->status != JOB_OK)
        return refused(ss, s, x, (enum job_status)job->status, (enum login_refusal)a->why_out,
                       a->delay_ms_out);
    x->account = a->account_out;
    x->login.name_len = a->name_len_out;
    return SESSION_AUTH_KNOWN;
}

static enum session_auth_outcome salted(struct sessions *ss, struct session *s, struct exchange *x,
                                        const struct job *job)
{
    const struct job_account_salt *a = &job->account_salt;

    if (job->status != JOB_OK)
        return SESSION_AUTH_TEMPORARY;
    return follow(ss, s, x,
                  sasl_server_salt(&x->sasl, span_of(a->salt_out, a->salt_len_out),
                                   a->iterations_out, a->nonce_out));
}

static enum session_auth_outcome proved(struct sessions *ss, struct session *s, struct exchange *x,
                                        const struct job *job)
{
    const struct job_account_proof *a = &job->account_proof;

    if (job->status != JOB_OK)
        return refused(ss, s, x, (enum job_status)job->status, (enum login_refusal)a->why_out,
                       a->delay_ms_out);
    x->account = a->account_out;
    x->proved = true;
    return follow(ss, s, x, sasl_server_proved(&x->sasl, a->signature_out));
}

enum session_auth_outcome session_auth_answer(struct sessions *ss, struct session *s,
                                              const struct job *job)
{
    struct exchange *x = exchange_of(s);

    x->asked = NO_JOB;
    x->job = NULL;
    switch (job->kind) {
    case JOB_ACCOUNT_LOGIN:
        return judged(ss, s, x, job);
    case JOB_ACCOUNT_SALT:
        return salted(ss, s, x, job);
    case JOB_ACCOUNT_IDENTITY:
        return identified(ss, s, x, job);
    default:
        return proved(ss, s, x, job);
    }
}

bool session_auth_due(const struct session *s, enum session_auth_outcome *outcome_out)
{
    struct exchange *x = exchange_of(s);

    if (!x || !x->held || !s->conn || s->closing)
        return false;
    *outcome_out = (enum session_auth_outcome)x->held;
    x->held = 0;
    return true;
}

/* ---- what protocols say ---- */

enum smtp_reply_id session_auth_smtp(enum session_auth_outcome outcome)
{
    static const uint8_t rows[SESSION_AUTH_OUTCOMES] = {
#define SESSION_AUTH(name, smtp, pop3, imap) [SESSION_AUTH_##name] = SMTP_REPLY_##smtp,
#include "dataplane/session/session_auth.def"
#undef SESSION_AUTH
    };

    return (enum smtp_reply_id)rows[outcome];
}

enum pop3_reply_id session_auth_pop3(enum session_auth_outcome outcome)
{
    static const uint8_t rows[SESSION_AUTH_OUTCOMES] = {
#define SESSION_AUTH(name, smtp, pop3, imap) [SESSION_AUTH_##name] = POP3_REPLY_##pop3,
#include "dataplane/session/session_auth.def"
#undef SESSION_AUTH
    };

    return (enum pop3_reply_id)rows[outcome];
}

enum imap_reply_id session_auth_imap(enum session_auth_outcome outcome)
{
    static const uint8_t rows[SESSION_AUTH_OUTCOMES] = {
#define SESSION_AUTH(name, smtp, pop3, imap) [SESSION_AUTH_##name] = IMAP_REPLY_##imap,
#include "dataplane/session/session_auth.def"
#undef SESSION_AUTH
    };

    return (enum imap_reply_id)rows[outcome];
}
