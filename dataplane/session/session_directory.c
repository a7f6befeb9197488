/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_directory.h"

#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_envelope.h"
#include "dataplane/session/session_sender.h"
#include "dataplane/session/transaction_submission.h"

/* It has to outlive the line it stood in. */
static bool keep(struct sessions *ss, struct transaction *tx, const struct address *address)
{
    size_t local = address->local.len, domain = address->domain.len;

    if (address == &tx->asked)
        return true;
    tx->asked = *address;
    if (!transaction_copy(ss, tx,
                          domain ? span_between(address->local.data, address->domain.data + domain)
                                 : address->local,
                          &tx->asked.local))
        return false;
    tx->asked.domain = span_skip(tx->asked.local, tx->asked.local.len - domain);
    tx->asked.local = span_head(tx->asked.local, local);
    return true;
}

static struct chunk *take_names(struct sessions *ss, struct session *s,
                                const struct address *address, uint64_t account,
                                uint32_t *address_out)
{
    struct chunk *c = chunk_take(ss->options.pool, CHUNK_MEDIUM);
    struct writer w;

    if (!c)
        return NULL;
    w = writer_of(c->data, 2 * ADDRESS_KEY_MAX);
    address_key(&w, address, false);
    *address_out = (uint32_t)w.len;
    if (account)
        writer_span_put(&w, session_auth_name(s));
    c->len = (uint32_t)w.len;
    if (!w.full)
        return c;
    chunk_give(ss->options.pool, c);
    return NULL;
}

bool session_directory_ask(struct sessions *ss, struct session *s, const struct address *address,
                           uint64_t account, enum session_directory_for what)
{
    struct transaction *tx = s->tx;
    uint32_t len = 0;
    struct chunk *names =
        keep(ss, tx, address) ? take_names(ss, s, &tx->asked, account, &len) : NULL;
    struct job *job = names ? job_take(ss->options.port) : NULL;

    if (!job) {
        chunk_give(ss->options.pool, names);
        ss->counters->directory_unasked++;
        return false;
    }
    job->kind = account ? JOB_DIRECTORY_SENDER : JOB_DIRECTORY_ADDRESS;
    job->session = session_index(ss, s);
    job->generation = s->generation;
    job->directory = (struct job_directory){.names = names, .account = account, .address = len};
    tx->directory = job;
    tx->directory_for = (uint8_t)what;
    job_submit(ss->options.port, job);
    ss->counters->directory_asked++;
    session_deadline(ss, s, ss->settings.directory_timeout_ms);
    return true;
}

bool session_directory_senders(struct sessions *ss, struct session *s, enum smtp_reply_id *row)
{
    struct address address;

    while (*row == SMTP_REPLY_NONE && transaction_submission_unseen(s->tx, &address)) {
        uint64_t account = transaction_submission_account(s->tx);

        *row = session_sender_check(ss, account, &address, SMTP_REPLY_FROM_NOT_YOURS);
        if (*row == SMTP_REPLY_DIRECTORY_AWAY &&
            session_directory_ask(ss, s, &address, account, SESSION_DIRECTORY_END))
            return true;
    }
    return false;
}

static void senders_known(struct sessions *ss, struct session *s, bool known)
{
    enum smtp_reply_id row = SMTP_REPLY_DIRECTORY_AWAY;

    if (known)
        row = session_sender_check(ss, transaction_submission_account(s->tx), &s->tx->asked,
                                   SMTP_REPLY_FROM_NOT_YOURS);
    if (!session_directory_senders(ss, s, &row))
        session_smtp_decide(ss, s, row);
}

static void go_on(struct sessions *ss, struct session *s, bool known)
{
    switch ((enum session_directory_for)s->tx->directory_for) {
    case SESSION_DIRECTORY_RCPT:
        session_envelope_rcpt_known(ss, s, known);
        break;
    case SESSION_DIRECTORY_MAIL:
        session_envelope_mail_known(ss, s, known);
        break;
    case SESSION_DIRECTORY_END:
        senders_known(ss, s, known);
        break;
    }
}

void session_directory_answer(struct sessions *ss, struct session *s, const struct job *job)
{
    if (!s->tx || s->tx->directory != job)
        return;
    s->tx->directory = NULL;
    ss->counters->directory_unasked += job->status != JOB_OK;
    go_on(ss, s, job->status == JOB_OK);
}

bool session_directory_due(struct sessions *ss, struct session *s)
{
    if (!s->conn || s->closing || !s->tx || !s->tx->directory)
        return false;
    s->tx->directory = NULL;
    ss->counters->directory_unasked++;
    go_on(ss, s, false);
    return true;
}
