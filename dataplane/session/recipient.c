/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/recipient.h"

/* The key of an address, taken apart: user, then "@" and the domain. */
struct lookup {
    struct directory *directory;
    uint32_t now_s; /* wall clock */
    bool unseen;    /* nobody knows yet what was looked for */
    uint8_t text[ADDRESS_KEY_MAX];
    size_t len, at; /* `at`: where the "@" stands */
};

static const struct directory_entry *find(struct lookup *l, enum directory_kind kind, size_t from)
{
    const struct directory_entry *entry = NULL;
    enum directory_sight sight = directory_look(
        l->directory, kind, span_of(l->text + from, l->len - from), l->now_s, &entry);

    l->unseen = l->unseen || sight == DIRECTORY_UNSEEN;
    return sight == DIRECTORY_HERE ? entry : NULL;
}

static void fold_user(struct lookup *l)
{
    for (size_t i = 0; i < l->at; i++)
        l->text[i] = ascii_lower(l->text[i]);
}

/* Drops the first separator and what stands behind it. False: nothing does, or nothing before it.
 */
static bool drop_detail(struct lookup *l, uint8_t separator)
{
    size_t user = 0;

    while (user < l->at && l->text[user] != separator)
        user++;
    if (!separator || user == 0 || user == l->at)
        return false;
    memmove(l->text + user, l->text + l->at, l->len - l->at);
    l->len -= l->at - user;
    l->at = user;
    return true;
}

/* Finds the "@" in the key. */
static void find_at(struct lookup *l)
{
    /* The last one: a quoted local part may have an "@" too, and <postmaster> has none. */
    for (l->at = l->len; l->at > 0 && l->text[l->at - 1] != '@';)
        l->at--;
    if (l->at)
        l->at--;
    else
        l->at = l->len;
}

/* Beyond ASCII folding is not by byte, and may change the length. */
static bool fold(struct lookup *l, const struct address *address)
{
    struct writer key = writer_of(l->text, sizeof(l->text));

    if (!address->utf8) {
        fold_user(l);
        return true;
    }
    if (!address_key(&key, address, true))
        return false;
    l->len = key.len;
    find_at(l);
    return true;
}

/* Takes the address apart, folded as its domain says; *domain_out: the domain's entry, NULL where
 * there is none. */
static bool begin(struct lookup *l, const struct address *address,
                  const struct directory_entry **domain_out)
{
    struct writer key = writer_of(l->text, sizeof(l->text));

    *domain_out = NULL;
    if (!address_key(&key, address, false))
        return false;
    l->len = key.len;
    find_at(l);
    if (l->at == l->len)
        return true;
    *domain_out = find(l, DIRECTORY_DOMAIN, l->at + 1);
    /* A postmaster is one in every spelling, whatever the domain says. */
    if (!*domain_out || !(*domain_out)->case_sensitive || address_role(span_of(l->text, l->at)))
        return fold(l, address);
    return true;
}

bool recipient_key(struct directory *d, const struct address *address, struct writer *key)
{
    struct lookup l = {.directory = d};
    const struct directory_entry *domain;

    if (!begin(&l, address, &domain))
        return false;
    writer_span_put(key, span_of(l.text, l.len));
    return !key->full;
}

static const struct directory_entry *find_in_domain(struct lookup *l,
                                                    const struct directory_entry *domain)
{
    const struct directory_entry *entry = find(l, DIRECTORY_ADDRESS, 0);

    /* What stands behind a name that nobody knows yet is not its. */
    if (!entry && !l->unseen && drop_detail(l, domain->detail_separator)) {
        if (address_role(span_of(l->text, l->at)))
            fold_user(l);
        entry = find(l, DIRECTORY_ADDRESS, 0);
    }
    return entry || l->unseen || !domain->account_count ? entry : domain;
}

enum smtp_reply_id recipient_find(const struct sessions *ss, const struct address *path,
                                  const struct directory_entry **entry_out)
{
    struct lookup l = {.directory = ss->settings.directory,
                       .now_s = (uint32_t)(ss->time.wall_ms / 1000)};
    const struct directory_entry *domain;
    bool unseen;

    *entry_out = NULL;
    if (!begin(&l, path, &domain))
        return SMTP_REPLY_BAD_RECIPIENT;
    if (domain && domain->class == DIRECTORY_REFUSED)
        return SMTP_REPLY_DOMAIN_REFUSED;
    unseen = l.unseen;
    /* Without a domain: <postmaster>, or at an address literal. */
    *entry_out = domain ? find_in_domain(&l, domain) : find(&l, DIRECTORY_ADDRESS, 0);
    if (*entry_out)
        return SMTP_REPLY_NONE;
    /* Of an address in a domain that nobody has, nothing more is to be known. */
    if ((domain ? l.unseen : unseen) && l.text[l.at + 1] != '[')
        return SMTP_REPLY_DIRECTORY_AWAY;
    return domain || l.at == l.len ? SMTP_REPLY_UNKNOWN_USER : SMTP_REPLY_RELAY_DENIED;
}

enum smtp_reply_id recipient_lead(const struct sessions *ss, const struct transaction *tx,
                                  const struct address *path,
                                  const struct directory_entry **entry_out)
{
    enum smtp_reply_id row = recipient_find(ss, path, entry_out);

    if (row != SMTP_REPLY_RELAY_DENIED || !tx->submission)
        return row;
    *entry_out =
        directory_find(ss->settings.directory, DIRECTORY_QUEUE, span_text(DIRECTORY_QUEUE_KEY));
    return *entry_out ? SMTP_REPLY_NONE : SMTP_REPLY_NO_RESOURCES;
}

/*
 * A message that does not say how large it is, is taken to be that large. In front of it comes what
 * delivery puts there: without room for that the commit would refuse it, for all recipients.
 */
enum { UNDECLARED = 64 * 1024, IN_FRONT = 8 * 1024 };

/* SMTP_REPLY_NONE when the account is not full, or has room for so much all the same. */
static enum smtp_reply_id full_row(const struct sessions *ss, uint64_t account, uint64_t octets)
{
    uint64_t full_ms = ss->settings.full_ms;
    struct mailbox_full full;

    if (!ss->settings.mailboxes || !mailbox_table_find(ss->settings.mailboxes, account, &full) ||
        octets <= full.room)
        return SMTP_REPLY_NONE;
    /* The wall clock may have been set back. */
    return full_ms && ss->time.wall_ms > full.since_ms &&
                   ss->time.wall_ms - full.since_ms >= full_ms
               ? SMTP_REPLY_MAILBOX_FULL_LONG
               : SMTP_REPLY_MAILBOX_FULL;
}

enum smtp_reply_id recipient_room(const struct sessions *ss, const struct transaction *tx,
                                  const struct directory_entry *entry)
{
    uint64_t octets = tx->declared ? tx->declared : UNDECLARED;
    enum smtp_reply_id row = SMTP_REPLY_NONE;

    octets = octets < UINT64_MAX - IN_FRONT ? octets + IN_FRONT : UINT64_MAX;
    for (uint32_t i = 0; i < entry->account_count && row != SMTP_REPLY_MAILBOX_FULL_LONG; i++) {
        enum smtp_reply_id found = entry->accounts[i].no_copy
                                       ? SMTP_REPLY_NONE
                                       : full_row(ss, entry->accounts[i].id, octets);

        if (found != SMTP_REPLY_NONE)
            row = found;
    }
    return row;
}

enum smtp_reply_id recipient_full(const struct sessions *ss, const struct transaction *tx)
{
    for (uint32_t i = 0; i < tx->message.deliveries; i++) {
        const struct message_delivery *d = &tx->message.delivery[i];

        if (d->place == MESSAGE_QUARANTINE ||
            full_row(ss, d->account, UINT64_MAX) != SMTP_REPLY_MAILBOX_FULL_LONG)
            return SMTP_REPLY_MAILBOX_FULL;
    }
    return SMTP_REPLY_MAILBOX_FULL_LONG;
}

/* Who the message's envelope names as its recipient there. */
static struct span recipient_of(const struct directory_account *account, struct span recipient)
{
    return account->forward.len ? account->forward : recipient;
}

/* The delivery to this account, or how many there are. In the queue each recipient has its own. */
static uint32_t find_delivery(const struct message *m, const struct directory_entry *entry,
                              uint32_t at, struct span recipient)
{
    const struct directory_account *account = &entry->accounts[at];
    bool queue = entry->kind == DIRECTORY_QUEUE || account->forward.len;
    uint32_t i = 0;

    recipient = recipient_of(account, recipient);
    while (i < m->deliveries && (m->delivery[i].account != account->id ||
                                 (queue && !span_equal(m->delivery[i].recipient, recipient))))
        i++;
    return i;
}

struct rule_policy recipient_policy(const struct transaction *tx,
                                    const struct directory_account *account)
{
    struct rule_policy policy = {.quarantine_at = account->quarantine_score,
                                 .reject_at = account->reject_score};
    struct span domain = account->address;
    ptrdiff_t at;

    if (!tx->rules)
        return policy;
    while ((at = span_find(domain, '@')) >= 0)
        domain = span_skip(domain, (size_t)at + 1);
    policy.domain = rule_set_domain(tx->rules->set, domain);
    policy.tenant = rule_set_tenant(tx->rules->set, account->tenant);
    return policy;
}

/* An address as it was spelled, read again as a path. */
static bool read_again(struct span spelled, struct address *address_out)
{
    uint8_t text[ADDRESS_PATH_MAX];
    struct writer w = writer_of(text, sizeof(text));
    struct span path;

    writer_byte(&w, '<');
    writer_span_put(&w, spelled);
    writer_byte(&w, '>');
    path = writer_span(&w);
    /* The spans of the address lie in what was kept of the transaction. */
    if (w.full || address_path(&path, ADDRESS_ALLOW_POSTMASTER | ADDRESS_ALLOW_UTF8, address_out) !=
                      ADDRESS_OK)
        return false;
    address_out->local = span_head(spelled, address_out->local.len);
    address_out->domain = span_skip(spelled, spelled.len - address_out->domain.len);
    return true;
}

/* Whether the entry is an address with one mailbox here, wherever else its mail goes. */
static bool is_one(const struct directory_entry *entry)
{
    uint32_t here = 0;

    for (uint32_t i = 0; i < entry->account_count; i++)
        here += !entry->accounts[i].no_copy && !entry->accounts[i].forward.len;
    return entry->kind == DIRECTORY_ADDRESS && here == 1;
}

/*
 * What stands behind the separator, in the case that it was sent in, where the address was found
 * without it: the name of a folder. A list of several leads to INBOXes: nobody wants a folder in
 * each of them.
 */
static struct span detail_of(const struct sessions *ss, const struct directory_entry *entry,
                             struct span recipient, struct writer *key)
{
    struct lookup l = {.directory = ss->settings.directory,
                       .now_s = (uint32_t)(ss->time.wall_ms / 1000)};
    const struct directory_entry *domain;
    struct address address;
    struct span local;
    ptrdiff_t at;

    if (ss->settings.detail_folders == SETTINGS_DETAIL_OFF || !is_one(entry) ||
        !read_again(recipient, &address) || !begin(&l, &address, &domain) || !domain ||
        !domain->detail_separator || find(&l, DIRECTORY_ADDRESS, 0) ||
        !address_key(key, &address, false))
        return span_of(NULL, 0);
    local = writer_span(key);
    while (local.len && local.data[local.len - 1] != '@')
        local.len--;
    local.len -= local.len > 0;
    at = span_find(local, domain->detail_separator);
    return at > 0 ? span_skip(local, (size_t)at + 1) : span_of(NULL, 0);
}

/* False: no memory. */
static bool add_account(struct sessions *ss, struct transaction *tx,
                        const struct directory_account *account, struct span recipient,
                        struct span detail)
{
    struct message *m = &tx->message;
    struct span mailbox, folder = span_of(NULL, 0);

    if (!transaction_copy(ss, tx, account->address, &mailbox) ||
        (account->forward.len && !transaction_copy(ss, tx, account->forward, &recipient)) ||
        (detail.len && !account->forward.len && !transaction_copy(ss, tx, detail, &folder)))
        return false;
    tx->recipient[m->deliveries] =
        (struct transaction_recipient){.spared = RULE_NONE,
                                       .rule = RULE_NONE,
                                       .policy = recipient_policy(tx, account),
                                       .forwarded = account->forward.len > 0};
    m->delivery[m->deliveries++] =
        (struct message_delivery){.recipient = recipient,
                                  .mailbox = mailbox,
                                  .account = account->id,
                                  .folder = folder,
                                  .make = ss->settings.detail_folders == SETTINGS_DETAIL_CREATE};
    return true;
}

/* How many deliveries the entry would add, at most. */
static uint32_t count_new(const struct message *m, const struct directory_entry *entry,
                          struct span recipient)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < entry->account_count; i++)
        n += !entry->accounts[i].no_copy && find_delivery(m, entry, i, recipient) == m->deliveries;
    return n;
}

enum smtp_reply_id recipient_add(struct sessions *ss, struct transaction *tx,
                                 const struct directory_entry *entry, struct span recipient,
                                 struct delivery_set *set_out)
{
    struct message *m = &tx->message;
    uint32_t before = m->deliveries;
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer key = writer_of(text, sizeof(text));
    struct span detail = detail_of(ss, entry, recipient, &key);

    *set_out = (struct delivery_set){{0}};
    if (count_new(m, entry, recipient) > MESSAGE_DELIVERIES - before)
        return SMTP_REPLY_TOO_MANY_RECIPIENTS;
    for (uint32_t i = 0; i < entry->account_count; i++) {
        uint32_t delivery = find_delivery(m, entry, i, recipient);

        if (entry->accounts[i].no_copy)
            continue;
        if (delivery == m->deliveries &&
            !add_account(ss, tx, &entry->accounts[i], recipient, detail)) {
            m->deliveries = before;
            ss->counters->chunks_refused++;
            return SMTP_REPLY_NO_RESOURCES;
        }
        delivery_set_add(set_out, delivery);
    }
    return SMTP_REPLY_NONE;
}

/* Whether the entry still leads where this delivery goes. */
static bool leads_to(const struct directory_entry *entry, const struct message_delivery *delivery)
{
    for (uint32_t i = 0; i < entry->account_count; i++) {
        const struct directory_account *a = &entry->accounts[i];

        if (a->id == delivery->account && !a->no_copy &&
            (!a->forward.len || span_equal(a->forward, delivery->recipient)))
            return true;
    }
    return false;
}

static bool is_there(struct sessions *ss, const struct transaction *tx,
                     const struct transaction_accepted *a)
{
    const struct directory_entry *entry;
    struct address address;
    enum smtp_reply_id row;

    if (!read_again(a->address, &address))
        return false;
    row = recipient_lead(ss, tx, &address, &entry);
    /* What was known only for a while, and is not any more: the commit knows. */
    if (row != SMTP_REPLY_NONE)
        return row == SMTP_REPLY_DIRECTORY_AWAY;
    for (uint32_t i = 0; i < tx->message.deliveries; i++)
        if (delivery_set_has(&a->deliveries, i) && !leads_to(entry, &tx->message.delivery[i]))
            return false;
    return true;
}

void recipient_seen(const struct sessions *ss, struct transaction *tx)
{
    if (tx->seen.directory)
        return;
    tx->seen.directory = ss->settings.directory;
    tx->seen.changes = directory_changes(ss->settings.directory);
    tx->seen.at_s = ss->time.wall_ms / 1000;
}

bool recipient_all_there(struct sessions *ss, const struct transaction *tx)
{
    if (tx->seen.directory == ss->settings.directory &&
        tx->seen.changes == directory_changes(ss->settings.directory) &&
        tx->seen.at_s == ss->time.wall_ms / 1000)
        return true;
    for (uint32_t i = 0; i < tx->accepted_count; i++)
        if (!is_there(ss, tx, &tx->accepted[i]))
            return false;
    return true;
}
