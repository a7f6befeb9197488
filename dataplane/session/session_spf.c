/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_spf.h"

#include "dataplane/session/session_envelope.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/session_more.h"
#include "dataplane/session/transaction.h"
#include "proto/spf/spf_check.h"

/* What is known at MAIL; the reverse path is spelled out already. */
static struct chunk *take_names(struct sessions *ss, struct session *s, uint32_t *helo_out)
{
    struct chunk *c = chunk_take(ss->options.pool, CHUNK_MEDIUM);
    struct span helo = session_name(s), sender = s->tx->message.envelope.sender;

    if (!c)
        return NULL;
    memcpy(c->data, helo.data, helo.len);
    memcpy(c->data + helo.len, sender.data, sender.len);
    *helo_out = (uint32_t)helo.len;
    c->len = (uint32_t)(helo.len + sender.len);
    return c;
}

static bool submit(struct sessions *ss, struct session *s)
{
    uint32_t helo = 0;
    struct chunk *names = take_names(ss, s, &helo);
    struct chunk *out = names ? chunk_take(ss->options.pool, CHUNK_MEDIUM) : NULL;
    struct job *job = out ? job_take(ss->options.port) : NULL;

    if (!job) {
        chunk_give(ss->options.pool, names);
        chunk_give(ss->options.pool, out);
        return false;
    }
    out->len = 0;
    job->kind = JOB_SPF;
    job->session = session_index(ss, s);
    job->generation = s->generation;
    job->spf = (struct job_spf){.names = names, .out = out, .helo = helo};
    session_client(s, &job->spf.client);
    s->tx->spf = job;
    job_submit(ss->options.port, job);
    return true;
}

static void record_result(struct transaction *tx)
{
    tx->record->message.spf = true;
    tx->record->message.spf_result = tx->spf_result;
    tx->record->message.spf_helo = tx->spf_helo;
}

bool session_spf_ask(struct sessions *ss, struct session *s)
{
    struct transaction *tx = s->tx;

    if (!(ss->spf_given || ss->settings.spf.check) || tx->submission ||
        session_limit_trusted(ss, s))
        return false;
    tx->spf_known = true;
    tx->spf_result = ss->spf_given ? ss->spf_given - 1 : SPF_RESULT_TEMPERROR;
    record_result(tx);
    if (ss->spf_given)
        return false;
    if (!submit(ss, s)) {
        ss->counters->spf_unasked++;
        return false;
    }
    ss->counters->spf_asked++;
    session_deadline(ss, s, ss->settings.spf.timeout_ms);
    return true;
}

/* The answer's text, kept with the message. */
static void keep(struct sessions *ss, struct transaction *tx, const struct job_spf *spf)
{
    struct span text = span_of(spf->out->data, spf->out->len), kept = span_of(NULL, 0);

    tx->spf_result = spf->result_out;
    tx->spf_helo = spf->helo_out;
    record_result(tx);
    if (!text.len || !transaction_copy(ss, tx, text, &kept)) {
        ss->counters->spf_fields_left_out++;
        return;
    }
    tx->spf_fields = span_head(kept, spf->fields_out);
    tx->spf_text = span_skip(kept, spf->fields_out);
}

void session_spf_answer(struct sessions *ss, struct session *s, const struct job *job)
{
    if (!s->tx || s->tx->spf != job)
        return;
    s->tx->spf = NULL;
    if (job->status == JOB_OK)
        keep(ss, s->tx, &job->spf);
    else
        ss->counters->spf_unasked++;
    session_envelope_mail_checked(ss, s);
}

bool session_spf_due(struct sessions *ss, struct session *s)
{
    if (!s->conn || s->closing || !s->tx || !s->tx->spf)
        return false;
    s->tx->spf = NULL;
    ss->counters->spf_unasked++;
    session_envelope_mail_checked(ss, s);
    return true;
}

struct span session_spf_word(const struct transaction *tx)
{
    return tx->spf_known ? span_text(spf_result_word((enum spf_result)tx->spf_result))
                         : span_of(NULL, 0);
}

enum smtp_reply_id session_spf_row(const struct sessions *ss, const struct transaction *tx,
                                   struct span *text_out)
{
    const struct spf_settings *o = &ss->settings.spf;

    *text_out = span_of(NULL, 0);
    if (!tx->spf_known)
        return SMTP_REPLY_NONE;
    switch ((enum spf_result)tx->spf_result) {
    case SPF_RESULT_FAIL:
        *text_out = tx->spf_text;
        return o->refuse_fail ? SMTP_REPLY_SPF_FAIL : SMTP_REPLY_NONE;
    case SPF_RESULT_PERMERROR:
        return o->refuse_permerror ? SMTP_REPLY_SPF_PERMERROR : SMTP_REPLY_NONE;
    case SPF_RESULT_TEMPERROR:
        return o->defer_temperror ? SMTP_REPLY_SPF_TEMPERROR : SMTP_REPLY_NONE;
    default:
        return SMTP_REPLY_NONE;
    }
}
