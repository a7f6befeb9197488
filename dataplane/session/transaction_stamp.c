/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/transaction.h"

/*
 * Whose cycles are these? The turn's stages are stamped once a burst; a message's share of them is
 * its part of the bytes that the worker read between the message's begin and its end. The session
 * stage of a stamped message is measured by stamps of its own, whose outer pair gives the total;
 * the others' is divided as the stamped ones' was.
 */

enum { FIRST_MESSAGE_STAGE = STAGE_smtp, LAST_MESSAGE_STAGE = STAGE_handoff };

static bool of_message(int stage)
{
    return stage >= FIRST_MESSAGE_STAGE && stage <= LAST_MESSAGE_STAGE;
}

void transaction_stamp_on(struct sessions *ss, struct transaction *tx)
{
    if (!tx->stamped)
        return;
    ss->stamping = tx;
    ss->stamp = stage_now();
    tx->cycles_total -= ss->stamp;
    ss->stamps += 2; /* and the one that ends it */
}

void transaction_stamp_off(struct sessions *ss)
{
    if (!ss->stamping)
        return;
    transaction_stamp(ss, STAGE_smtp);
    ss->stamping->cycles_total += stage_now();
    ss->stamping = NULL;
}

void transaction_stamp_begin(struct sessions *ss, struct transaction *tx)
{
    const struct stage_cycles *worker = handoff_cycles(ss->options.port);

    tx->stamped = ss->settings.sample != 0 && ss->sampled++ % ss->settings.sample == 0;
    memcpy(tx->began_cycles, worker->stage, sizeof(tx->began_cycles));
    tx->began_busy = worker->busy;
    tx->began_bytes = ss->bytes_read;
    transaction_stamp_on(ss, tx);
}

/* This message's share of `cycles` that were spent while it was under way. */
static uint64_t share(const struct sessions *ss, const struct transaction *tx, uint64_t cycles)
{
    uint64_t all = ss->bytes_read - tx->began_bytes;

    return all ? (uint64_t)((double)cycles * (double)tx->bytes / (double)all) : 0;
}

/* Divides `session` cycles as those of stamped messages were divided. */
static void apportion(const struct sessions *ss, struct record_message *m, uint64_t session)
{
    uint64_t sum = 0;

    for (int i = FIRST_MESSAGE_STAGE; i <= LAST_MESSAGE_STAGE; i++)
        sum += ss->split[i];
    if (sum == 0) {
        m->cycles[STAGE_session] = session;
        return;
    }
    for (int i = FIRST_MESSAGE_STAGE; i <= LAST_MESSAGE_STAGE; i++)
        m->cycles[i] = (uint64_t)((double)session * (double)ss->split[i] / (double)sum);
}

void transaction_stamp_end(struct sessions *ss, struct transaction *tx)
{
    struct stage_cycles *worker = handoff_cycles(ss->options.port);
    struct record_message *m = &tx->record->message;
    uint64_t session =
        share(ss, tx, worker->stage[STAGE_session] - tx->began_cycles[STAGE_session]);
    uint64_t busy = share(ss, tx, worker->busy - tx->began_busy);

    if (ss->stamping == tx)
        transaction_stamp_off(ss);
    for (int i = 0; i < STAGES; i++)
        if (i != STAGE_session && !of_message(i))
            m->cycles[i] = share(ss, tx, worker->stage[i] - tx->began_cycles[i]);
    m->cycles_apportioned = !tx->stamped;
    worker->messages++;
    if (!tx->stamped) {
        apportion(ss, m, session);
        m->cycles_total = busy;
        return;
    }
    for (int i = FIRST_MESSAGE_STAGE; i <= LAST_MESSAGE_STAGE; i++) {
        m->cycles[i] = tx->cycles[i];
        worker->message[i] += tx->cycles[i];
        /* Old messages weigh less and less, so that the split follows the traffic. */
        ss->split[i] = ss->split[i] - ss->split[i] / 16 + tx->cycles[i];
    }
    worker->stamped++;
    worker->stamps += ss->stamps;
    ss->stamps = 0;
    m->cycles_total = (busy > session ? busy - session : 0) + tx->cycles_total;
}
