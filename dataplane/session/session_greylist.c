/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_greylist.h"

#include "dataplane/handoff/known_table.h"
#include "dataplane/handoff/window_table.h"
#include "dataplane/session/session_envelope.h"
#include "dataplane/session/session_limit.h"
#include "dataplane/session/transaction.h"

/* The key of this client's network, the sender and the recipient. False: an address has none. */
static bool put_key(struct sessions *ss, struct session *s, const struct address *recipient,
                    struct writer *key)
{
    uint8_t from[ADDRESS_KEY_MAX], to[ADDRESS_KEY_MAX];
    struct writer sender = writer_of(from, sizeof(from)), target = writer_of(to, sizeof(to));
    struct address address;
    struct ip_address client;

    if (address_mailbox(s->tx->message.envelope.sender, ADDRESS_ALLOW_UTF8, &address) !=
            ADDRESS_OK ||
        !address_key(&sender, &address, true) || !address_key(&target, recipient, true))
        return false;
    session_client(s, &client);
    greylist_key(key, &client, limits_bits(&ss->settings.limits, &client), writer_span(&sender),
                 writer_span(&target));
    return !key->full;
}

static bool is_known(const struct sessions *ss, struct span triple)
{
    const struct greylist *g = &ss->settings.greylist;
    uint32_t now = (uint32_t)(ss->time.wall_ms / 1000);
    uint8_t network[GREYLIST_NETWORK];

    greylist_network(triple, network);
    return known_table_has(
               g->known,
               greylist_name(ss->settings.limits.windows, span_of(network, sizeof(network))),
               now) ||
           known_table_has(g->known, greylist_name(ss->settings.limits.windows, triple), now);
}

/* The recipient has to outlive the line it stood in. */
static bool keep_recipient(struct sessions *ss, struct transaction *tx,
                           const struct address *recipient)
{
    tx->asked = *recipient;
    return transaction_copy(
        ss, tx,
        recipient->domain.len
            ? span_between(recipient->local.data, recipient->domain.data + recipient->domain.len)
            : recipient->local,
        &tx->asked.local);
}

static bool put_question(struct sessions *ss, struct session *s, struct span triple,
                         const struct address *recipient)
{
    struct transaction *tx = s->tx;
    struct chunk *c =
        keep_recipient(ss, tx, recipient) ? chunk_take(ss->options.pool, CHUNK_MEDIUM) : NULL;
    struct job *job = c ? job_take(ss->options.port) : NULL;
    size_t local = recipient->local.len;

    if (!job) {
        chunk_give(ss->options.pool, c);
        return false;
    }
    /* The copy is the whole of it, "@" and all. */
    tx->asked.domain = span_skip(tx->asked.local, tx->asked.local.len - recipient->domain.len);
    tx->asked.local = span_head(tx->asked.local, local);
    memcpy(c->data, triple.data, triple.len);
    c->len = (uint32_t)triple.len;
    job->kind = JOB_GREYLIST;
    job->session = session_index(ss, s);
    job->generation = s->generation;
    job->greylist.triple = c;
    tx->greylist = job;
    job_submit(ss->options.port, job);
    return true;
}

bool session_greylist_ask(struct sessions *ss, struct session *s, const struct address *recipient)
{
    uint8_t bytes[GREYLIST_KEY_MAX];
    struct writer key = writer_of(bytes, sizeof(bytes));

    /* The null sender's mail answers somebody's, or asks whether an address is there. */
    if (!ss->settings.greylist.known || s->tx->message.envelope.sender.len == 0 ||
        session_limit_trusted(ss, s) || !put_key(ss, s, recipient, &key) ||
        is_known(ss, writer_span(&key)))
        return false;
    if (!put_question(ss, s, writer_span(&key), recipient)) {
        ss->counters->greylist_unasked++;
        return false;
    }
    ss->counters->greylist_asked++;
    session_deadline(ss, s, ss->settings.greylist.timeout_ms);
    return true;
}

void session_greylist_answer(struct sessions *ss, struct session *s, const struct job *job)
{
    if (!s->tx || s->tx->greylist != job)
        return;
    s->tx->greylist = NULL;
    ss->counters->greylist_unasked += job->status != JOB_OK && job->status != JOB_REFUSED;
    session_envelope_greylisted(ss, s, job->status == JOB_REFUSED);
}

bool session_greylist_due(struct sessions *ss, struct session *s)
{
    if (!s->conn || s->closing || !s->tx || !s->tx->greylist)
        return false;
    s->tx->greylist = NULL;
    ss->counters->greylist_unasked++;
    session_envelope_greylisted(ss, s, false);
    return true;
}
