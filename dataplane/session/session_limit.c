/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_limit.h"

#include "dataplane/handoff/ban_table.h"
#include "dataplane/handoff/gauge_table.h"
#include "dataplane/handoff/window_table.h"
#include "dataplane/session/session_auth.h"
#include "dataplane/session/session_peer.h"
#include "dataplane/session/transaction.h"
#include "dataplane/session/transaction_submission.h"

static const struct limit_reached rows[LIMIT_SCOPES][LIMIT_KINDS] = {
#define LIMIT(scope, kind, smtp_, pop3_, imap_)                                                    \
    [LIMIT_##scope][LIMIT_##kind] = {                                                              \
        .smtp = SMTP_REPLY_##smtp_, .pop3 = POP3_REPLY_##pop3_, .imap = IMAP_REPLY_##imap_},
#include "dataplane/handoff/limit.def"
#undef LIMIT
};

static const enum window_kind windows[LIMIT_KINDS] = {
    [LIMIT_SESSIONS] = WINDOW_SESSIONS,     [LIMIT_CONNECTS] = WINDOW_CONNECTS,
    [LIMIT_ERRORS] = WINDOW_ERRORS,         [LIMIT_MESSAGES] = WINDOW_MESSAGES,
    [LIMIT_RECIPIENTS] = WINDOW_RECIPIENTS, [LIMIT_BYTES] = WINDOW_BYTES};

static const enum window_kind account_windows[LIMIT_KINDS] = {
    [LIMIT_SESSIONS] = WINDOW_ACCOUNT_SESSIONS,
    [LIMIT_MESSAGES] = WINDOW_ACCOUNT_MESSAGES,
    [LIMIT_RECIPIENTS] = WINDOW_ACCOUNT_RECIPIENTS,
    [LIMIT_BYTES] = WINDOW_ACCOUNT_BYTES};

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

static uint64_t account_name(const struct limits *l, enum limit_kind kind, uint64_t account)
{
    return window_table_name(l->windows, account_windows[kind], span_of(&account, sizeof(account)));
}

static void count_account(const struct limits *l, enum limit_kind kind, uint64_t account,
                          struct count *count_out)
{
    *count_out = (struct count){.limit = account ? l->limit[LIMIT_ACCOUNT][kind] : 0};
    if (count_out->limit)
        count_out->name = account_name(l, kind, account);
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

/* The first scope whose count is used up, or would be by `more`, LIMIT_SCOPES when there is none.
 * Where nothing was counted, any amount is let in. */
static unsigned used_up(struct sessions *ss, const struct count counts[LIMIT_SCOPES], uint32_t more)
{
    const struct limits *l = &ss->settings.limits;

    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++) {
        uint32_t count = counts[scope].limit
                             ? window_table_count(l->windows, counts[scope].name,
                                                  ss->time.now / 1000, l->window_ms, 0)
                             : 0;

        if (count && (uint64_t)count + more > counts[scope].limit)
            return scope;
    }
    return LIMIT_SCOPES;
}

static void add(struct sessions *ss, const struct count counts[LIMIT_SCOPES], uint32_t amount)
{
    const struct limits *l = &ss->settings.limits;

    for (unsigned scope = 0; scope < LIMIT_SCOPES; scope++)
        if (counts[scope].limit)
            window_table_count(l->windows, counts[scope].name, ss->time.now / 1000, l->window_ms,
                               amount);
}

static const struct limit_reached none;
static const struct limit_reached banned = {
    .smtp = SMTP_REPLY_BANNED, .pop3 = POP3_REPLY_BANNED, .imap = IMAP_REPLY_BANNED};

bool session_limit_banned(const struct sessions *ss, const struct session *s)
{
    const struct ban_table *bans = ss->settings.limits.bans;
    struct ip_address client;

    if (!bans)
        return false;
    session_client(s, &client);
    return ban_table_has(bans, &client, ss->time.now / 1000) && !session_limit_trusted(ss, s);
}

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
    scope = used_up(ss, counts_out, 1);
    if (scope < LIMIT_SCOPES)
        *reached_out = rows[scope][kind];
    return scope == LIMIT_SCOPES;
}

bool session_limit_resets(struct sessions *ss, struct session *s, bool implicit)
{
    if ((!implicit && !ss->settings.limits.ban_reset) || !session_limit_banned(ss, s))
        return false;
    ss->counters->sessions_refused_banned++;
    session_abort(ss, s, "banned");
    return true;
}

struct limit_reached session_limit_enter(struct sessions *ss, struct session *s)
{
    struct count connects[LIMIT_SCOPES], errors[LIMIT_SCOPES];
    struct limit_reached reached = none;
    struct ip_address client;

    if (session_limit_banned(ss, s))
        return banned;
    if (!ss->settings.limits.gauges)
        return none;
    session_client(s, &client);
    if (!looks_good(ss, LIMIT_ERRORS, &client, errors, &reached) ||
        !looks_good(ss, LIMIT_CONNECTS, &client, connects, &reached))
        return reached;
    reached = take_gauges(ss, s, &client);
    if (!reached.smtp)
        add(ss, connects, 1);
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

void session_limit_gone(struct sessions *ss, struct session *s)
{
    session_protocol(s)->leave(ss, s);
    session_limit_leave(ss, s);
}

struct limit_reached session_limit_error(struct sessions *ss, struct session *s)
{
    struct count counts[LIMIT_SCOPES];
    struct limit_reached reached = none;
    struct ip_address client;

    if (session_limit_banned(ss, s))
        return banned;
    if (!ss->settings.limits.gauges)
        return none;
    session_client(s, &client);
    looks_good(ss, LIMIT_ERRORS, &client, counts, &reached);
    add(ss, counts, 1);
    return reached;
}

/* ---- accounts ---- */

struct limit_reached session_limit_login(struct sessions *ss, uint64_t account, bool *counted_out)
{
    const struct limits *l = &ss->settings.limits;
    enum gauge_status status;

    *counted_out = false;
    if (!l->gauges)
        return none;
    /* Without a limit too, so that a reload may bring one. */
    status = gauge_table_take(l->gauges, account_name(l, LIMIT_SESSIONS, account),
                              l->limit[LIMIT_ACCOUNT][LIMIT_SESSIONS]);
    if (status == GAUGE_FULL)
        return rows[LIMIT_ACCOUNT][LIMIT_SESSIONS];
    *counted_out = status == GAUGE_TAKEN;
    ss->counters->limits_uncounted += status != GAUGE_TAKEN;
    return none;
}

void session_limit_logout(struct sessions *ss, uint64_t account, bool *counted)
{
    const struct limits *l = &ss->settings.limits;

    if (*counted)
        gauge_table_give(l->gauges, account_name(l, LIMIT_SESSIONS, account));
    *counted = false;
}

/* ---- messages, recipients and octets ---- */

static uint32_t units_of(uint64_t octets)
{
    uint64_t units = octets / LIMIT_BYTES_UNIT + (octets % LIMIT_BYTES_UNIT != 0);

    return units < WINDOW_COUNT_MAX ? (uint32_t)units : WINDOW_COUNT_MAX;
}

/* Networks of the configuration may have a limit of their own. */
static bool limits_octets(const struct limits *l)
{
    return l->windows &&
           (l->limit[LIMIT_ADDRESS][LIMIT_BYTES] || l->limit[LIMIT_NETWORK][LIMIT_BYTES] ||
            l->limit[LIMIT_ACCOUNT][LIMIT_BYTES] || l->network_count);
}

/* Fills whose counts an event of a transaction goes into. */
static void count_transaction(const struct limits *l, enum limit_kind kind,
                              const struct transaction *tx, const struct ip_address *client,
                              uint64_t account, struct count counts[LIMIT_SCOPES])
{
    memset(counts, 0, LIMIT_SCOPES * sizeof(*counts));
    /* An account that is used by somebody else is so from anywhere. */
    count_account(l, kind, account, &counts[LIMIT_ACCOUNT]);
    if (!count_client(l, kind, client, counts) || !tx->sender_named || kind == LIMIT_BYTES)
        return;
    for (unsigned scope = LIMIT_SENDER; scope <= LIMIT_SENDER_DOMAIN; scope++)
        counts[scope] =
            (struct count){.name = tx->sender_names[scope - LIMIT_SENDER][kind == LIMIT_RECIPIENTS],
                           .limit = l->limit[scope][kind]};
}

/* Counts the event, or returns the row that refuses it. With LIMIT_BYTES it only looks. */
static enum smtp_reply_id judge(struct sessions *ss, struct session *s,
                                const struct transaction *tx, enum limit_kind kind)
{
    const struct limits *l = &ss->settings.limits;
    struct count counts[LIMIT_SCOPES];
    struct ip_address client;
    unsigned scope;

    if (kind == LIMIT_BYTES ? !limits_octets(l) : !l->windows)
        return SMTP_REPLY_NONE;
    session_client(s, &client);
    count_transaction(l, kind, tx, &client, session_auth_account(s), counts);
    scope =
        used_up(ss, counts, kind == LIMIT_BYTES ? units_of(tx->declared ? tx->declared : 1) : 1);
    if (scope < LIMIT_SCOPES)
        return (enum smtp_reply_id)rows[scope][kind].smtp;
    if (kind != LIMIT_BYTES)
        add(ss, counts, 1);
    return SMTP_REPLY_NONE;
}

void session_limit_bytes(struct sessions *ss, const struct transaction *tx)
{
    const struct limits *l = &ss->settings.limits;
    struct count counts[LIMIT_SCOPES];

    if (!limits_octets(l) || !tx->data)
        return;
    count_transaction(l, LIMIT_BYTES, tx, &tx->message.envelope.client,
                      tx->submission ? transaction_submission_account(tx) : 0, counts);
    add(ss, counts, units_of(tx->bytes));
}

/* A limit that comes by a reload counts from the next message on. */
static bool limits_senders(const struct limits *l)
{
    for (unsigned scope = LIMIT_SENDER; scope <= LIMIT_SENDER_DOMAIN; scope++)
        if (l->limit[scope][LIMIT_MESSAGES] || l->limit[scope][LIMIT_RECIPIENTS])
            return true;
    return false;
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
    enum smtp_reply_id row;

    if (ss->settings.limits.windows && limits_senders(&ss->settings.limits))
        name_sender(&ss->settings.limits, tx, sender);
    row = judge(ss, s, tx, LIMIT_BYTES);
    return row == SMTP_REPLY_NONE ? judge(ss, s, tx, LIMIT_MESSAGES) : row;
}

enum smtp_reply_id session_limit_rcpt(struct sessions *ss, struct session *s,
                                      const struct transaction *tx)
{
    return judge(ss, s, tx, LIMIT_RECIPIENTS);
}
