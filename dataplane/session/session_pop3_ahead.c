/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_pop3.h"

/*
 * Reading ahead. Whoever retrieves messages in order gets, with each answer of the store, whole
 * messages behind the one that was asked for: then the replies to the next commands leave in the
 * turn that reads them, and one job serves many. How much it is doubles with each answer up to
 * pop3.read_ahead, and begins anew where somebody leaves the order. All sessions of a worker
 * together hold pop3.read_ahead_all at most: at that bound nobody reads ahead, and whoever has not
 * used what it holds for the longest time gives it back.
 *
 * What is read ahead is charged from the question until its pin has come back, because it stays in
 * memory until its last byte was acknowledged.
 */
enum {
    WINDOW_FIRST = 16384,
    MESSAGE_MOST = 65536, /* of a larger message the store gives its own pieces */
};

static uint64_t rest_of(const struct retrieval *r)
{
    return r->view->entries[r->index].size - r->offset;
}

static void unlist(struct sessions *ss, struct retrieval *r)
{
    if (!r->listed)
        return;
    r->listed = false;
    *(r->ahead_older ? &r->ahead_older->ahead_newer : &ss->ahead_oldest) = r->ahead_newer;
    *(r->ahead_newer ? &r->ahead_newer->ahead_older : &ss->ahead_newest) = r->ahead_older;
}

/* It is the last to be asked to give something back, or not among them when it holds nothing. */
static void list(struct sessions *ss, struct retrieval *r)
{
    unlist(ss, r);
    if (!r->batch.len)
        return;
    r->listed = true;
    r->ahead_newer = NULL;
    r->ahead_older = ss->ahead_newest;
    *(ss->ahead_newest ? &ss->ahead_newest->ahead_newer : &ss->ahead_oldest) = r;
    ss->ahead_newest = r;
}

static void charge(struct sessions *ss, struct retrieval *r, uint32_t bytes)
{
    ss->counters->pop3_ahead_bytes += (uint64_t)bytes - r->charged;
    r->charged = bytes;
}

void session_pop3_settle(struct sessions *ss, struct retrieval *r)
{
    if (!r->pins)
        charge(ss, r, r->batch_charge);
}

bool session_pop3_reach(struct sessions *ss, struct retrieval *r)
{
    const struct pop3_entry *entries = r->view->entries;
    struct span batch = r->batch;
    uint64_t offset = r->batch_offset;
    uint32_t i = r->batch_index;

    for (; i < r->index && batch.len && entries[i].size; i++, offset = 0)
        batch = span_skip(batch, entries[i].size - offset);
    if (i != r->index || offset || !batch.len)
        return false;
    r->batch = batch;
    r->batch_index = r->index;
    r->batch_offset = 0;
    ss->counters->pop3_ahead++;
    return true;
}

/* Somebody else's, who has not used it for the longest time. */
static void give_back_oldest(struct sessions *ss, const struct retrieval *asking)
{
    struct retrieval *r = ss->ahead_oldest;

    if (!r || r == asking || r->sending || r->piece.len || r->queued.len ||
        !session_pop3_give_up(ss, r->session))
        return;
    session_stall(ss, r->session);
}

/* What `held` leaves of the limit, `bytes` at most. */
static uint32_t room(uint64_t limit, uint64_t held, uint32_t bytes)
{
    uint64_t left = limit > held ? limit - held : 0;

    return left < bytes ? (uint32_t)left : bytes;
}

/* How much of that may be read ahead. */
static uint32_t allowed(struct sessions *ss, const struct retrieval *r, uint32_t bytes)
{
    uint32_t most = room(ss->settings.pop3_ahead_all, ss->counters->pop3_ahead_bytes, bytes);

    if (most < bytes) {
        ss->counters->pop3_ahead_short++;
        give_back_oldest(ss, r);
    }
    return room(2 * (uint64_t)ss->settings.pop3_ahead, r->charged, most);
}

uint32_t session_pop3_most(struct sessions *ss, struct retrieval *r)
{
    uint64_t rest = rest_of(r);
    uint32_t limit = ss->settings.pop3_ahead;
    uint32_t wider = r->window ? 2 * r->window : WINDOW_FIRST;

    r->batch_charge = 0;
    if (r->offset || r->top.left != POP3_LINES_ALL || rest > MESSAGE_MOST)
        return 0;
    if (r->in_order)
        r->window = wider < limit ? wider : limit;
    if (r->window > rest)
        r->batch_charge = allowed(ss, r, r->window - (uint32_t)rest);
    charge(ss, r, r->charged + r->batch_charge);
    return (uint32_t)rest + r->batch_charge;
}

void session_pop3_came(struct sessions *ss, struct retrieval *r, size_t bytes)
{
    uint64_t rest = rest_of(r);
    uint32_t ahead = bytes > rest ? (uint32_t)(bytes - rest) : 0;

    /* Over a near store an answer comes for what was asked for alone. */
    charge(ss, r, r->charged - r->batch_charge + ahead);
    r->batch_charge = ahead;
}

void session_pop3_use(struct sessions *ss, struct retrieval *r)
{
    list(ss, r);
}

bool session_pop3_give_up(struct sessions *ss, struct session *s)
{
    struct retrieval *r = s->pop3;

    if (!r->pin)
        return true;
    if (!s->conn && r->unpin_count == PINS_A_JOB)
        return false;
    if (s->conn &&
        !sendq_view(tcp_sendq(s->conn), ss->options.pool, span_text(""), SENDQ_PIN, r->pin)) {
        ss->counters->chunks_short++;
        session_stall(ss, s);
        return false;
    }
    if (s->conn)
        r->pins++;
    else
        r->unpin[r->unpin_count++] = r->pin;
    r->pin = NULL;
    ss->counters->pop3_ahead_unused += r->batch.len > 0;
    r->batch = r->piece = r->queued = span_of(NULL, 0);
    r->batch_charge = 0;
    unlist(ss, r);
    return true;
}
