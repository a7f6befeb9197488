/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ldap/ldap_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/base/clock.h"
#include "control/config/config_settings.h"
#include "control/directory/directory_pool.h"
#include "control/directory/password.h"
#include "control/ldap/ldap_hold.h"
#include "control/ldap/ldap_lookup.h"
#include "control/log/log.h"

enum { WAITING = 1024, WHY_MAX = 1024, PASSWORD_FILE_MAX = 1024, CA_FILE_HEAD = 16384 };

struct backend_directory {
    struct ldap_backend *backend;
    const struct config_ldap *config;
    struct ldap_links *links;
    struct ldap_lookup *lookups; /* one for each thread */
    struct directory_pool *pool;
};

struct ldap_backend {
    struct directory_backend base;
    struct config *config;      /* a copy of what it needs */
    struct ldap_map *maps;      /* one for each directory */
    struct span *local, *exact; /* domains of the configuration, ascending; those that keep case */
    uint32_t exact_count;
    struct ldap_hold *hold;
    uint32_t count;
    struct backend_directory directories[];
};

/* ---- which directories are asked ---- */

/* Behind the last "@"; all octets are the same case already in keys, and compared without it. */
static struct span domain_of(struct span name)
{
    size_t at = name.len;

    while (at > 0 && name.data[at - 1] != '@')
        at--;
    return at ? span_skip(name, at) : span_of(NULL, 0);
}

static bool has_domain(const struct config_ldap *c, struct span name)
{
    struct span domain = domain_of(name);

    for (uint32_t i = 0; i < c->domains_count; i++)
        if (span_equal_nocase(c->domain_keys[i], domain))
            return true;
    return c->domains_count == 0;
}

/* The next directory, from that place on, that may have something to say; their number: none. A
 * name to log in by that has no domain is the first one's: others shall not learn whose it is. */
static uint32_t next_directory(const struct ldap_backend *b, uint32_t at,
                               const struct directory_question *q)
{
    struct span name = q->kind == DIRECTORY_ASK_SENDER ? q->account : q->name;

    if (domain_of(name).len == 0)
        return at == 0 ? 0 : b->count;
    while (at < b->count && !has_domain(b->directories[at].config, name))
        at++;
    return at;
}

/* Passwords are the servers' to prove. */
static bool proves(const struct config_ldap *c)
{
    return c->authentication != CONFIG_LDAP_READ;
}

static void ask_from(struct ldap_backend *b, uint32_t at, struct directory_question *q)
{
    at = next_directory(b, at, q);
    if (q->kind == DIRECTORY_ASK_CREDENTIALS) {
        /* Where nothing is read there is nothing to ask. */
        for (; at < b->count && !b->directories[at].config->passwords_count;
             at = next_directory(b, at + 1, q))
            q->answer.verifies = true;
    }
    if (at < b->count)
        directory_pool_ask(b->directories[at].pool, q);
    else
        directory_answer(q, DIRECTORY_NOBODY);
}

static void ask(struct directory_backend *backend, struct directory_question *question)
{
    bool known = question->kind != DIRECTORY_ASK_DOMAIN && question->kind != DIRECTORY_ASK_UPGRADE;

    if (known)
        ask_from((struct ldap_backend *)backend, 0, question);
    else
        directory_answer(question, DIRECTORY_NOBODY);
}

/* ---- answers ---- */

struct asking {
    struct backend_directory *directory;
    struct ldap_lookup *lookup;
    struct directory_question *question;
    struct writer *why;
    bool bad; /* an entry is not what it should be, or there is no room */
    bool found;
};

static bool put_member(struct asking *a, const struct ldap_person *p)
{
    uint8_t digest[DIRECTORY_UNIQUE];
    struct span unique = ldap_person_unique(p, digest);
    struct directory_question *q = a->question;
    struct directory_member *m;

    for (uint32_t i = 0; i < q->answer.count; i++) {
        m = &q->answer.members[i];
        if (!span_equal(m->key, p->key))
            continue;
        /* Two entries with one address share its account. */
        if (!span_equal(m->unique, unique))
            m->unique = span_of(NULL, 0);
        return true;
    }
    m = directory_member(q);
    if (!m)
        return false;
    m->unique = directory_text(q, unique);
    m->key = directory_text(q, p->key);
    m->mailbox = directory_text(q, p->mailbox);
    m->quota = p->has_quota ? p->quota : DIRECTORY_QUOTA_DEFAULT;
    m->no_copy = p->forward_only && p->forward_count;
    return !q->answer.text.full;
}

static void complain(struct asking *a, const char *what)
{
    a->bad = true;
    a->why->len = 0;
    writer_text(a->why, what);
    writer_text(a->why, ": ");
    writer_span_put(a->why, a->lookup->person.name);
}

/* An account of another's domain is none: a directory of one tenant has no say in another's. */
static bool is_ours(struct asking *a, const struct ldap_person *p)
{
    if (p->key.len == 0)
        complain(a, "an entry has no address");
    else if (!has_domain(a->directory->config, p->key))
        complain(a, "an entry's address is in a domain that is not the directory's");
    else
        return true;
    return false;
}

static bool is_here(const struct ldap_backend *b, struct span domain)
{
    return bsearch(&domain, b->local, b->config->domains_count, sizeof(domain),
                   ldap_person_compare) != NULL;
}

static void take_forward(struct asking *a, struct span forwarder, struct span address)
{
    struct directory_question *q = a->question;
    struct directory_member *m = directory_member(q);

    if (m) {
        m->mailbox = directory_text(q, forwarder);
        m->forward = directory_text(q, address);
    }
    if (!m || q->answer.text.full)
        complain(a, "an address leads to too many accounts");
    a->found = true;
}

static void take_account(void *context, const struct ldap_person *person)
{
    struct asking *a = context;

    if (!is_ours(a, person))
        return;
    a->found = true;
    if (!put_member(a, person))
        complain(a, "an address leads to too many accounts");
    for (uint32_t i = 0; i < person->forward_count && !a->bad; i++) {
        /* Whoever has it here would not be asked about. */
        if (is_here(a->directory->backend, domain_of(person->forwards[i])))
            complain(a, "an entry forwards to a domain that is here: that is for a group");
        else
            take_forward(a, person->mailbox, person->forwards[i]);
    }
}

/* An address in a group that no entry has: the configuration may have it, or another server. */
static void take_stranger(void *context, struct span key, struct span spelled)
{
    struct asking *a = context;
    struct directory_question *q = a->question;
    uint8_t bytes[CONFIG_FORWARD_MAX];
    struct writer forward = writer_of(bytes, sizeof(bytes));
    struct directory_member *m;

    if (!is_here(a->directory->backend, domain_of(key))) {
        if (config_forward_address(&forward, spelled))
            take_forward(a, q->name, writer_span(&forward));
        else
            complain(a, "a group has a member that no mail can be forwarded to");
        return;
    }
    m = directory_member(q);
    if (!m || !(m->key = directory_text(q, key)).len) {
        complain(a, "an address leads to too many accounts");
        return;
    }
    m->elsewhere = true;
    a->found = true;
}

static enum directory_result result_of(enum ldap_outcome outcome)
{
    switch (outcome) {
    case LDAP_OUTCOME_OK:
        return DIRECTORY_FOUND;
    case LDAP_OUTCOME_ABSENT:
        return DIRECTORY_NOBODY;
    case LDAP_OUTCOME_WRONG:
        return DIRECTORY_WRONG;
    default:
        return DIRECTORY_UNAVAILABLE;
    }
}

static enum directory_result answer_address(struct asking *a)
{
    enum ldap_outcome outcome =
        ldap_lookup_address(a->lookup, a->question->name,
                            &(struct ldap_lookup_taker){take_account, take_stranger, a}, a->why);

    if (outcome != LDAP_OUTCOME_OK || a->bad)
        return a->bad ? DIRECTORY_UNAVAILABLE : result_of(outcome);
    /* Somebody who is switched off gets no mail. */
    return a->found ? DIRECTORY_FOUND : DIRECTORY_NOBODY;
}

static void take_sender(void *context, const struct ldap_person *person)
{
    struct asking *a = context;
    struct span name = a->question->name;
    ptrdiff_t at = (ptrdiff_t)(name.len - domain_of(name).len) - 1;
    struct span domain = at < 0 ? name : span_skip(name, (size_t)at);

    if (!span_equal(person->key, a->question->account))
        return;
    for (uint32_t i = 0; i < person->sender_count; i++)
        a->found |=
            (span_equal(person->senders[i], name) || span_equal(person->senders[i], domain)) &&
            has_domain(a->directory->config, name);
}

static void take_nobody(void *context, struct span key, struct span spelled)
{
}

static enum directory_result answer_sender(struct asking *a)
{
    enum ldap_outcome outcome =
        ldap_lookup_address(a->lookup, a->question->account,
                            &(struct ldap_lookup_taker){take_sender, take_nobody, a}, a->why);

    if (outcome == LDAP_OUTCOME_OK && !a->found)
        return DIRECTORY_NOBODY;
    return result_of(outcome);
}

/* The name as the directory has addresses; or as it came, where it is none. */
static struct span login_name(const struct ldap_map *map, struct span name, struct writer *key)
{
    char *prepared;

    if (ldap_person_key(map, name, key, NULL))
        return writer_span(key);
    prepared = password_prepare_name(name);
    if (prepared && ldap_person_key(map, span_text(prepared), key, NULL))
        name = writer_span(key);
    free(prepared);
    return name;
}

static enum ldap_outcome find_login(struct asking *a)
{
    uint8_t bytes[ADDRESS_KEY_MAX];
    struct writer key = writer_of(bytes, sizeof(bytes));
    struct span name = login_name(a->lookup->map, a->question->name, &key);
    enum ldap_outcome outcome = ldap_lookup_login(a->lookup, name, a->why);

    if (outcome == LDAP_OUTCOME_OK && !is_ours(a, &a->lookup->person))
        return LDAP_OUTCOME_REFUSED;
    return outcome;
}

static enum directory_result answer_credentials(struct asking *a)
{
    const struct ldap_person *p = &a->lookup->person;
    struct directory_question *q = a->question;
    enum ldap_outcome outcome = find_login(a);

    if (outcome == LDAP_OUTCOME_OK)
        q->answer.verifies = proves(a->directory->config);
    else if (outcome == LDAP_OUTCOME_ABSENT)
        q->answer.verifies |= proves(a->directory->config);
    if (outcome != LDAP_OUTCOME_OK)
        return result_of(outcome);
    if (!proves(a->directory->config))
        q->answer.hash = directory_text(q, span_text(p->hash));
    for (int i = 0; i < SCRAM_HASHES; i++)
        q->answer.scram[i] = directory_text(q, span_text(p->scram[i]));
    return put_member(a, p) ? DIRECTORY_FOUND : DIRECTORY_UNAVAILABLE;
}

/* The last directory that is asked proves nobody's password too, so that it takes what others take.
 */
static enum directory_result answer_password(struct asking *a)
{
    const struct backend_directory *d = a->directory;
    bool last = next_directory(d->backend, (uint32_t)(d - d->backend->directories) + 1,
                               a->question) == d->backend->count;
    enum ldap_outcome outcome;

    if (!proves(d->config))
        return last ? DIRECTORY_WRONG : DIRECTORY_NOBODY;
    outcome = find_login(a);
    if (outcome == LDAP_OUTCOME_ABSENT && !last)
        return DIRECTORY_NOBODY;
    if (outcome == LDAP_OUTCOME_OK || outcome == LDAP_OUTCOME_ABSENT)
        outcome =
            ldap_lookup_prove(a->lookup, outcome == LDAP_OUTCOME_OK, a->question->password, a->why);
    if (outcome == LDAP_OUTCOME_OK && !put_member(a, &a->lookup->person))
        return DIRECTORY_UNAVAILABLE;
    return outcome == LDAP_OUTCOME_ABSENT ? DIRECTORY_WRONG : result_of(outcome);
}

static enum directory_result answer_identity(struct asking *a)
{
    enum ldap_outcome outcome = find_login(a);

    if (outcome == LDAP_OUTCOME_OK && !put_member(a, &a->lookup->person))
        return DIRECTORY_UNAVAILABLE;
    return result_of(outcome);
}

static enum directory_result answer(struct asking *a)
{
    switch (a->question->kind) {
    case DIRECTORY_ASK_ADDRESS:
        return answer_address(a);
    case DIRECTORY_ASK_SENDER:
        return answer_sender(a);
    case DIRECTORY_ASK_CREDENTIALS:
        return answer_credentials(a);
    case DIRECTORY_ASK_PASSWORD:
        return answer_password(a);
    default:
        return answer_identity(a);
    }
}

/* On a thread of the directory's pool. */
static void serve(void *context, uint32_t thread, struct directory_question *question)
{
    struct backend_directory *d = context;
    struct ldap_backend *b = d->backend;
    uint64_t since_ms = clock_monotonic_ms();
    uint8_t kind = question->kind;
    char bytes[WHY_MAX];
    struct writer why = writer_of(bytes, sizeof(bytes));
    struct asking a = {
        .directory = d, .lookup = &d->lookups[thread], .question = question, .why = &why};
    enum directory_result result;

    a.lookup->until_ms = question->deadline_ms;
    result = answer(&a);
    explicit_bzero(a.lookup->person.hash, sizeof(a.lookup->person.hash));
    explicit_bzero(a.lookup->person.scram, sizeof(a.lookup->person.scram));
    if (result == DIRECTORY_UNAVAILABLE && why.len)
        LOG(WARNING, "ldap: %s: %.*s", d->config->base, (int)why.len, bytes);
    if (result == DIRECTORY_NOBODY &&
        next_directory(b, (uint32_t)(d - b->directories) + 1, question) < b->count)
        ask_from(b, (uint32_t)(d - b->directories) + 1, question);
    else if (result == DIRECTORY_WRONG ||
             (kind == DIRECTORY_ASK_CREDENTIALS && result != DIRECTORY_UNAVAILABLE))
        ldap_hold_answer(b->hold, question, result, since_ms,
                         (uint32_t)(d->config->login_step / 1000));
    else
        directory_answer(question, result);
}

/* ---- start and end ---- */

static void release(struct directory_backend *backend)
{
    struct ldap_backend *b = (struct ldap_backend *)backend;

    for (uint32_t i = 0; i < b->count; i++)
        if (b->directories[i].pool)
            directory_pool_stop(b->directories[i].pool);
    ldap_hold_stop(b->hold);
    for (uint32_t i = 0; i < b->count; i++) {
        ldap_links_free(b->directories[i].links);
        free(b->directories[i].lookups);
    }
    config_free(b->config);
    free(b->exact);
    free(b->local);
    free(b->maps);
    free(b);
}

static const struct directory_backend_ops ops = {
    .name = "ldap", .dynamic = true, .ask = ask, .free = release};

/* The beginning of a file, as much as fits. False with errno. */
static bool read_file(const char *path, struct writer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out->data, out->cap);
    int why = errno;

    if (fd >= 0)
        close(fd);
    errno = why;
    out->len = n < 0 ? 0 : (size_t)n;
    return n >= 0;
}

/* The first line of the file, if there is one to be read. */
static bool read_password(const struct config_ldap *c, struct writer *out, struct writer *why)
{
    ptrdiff_t end;

    if (!c->bind_password[0])
        return true;
    if (!read_file(c->bind_password, out)) {
        writer_printf(why, "ldap[].bind_password, line %u: %s: %s\n", c->line, c->bind_password,
                      strerror(errno));
        return false;
    }
    end = span_find(writer_span(out), '\n');
    out->len = end < 0 ? out->len : (size_t)end;
    if (out->len == 0)
        writer_printf(why,
                      "ldap[].bind_password, line %u: %s: expected a password in its first line\n",
                      c->line, c->bind_password);
    return out->len > 0;
}

static bool speaks_tls(const struct config_ldap *c)
{
    bool tls = false;

    for (uint32_t i = 0; i < c->servers_count; i++)
        tls |= strncmp(c->servers[i], "ldaps://", 8) == 0 ||
               (strncmp(c->servers[i], "ldap://", 7) == 0 && c->tls == CONFIG_LDAP_STARTTLS);
    return tls;
}

static bool check_ca(const struct config_ldap *c, struct writer *why)
{
    char text[CA_FILE_HEAD];
    struct writer w = writer_of(text, sizeof(text) - 1);

    if (!speaks_tls(c))
        return true;
    if (!read_file(c->ca, &w)) {
        writer_printf(why, "ldap[].ca, line %u: %s: %s\n", c->line, c->ca, strerror(errno));
        return false;
    }
    if (memmem(text, w.len, "-----BEGIN CERTIFICATE-----", 27))
        return true;
    writer_printf(why, "ldap[].ca, line %u: %s: expected certificates in PEM\n", c->line, c->ca);
    return false;
}

bool ldap_backend_check(const struct config *config, struct writer *why)
{
    bool ok = true;

    for (uint32_t i = 0; i < config->ldap_count; i++) {
        uint8_t bytes[PASSWORD_FILE_MAX];
        struct writer password = writer_of(bytes, sizeof(bytes));

        ok &= read_password(&config->ldap[i], &password, why);
        ok &= check_ca(&config->ldap[i], why);
        explicit_bzero(bytes, sizeof(bytes));
    }
    return ok;
}

static bool start_links(struct backend_directory *d, struct writer *why)
{
    uint8_t bytes[PASSWORD_FILE_MAX];
    struct writer password = writer_of(bytes, sizeof(bytes));

    if (!read_password(d->config, &password, why) || !check_ca(d->config, why))
        return false;
    d->links = ldap_links_new(d->config, writer_span(&password));
    explicit_bzero(bytes, sizeof(bytes));
    if (!d->links)
        writer_printf(why, "ldap: %s\n", strerror(errno));
    return d->links != NULL;
}

static bool start_directory(struct backend_directory *d, const struct ldap_map *map,
                            struct writer *why)
{
    uint32_t threads = (uint32_t)d->config->connections;

    if (!start_links(d, why))
        return false;
    d->lookups = calloc(threads, sizeof(*d->lookups));
    for (uint32_t i = 0; d->lookups && i < threads; i++) {
        d->lookups[i].map = map;
        d->lookups[i].links = d->links;
        d->lookups[i].thread = i;
    }
    if (d->lookups)
        d->pool = directory_pool_start(&(struct directory_pool_options){
            .name = "ldap", .threads = threads, .waiting = WAITING, .serve = serve, .context = d});
    if (!d->pool)
        writer_printf(why, "ldap: %s\n", strerror(errno));
    return d->pool != NULL;
}

static bool list_domains(struct ldap_backend *b)
{
    const struct config *c = b->config;

    b->exact = calloc(c->domains_count + 1, sizeof(*b->exact));
    b->local = calloc(c->domains_count + 1, sizeof(*b->local));
    if (!b->exact || !b->local)
        return false;
    for (uint32_t i = 0; i < c->domains_count; i++) {
        b->local[i] = c->domains[i].key;
        if (c->domains[i].case_sensitive)
            b->exact[b->exact_count++] = c->domains[i].key;
    }
    qsort(b->exact, b->exact_count, sizeof(*b->exact), ldap_person_compare);
    qsort(b->local, c->domains_count, sizeof(*b->local), ldap_person_compare);
    return true;
}

static bool start(struct ldap_backend *b, const struct config *config, struct writer *why)
{
    b->config = config_copy_ldap(config);
    b->maps = calloc(config->ldap_count + 1, sizeof(*b->maps));
    errno = ENOMEM;
    b->hold =
        ldap_link_prepare() && b->config && b->maps && list_domains(b) ? ldap_hold_start() : NULL;
    if (!b->hold) {
        writer_printf(why, "ldap: %s\n", strerror(errno));
        return false;
    }
    while (b->count < config->ldap_count) {
        struct backend_directory *d = &b->directories[b->count];
        struct ldap_map *map = &b->maps[b->count];

        d->backend = b;
        d->config = &b->config->ldap[b->count++];
        *map = (struct ldap_map){
            .config = d->config, .exact = b->exact, .exact_count = b->exact_count};
        if (!start_directory(d, map, why))
            return false;
    }
    return true;
}

struct directory_backend *ldap_backend_new(const struct config *config, struct writer *why)
{
    struct ldap_backend *b = calloc(1, sizeof(*b) + config->ldap_count * sizeof(b->directories[0]));

    if (!b) {
        writer_text(why, "ldap: out of memory\n");
        return NULL;
    }
    b->base.ops = &ops;
    if (start(b, config, why))
        return &b->base;
    release(&b->base);
    return NULL;
}
