/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_limit.h"

#include "dataplane/handoff/gauge_table.h"
#include "dataplane/handoff/window_table.h"
#include "dataplane/session/session_peer.h"
#include "dataplane/session/transaction.h"

static const struct limit_reached rows[LIMIT_SCOPES][LIMIT_KINDS] = {
#define LIMIT(scope, kind, smtp_, pop3_)                                                           \
    [LIMIT_##scope][LIMIT_##kind] = {.smtp = SMTP_REPLY_##smtp_, .pop3 = POP3_REPLY_##pop3_},
#include "dataplane/handoff/limit.def"
#undef LIMIT
};

static const enum window_kind windows[LIMIT_KINDS] = {[LIMIT_SESSIONS] = WINDOW_SESSIONS,
                                                      [LIMIT_CONNECTS] = WINDOW_CONNECTS,
                                                      [LIMIT_ERRORS] = WINDOW_ERRORS,
                                                      [LIMIT_MESSAGES] = WINDOW_MESSAGES,
                                                      [LIMIT_RECIPIENTS] = WINDOW_RECIPIENTS};

void session_client(const struct session *s, struct ip_address *client_out)
{
    struct record_peer peer;

    session_peer(s, &peer);
    *client_out = peer.client;
}

bool session_limit_trusted(const struct sessions *ss, const struct session *s)
{
    const struct limit_network *network;
    struct ip_address client;

    session_client(s, &client);
    network = limits_network(&ss->settings.limits, &client);
    return network && network->trusted;
}

/* ---- who is counted, and up to where ---- */

/* One question to the tables. */
struct count {
    uint64_t name;
    uint32_t limit; /* 0: not asked */
};

/* An address or a network as a key: 16 bytes and how many bits of them count. */
static uint64_t name_of(const struct limits *l, enum limit_kind kind, const struct ip_address *a,
                        uint8_t bits)
{
    struct ip_address masked = limits_masked(a, bits);
    uint8_t key[sizeof(masked.bytes) + 1];

    memcpy(key, masked.bytes, sizeof(masked.bytes));
    key[sizeof(masked.bytes)] = bits;
    return window_table_name(l->windows, windows[kind], span_of(key, sizeof(key)));
}

/* Fills the counts of the client's address and network. False: it is trusted. */
static bool count_client(const struct limits *l, enum limit_kind kind,
                         const struct ip_address *client, struct count counts_out[LIMIT_SCOPES])
{
    const struct limit_network *network = limits_network(l, client);

    if (network && network->trusted)
        return false;
    counts_out[LIMIT_ADDRESS].limit = l->limit[LIMIT_ADDRESS][kind];
    counts_out[LIMIT_NETWORK].limit =
        network ? network->limit[kind] : l->limit[LIMIT_NETWORK][kind];
    if (counts_out[LIMIT_ADDRESS].limit)
        counts_out[LIMIT_ADDRESS].name = name_of(l, kind, client, 128);
    if (counts_out[LIMIT_NETWORK].limit)
        counts_out[LIMIT_NETWORK].name = name_of(l, kind, client, limits_bits(l, client));
    return true;
}

/* The first scope whose count is used up, LIMIT_SCOPES when there is none. */
static unsigned used_up(struct sessions *ss, const struct count counts[LIMIT_SCOPES])
{
    const struct limits *l = &ss->settings.limits;

    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++)
        if (counts[scope].limit &&
            window_table_count(l->windows, counts[scope].name, ss->time.now / 1000, l->window_ms,
                               0) >= counts[scope].limit)
            return scope;
    return LIMIT_SCOPES;
}

static void add(struct sessions *ss, const struct count counts[LIMIT_SCOPES])
{
    const struct limits *l = &ss->settings.limits;

    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++)
        if (counts[scope].limit)
            window_table_count(l->windows, counts[scope].name, ss->time.now / 1000, l->window_ms,
                               1);
}

static const struct limit_reached none;

/* ---- connections ---- */

/*
 * The gauges hold every session that has entered, limits or none, so that a reload may bring some.
 * The network's length is kept in the session: what is given back is what was taken.
 */
static struct limit_reached take_gauges(struct sessions *ss, struct session *s,
                                        const struct ip_address *client)
{
    const struct limits *l = &ss->settings.limits;
    struct count counts[LIMIT_SCOPES] = {{0}};
    uint8_t bits = limits_bits(l, client);
    uint64_t address = name_of(l, LIMIT_SESSIONS, client, 128);
    enum gauge_status status;

    count_client(l, LIMIT_SESSIONS, client, counts);
    status = gauge_table_take(l->gauges, address, counts[LIMIT_ADDRESS].limit);
    if (status == GAUGE_FULL)
        return rows[LIMIT_ADDRESS][LIMIT_SESSIONS];
    if (status == GAUGE_TAKEN) {
        status = gauge_table_take(l->gauges, name_of(l, LIMIT_SESSIONS, client, bits),
                                  counts[LIMIT_NETWORK].limit);
        if (status != GAUGE_TAKEN)
            gauge_table_give(l->gauges, address);
        if (status == GAUGE_FULL)
            return rows[LIMIT_NETWORK][LIMIT_SESSIONS];
    }
    if (status == GAUGE_TAKEN)
        s->network_bits = bits;
    else
        ss->counters->limits_uncounted++;
    return none;
}

static bool looks_good(struct sessions *ss, enum limit_kind kind, const struct ip_address *client,
                       struct count counts_out[LIMIT_SCOPES], struct limit_reached *reached_out)
{
    unsigned scope;

    memset(counts_out, 0, LIMIT_SCOPES * sizeof(*counts_out));
    if (!count_client(&ss->settings.limits, kind, client, counts_out))
        return true;
    scope = used_up(ss, counts_out);
    if (scope < LIMIT_SCOPES)
        *reached_out = rows[scope][kind];
    return scope == LIMIT_SCOPES;
}

struct limit_reached session_limit_enter(struct sessions *ss, struct session *s)
{
    struct count connects[LIMIT_SCOPES], errors[LIMIT_SCOPES];
    struct limit_reached reached = none;
    struct ip_address client;

    if (!ss->settings.limits.gauges)
        return none;
    session_client(s, &client);
    if (!looks_good(ss, LIMIT_ERRORS, &client, errors, &reached) ||
        !looks_good(ss, LIMIT_CONNECTS, &client, connects, &reached))
        return reached;
    reached = take_gauges(ss, s, &client);
    if (!reached.smtp)
        add(ss, connects);
    return reached;
}

void session_limit_leave(struct sessions *ss, struct session *s)
{
    const struct limits *l = &ss->settings.limits;
    struct ip_address client;

    if (!s->network_bits)
        return;
    session_client(s, &client);
    gauge_table_give(l->gauges, name_of(l, LIMIT_SESSIONS, &client, 128));
    gauge_table_give(l->gauges, name_of(l, LIMIT_SESSIONS, &client, s->network_bits));
    s->network_bits = 0;
}

struct limit_reached session_limit_error(struct sessions *ss, struct session *s)
{
    struct count counts[LIMIT_SCOPES];
    struct limit_reached reached = none;
    struct ip_address client;

    if (!ss->settings.limits.gauges)
        return none;
    session_client(s, &client);
    looks_good(ss, LIMIT_ERRORS, &client, counts, &reached);
    add(ss, counts);
    return reached;
}

/* ---- messages and recipients ---- */

static enum smtp_reply_id judge(struct sessions *ss, struct session *s,
                                const struct transaction *tx, enum limit_kind kind)
{
    const struct limits *l = &ss->settings.limits;
    struct count counts[LIMIT_SCOPES] = {{0}};
    struct ip_address client;
    unsigned scope;

    if (!l->windows)
        return SMTP_REPLY_NONE;
    session_client(s, &client);
    if (!count_client(l, kind, &client, counts))
        return SMTP_REPLY_NONE;
    for (scope = LIMIT_SENDER; tx->sender_named && scope <= LIMIT_SENDER_DOMAIN; scope++)
        counts[scope] =
            (struct count){.name = tx->sender_names[scope - LIMIT_SENDER][kind == LIMIT_RECIPIENTS],
                           .limit = l->limit[scope][kind]};
    scope = used_up(ss, counts);
    if (scope < LIMIT_SCOPES)
        return (enum smtp_reply_id)rows[scope][kind].smtp;
    add(ss, counts);
    return SMTP_REPLY_NONE;
}

/* The names that the sender and its domain are counted under; the null sender has none. */
static void name_sender(const struct limits *l, struct transaction *tx,
                        const struct address *sender)
{
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer w = writer_of(text, sizeof(text));
    struct span key, domain;

    if (!address_key(&w, sender, true) || w.len == 0)
        return;
    key = domain = writer_span(&w);
    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] == '@')
            domain = span_skip(key, i);
    for (int i = 0; i < 2; i++) {
        enum window_kind kind = i ? WINDOW_SENDER_RECIPIENTS : WINDOW_SENDER_MESSAGES;

        tx->sender_names[0][i] = window_table_name(l->windows, kind, key);
        tx->sender_names[1][i] = window_table_name(l->windows, kind, domain);
    }
    tx->sender_named = true;
}

enum smtp_reply_id session_limit_mail(struct sessions *ss, struct session *s,
                                      struct transaction *tx, const struct address *sender)
{
    if (ss->settings.limits.windows)
        name_sender(&ss->settings.limits, tx, sender);
    return judge(ss, s, tx, LIMIT_MESSAGES);
}

enum smtp_reply_id session_limit_rcpt(struct sessions *ss, struct session *s,
                                      const struct transaction *tx)
{
    return judge(ss, s, tx, LIMIT_RECIPIENTS);
}
