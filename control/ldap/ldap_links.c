/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ldap/ldap_links.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "control/base/clock.h"
#include "control/log/log.h"

enum { WHY_MAX = 512 };

struct links_slot {
    struct ldap_link *link;
    uint32_t server;
    bool proven; /* it has answered something since it was made */
};

struct links_server {
    struct ldap_link_options options;
    bool away;
    uint64_t try_ms; /* when it is tried again, while it is away */
};

struct ldap_links {
    const struct config_ldap *config;
    struct links_server *servers;
    uint32_t count;
    struct links_slot (*slots)[LDAP_LINKS_USES]; /* a row for each thread */
    uint8_t *password;
    size_t password_len;
    pthread_t keeper;
    bool has_keeper;
    pthread_mutex_t lock; /* of `away`, `try_ms`, `stop` */
    pthread_cond_t news;
    bool stop;
};

/* Connects to a server, and says who we are. NULL: `why` has a line. */
static struct ldap_link *connect_to(struct ldap_links *l, uint32_t server, enum ldap_links_use use,
                                    struct writer *why)
{
    enum ldap_outcome outcome;
    struct ldap_link *link = ldap_link_open(&l->servers[server].options, &outcome, why);

    if (!link || use == LDAP_LINKS_PROVE || !l->config->bind_dn[0])
        return link;
    outcome = ldap_link_bind(link, l->config->bind_dn, span_of(l->password, l->password_len), why);
    if (outcome == LDAP_OUTCOME_OK)
        return link;
    ldap_link_close(link);
    return NULL;
}

static void set_away(struct ldap_links *l, uint32_t server, bool away, struct writer *why)
{
    const char *uri = l->servers[server].options.uri;
    bool news;

    pthread_mutex_lock(&l->lock);
    news = l->servers[server].away != away;
    l->servers[server].away = away;
    if (news && away) {
        l->servers[server].try_ms = clock_monotonic_ms();
        pthread_cond_signal(&l->news);
    }
    pthread_mutex_unlock(&l->lock);
    if (news && away)
        LOG(WARNING, "ldap: %s is away: %.*s", uri, (int)why->len, (const char *)why->data);
    else if (news)
        LOG(INFO, "ldap: %s is there again", uri);
}

/* The first server that is there; their number when none is. */
static uint32_t choose(struct ldap_links *l)
{
    uint32_t i = 0;

    pthread_mutex_lock(&l->lock);
    while (i < l->count && l->servers[i].away)
        i++;
    pthread_mutex_unlock(&l->lock);
    return i;
}

static void drop(struct links_slot *slot)
{
    ldap_link_close(slot->link);
    *slot = (struct links_slot){.link = NULL};
}

struct ldap_link *ldap_links_take(struct ldap_links *links, uint32_t thread,
                                  enum ldap_links_use use)
{
    struct links_slot *slot = &links->slots[thread][use];
    uint32_t server;

    while ((server = choose(links)) < links->count) {
        char bytes[WHY_MAX];
        struct writer why = writer_of(bytes, sizeof(bytes));

        if (slot->link && slot->server == server) {
            slot->proven = true;
            return slot->link;
        }
        drop(slot);
        slot->link = connect_to(links, server, use, &why);
        slot->server = server;
        if (slot->link)
            return slot->link;
        set_away(links, server, true, &why);
    }
    drop(slot);
    return NULL;
}

bool ldap_links_lost(struct ldap_links *links, uint32_t thread, enum ldap_links_use use,
                     struct writer *why)
{
    struct links_slot *slot = &links->slots[thread][use];

    if (!slot->proven || ldap_link_slow(slot->link))
        set_away(links, slot->server, true, why);
    drop(slot);
    return choose(links) < links->count;
}

uint32_t ldap_links_up(struct ldap_links *links)
{
    uint32_t up = 0;

    pthread_mutex_lock(&links->lock);
    for (uint32_t i = 0; i < links->count; i++)
        up += !links->servers[i].away;
    pthread_mutex_unlock(&links->lock);
    return up;
}

/* What a question would need: connection, handshake, bind, and an answer about an entry. */
static bool is_there(struct ldap_links *l, uint32_t server, struct writer *why)
{
    struct ldap_link *link = connect_to(l, server, LDAP_LINKS_SEARCH, why);
    bool there = link && ldap_link_ping(link, why) == LDAP_OUTCOME_OK;

    ldap_link_close(link);
    return there;
}

/* The server that is to be tried next, and until when there is time. Their number: none is away. */
static uint32_t next_try(const struct ldap_links *l, uint64_t *at_out)
{
    uint32_t next = l->count;

    for (uint32_t i = 0; i < l->count; i++)
        if (l->servers[i].away && (next == l->count || l->servers[i].try_ms < *at_out)) {
            next = i;
            *at_out = l->servers[i].try_ms;
        }
    return next;
}

static void wait_until(struct ldap_links *l, uint64_t at_ms)
{
    struct timespec at = {.tv_sec = (time_t)(at_ms / 1000),
                          .tv_nsec = (long)(at_ms % 1000) * 1000000};

    pthread_cond_timedwait(&l->news, &l->lock, &at);
}

static void try_one(struct ldap_links *l, uint32_t server)
{
    char bytes[WHY_MAX];
    struct writer why = writer_of(bytes, sizeof(bytes));

    if (is_there(l, server, &why)) {
        set_away(l, server, false, &why);
        return;
    }
    pthread_mutex_lock(&l->lock);
    l->servers[server].try_ms = clock_monotonic_ms() + (uint64_t)l->config->retry / 1000;
    pthread_mutex_unlock(&l->lock);
}

static void *keep(void *arg)
{
    struct ldap_links *l = arg;

    pthread_setname_np(pthread_self(), "ldap-keeper");
    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        uint64_t at_ms = 0;
        uint32_t server = next_try(l, &at_ms);

        if (server == l->count) {
            pthread_cond_wait(&l->news, &l->lock);
        } else if (clock_monotonic_ms() < at_ms) {
            wait_until(l, at_ms);
        } else {
            pthread_mutex_unlock(&l->lock);
            try_one(l, server);
            pthread_mutex_lock(&l->lock);
        }
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static int start_keeper(struct ldap_links *l)
{
    sigset_t all, before;
    int why;

    sigfillset(&all);
    /* What the filter of system calls refuses is told by this one, to the thread that called. */
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    why = pthread_create(&l->keeper, NULL, keep, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    l->has_keeper = why == 0;
    return why;
}

static void fill_servers(struct ldap_links *l, const struct config_ldap *config)
{
    for (; l->count < config->servers_count; l->count++) {
        const char *uri = config->servers[l->count];

        l->servers[l->count].options = (struct ldap_link_options){
            .uri = uri,
            .start_tls = config->tls == CONFIG_LDAP_STARTTLS && strncmp(uri, "ldap://", 7) == 0,
            .ca = config->ca,
            .connect_ms = (uint32_t)(config->connect_timeout / 1000),
            .timeout_ms = (uint32_t)(config->timeout / 1000)};
    }
}

struct ldap_links *ldap_links_new(const struct config_ldap *config, struct span password)
{
    struct ldap_links *l = calloc(1, sizeof(*l));
    pthread_condattr_t monotonic;
    int why = ENOMEM;

    if (!l)
        return NULL;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    l->config = config;
    l->servers = calloc(config->servers_count, sizeof(*l->servers));
    l->slots = calloc((size_t)config->connections, sizeof(*l->slots));
    l->password = malloc(password.len + 1);
    if (l->servers && l->slots && l->password) {
        fill_servers(l, config);
        if (password.len)
            memcpy(l->password, password.data, password.len);
        l->password_len = password.len;
        why = start_keeper(l);
    }
    if (why == 0)
        return l;
    ldap_links_free(l);
    errno = why;
    return NULL;
}

void ldap_links_free(struct ldap_links *links)
{
    if (!links)
        return;
    pthread_mutex_lock(&links->lock);
    links->stop = true;
    pthread_cond_signal(&links->news);
    pthread_mutex_unlock(&links->lock);
    if (links->has_keeper)
        pthread_join(links->keeper, NULL);
    for (int64_t i = 0; links->slots && i < links->config->connections; i++)
        for (int use = 0; use < LDAP_LINKS_USES; use++)
            drop(&links->slots[i][use]);
    if (links->password)
        explicit_bzero(links->password, links->password_len);
    pthread_cond_destroy(&links->news);
    pthread_mutex_destroy(&links->lock);
    free(links->password);
    free(links->slots);
    free(links->servers);
    free(links);
}
