/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/sender_service.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "control/auth/spf_identity.h"
#include "control/auth/spf_run.h"
#include "control/base/clock.h"
#include "control/service/sender_dns.h"
#include "control/service/service_thread.h"
#include "proto/base/peer_text.h"
#include "proto/spf/spf_header.h"

enum {
    OUT_MAX = 4072, /* of a medium chunk */
    DOMAIN_SAID_MAX = 100,
    EXPLANATION_SAID_MAX = 200, /* so that the reply's line stays within 512 octets */
};

/* What of the configuration a check needs. */
struct setting {
    char hostname[256];
    uint64_t limit_ns;
    uint32_t checks;
    bool helo;
};

struct sender_service {
    struct service_thread thread;
    struct sender_service_options options;
    pthread_mutex_t lock; /* of all below */
    struct setting setting;
    struct config_dns asks;  /* what `dns` was made from; borrows from the last configuration */
    struct sender_dns *dns;  /* NULL: nothing is asked */
    struct sender_dns *past; /* older ones that are still used */
    uint32_t under_way;
    uint64_t results[SPF_RESULTS], refused;
    uint64_t outcomes[DNS_OUTCOMES]; /* of resolvers that are gone */
};

/* A question of a worker's. HELO's name is looked at first, then the reverse path. */
struct check {
    struct spf_run run;
    struct spf_query query;
    struct sender_service *service;
    struct sender_dns *dns;
    struct job *job;
    struct setting setting;
    uint64_t deadline; /* monotonic nanoseconds */
    bool helo;         /* the identity that is looked at */
    uint8_t domain[ADDRESS_KEY_MAX];
};

static struct span reverse_path(const struct check *c)
{
    const struct chunk *names = c->job->spf.names;

    return span_skip(span_of(names->data, names->len), c->job->spf.helo);
}

/* ---- the answer ---- */

static void write_refusal(const struct check *c, struct writer *w)
{
    const struct spf_check *k = &c->run.check;

    if (k->result != SPF_RESULT_FAIL || !k->explanation.len)
        return;
    writer_text(w, "SPF: ");
    peer_text(w, c->query.domain, DOMAIN_SAID_MAX, PEER_TEXT_ASCII);
    writer_text(w, " says: ");
    peer_text(w, writer_span(&k->explanation), EXPLANATION_SAID_MAX, PEER_TEXT_ASCII);
}

/* Fields that do not fit are left out, the longer one first. */
static void write_out(const struct check *c)
{
    struct job_spf *answer = &c->job->spf;
    struct span receiver = span_text(c->setting.hostname);
    struct writer w = writer_of(answer->out->data, OUT_MAX);
    size_t kept;

    spf_header_results(&w, &c->run.check, receiver, c->helo);
    kept = w.full ? 0 : w.len;
    if (!w.full)
        spf_header_received(&w, &c->run.check, receiver, c->helo);
    kept = w.full ? kept : w.len;
    w = writer_of(answer->out->data + kept, OUT_MAX - kept);
    write_refusal(c, &w);
    answer->fields_out = (uint32_t)kept;
    answer->out->len = (uint32_t)(kept + (w.full ? 0 : w.len));
    answer->result_out = (uint8_t)c->run.check.result;
    answer->helo_out = c->helo;
}

static void finish(struct check *c)
{
    struct sender_service *s = c->service;

    write_out(c);
    job_answer_shared(s->options.handoff, c->job, JOB_OK);
    pthread_mutex_lock(&s->lock);
    s->results[c->run.check.result]++;
    c->dns->users--;
    s->under_way--;
    pthread_mutex_unlock(&s->lock);
    free(c);
}

static void look_at(struct check *c, struct span identity);

static void looked(void *context, struct spf_run *run)
{
    struct check *c = context;

    if (c->helo && reverse_path(c).len && run->check.result != SPF_RESULT_FAIL)
        look_at(c, reverse_path(c));
    else
        finish(c);
}

static void look_at(struct check *c, struct span identity)
{
    uint64_t now = clock_monotonic_ns();

    c->helo = spf_identity_set(&c->query, identity, c->domain);
    spf_run_start(&c->run, &c->query, &c->dns->source, c->deadline > now ? c->deadline - now : 0,
                  NULL, looked, c);
}

/* ---- the question ---- */

/* NULL: too many are under way, or there is no memory. */
static struct check *new_check(struct sender_service *s, struct job *job)
{
    struct check *c = NULL;

    pthread_mutex_lock(&s->lock);
    if (s->dns && s->under_way < s->setting.checks)
        c = malloc(sizeof(*c));
    if (c) {
        c->service = s;
        c->dns = s->dns;
        c->job = job;
        c->setting = s->setting;
        s->dns->users++;
        s->under_way++;
    } else {
        s->refused++;
    }
    pthread_mutex_unlock(&s->lock);
    return c;
}

static void begin(struct sender_service *s, struct job *job)
{
    struct check *c = new_check(s, job);

    if (!c) {
        job_answer_shared(s->options.handoff, job, JOB_FAILED);
        return;
    }
    c->deadline = clock_monotonic_ns() + c->setting.limit_ns;
    c->query = (struct spf_query){.ip = job->spf.client,
                                  .helo = span_of(job->spf.names->data, job->spf.helo),
                                  .receiver = span_text(c->setting.hostname),
                                  .now = s->options.now_s(),
                                  .voids_max = SPF_VOIDS_DEFAULT};
    look_at(c, c->setting.helo ? span_of(NULL, 0) : reverse_path(c));
}

static uint32_t serve(void *context, struct job **jobs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        begin(context, jobs[i]);
    return 0;
}

/* ---- resolvers ---- */

static void add_outcomes(const struct sender_dns *d, uint64_t outcomes[DNS_OUTCOMES])
{
    for (int i = 0; i < DNS_OUTCOMES; i++)
        outcomes[i] += dns_resolver_count(d->resolver, (enum dns_outcome)i);
}

/* Takes those out of the list that nobody uses any more, or all. */
static struct sender_dns *take_unused(struct sender_service *s, bool all)
{
    struct sender_dns *unused = NULL, **at = &s->past;

    pthread_mutex_lock(&s->lock);
    while (*at) {
        struct sender_dns *d = *at;

        if (d->users && !all) {
            at = &d->next;
            continue;
        }
        *at = d->next;
        d->next = unused;
        unused = d;
    }
    pthread_mutex_unlock(&s->lock);
    return unused;
}

static void free_unused(struct sender_service *s, bool all)
{
    struct sender_dns *next, *d = take_unused(s, all);

    for (; d; d = next) {
        next = d->next;
        pthread_mutex_lock(&s->lock);
        add_outcomes(d, s->outcomes);
        pthread_mutex_unlock(&s->lock);
        sender_dns_free(d);
    }
}

static void woken(void *context)
{
    free_unused(context, false);
}

static uint64_t wall_s(void)
{
    return clock_wall_ms() / 1000;
}

/* libunbound's threads take no signals. */
static struct sender_dns *new_dns(const struct config_dns *config, struct writer *why)
{
    struct sender_dns *d;
    sigset_t all, before;

    sigfillset(&all);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    d = sender_dns_new(config, why);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return d;
}

/* ---- start and end ---- */

static struct sender_service *start(const struct sender_service_options *options)
{
    struct sender_service *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->options = *options;
    s->options.now_s = options->now_s ? options->now_s : wall_s;
    pthread_mutex_init(&s->lock, NULL);
    s->thread.handoff = options->handoff;
    s->thread.service = SERVICE_SENDER;
    s->thread.name = "senders";
    s->thread.serve = serve;
    s->thread.woken = woken;
    s->thread.context = s;
    if (service_thread_start(&s->thread))
        return s;
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

static void set(struct sender_service *s, const struct config *config, struct sender_dns *dns)
{
    struct writer name = writer_of(s->setting.hostname, sizeof(s->setting.hostname) - 1);

    pthread_mutex_lock(&s->lock);
    if (s->dns != dns) {
        if (s->dns) {
            s->dns->next = s->past;
            s->past = s->dns;
        }
        s->dns = dns;
    }
    s->asks = config->dns;
    writer_text(&name, config->hostname);
    s->setting.hostname[name.len] = 0;
    s->setting.limit_ns = (uint64_t)config->spf.timeout * 1000;
    s->setting.checks = (uint32_t)config->spf.checks;
    s->setting.helo = config->spf.helo;
    pthread_mutex_unlock(&s->lock);
}

bool sender_service_apply(struct sender_service **service,
                          const struct sender_service_options *options, const struct config *config,
                          struct writer *why)
{
    struct sender_service *s = *service ? *service : start(options);
    struct sender_dns *dns;

    if (!s) {
        writer_printf(why, "senders: %s\n", strerror(errno));
        return false;
    }
    *service = s;
    dns = s->dns;
    if (!config->spf.check) {
        dns = NULL;
    } else if (!dns || !dns_config_same(&s->asks, &config->dns)) {
        writer_text(why, "dns: ");
        dns = new_dns(&config->dns, why);
        if (!dns) {
            writer_byte(why, '\n');
            return false;
        }
        why->len -= sizeof("dns: ") - 1;
    }
    set(s, config, dns);
    return true;
}

void sender_service_counters(struct sender_service *service, const struct counter_sink *sink)
{
    static const char *const results[] = {"spf_none",     "spf_neutral",   "spf_pass",     "spf_fail",
                                          "spf_softfail", "spf_temperror", "spf_permerror"};
    static const char *const outcomes[] = {
#define ROW(NAME, word, what) "dns_" word,
#include "proto/dns/dns_outcome.def"
#undef ROW
    };
    uint64_t told[DNS_OUTCOMES], spf[SPF_RESULTS], refused;

    pthread_mutex_lock(&service->lock);
    memcpy(told, service->outcomes, sizeof(told));
    memcpy(spf, service->results, sizeof(spf));
    refused = service->refused;
    if (service->dns)
        add_outcomes(service->dns, told);
    for (const struct sender_dns *d = service->past; d; d = d->next)
        add_outcomes(d, told);
    pthread_mutex_unlock(&service->lock);
    for (int i = 0; i < SPF_RESULTS; i++)
        sink->put(sink->user, results[i], spf[i]);
    sink->put(sink->user, "spf_refused", refused);
    for (int i = 0; i < DNS_OUTCOMES; i++)
        sink->put(sink->user, outcomes[i], told[i]);
}

void sender_service_stop(struct sender_service *service)
{
    service_thread_stop(&service->thread);
    if (service->dns) {
        service->dns->next = service->past;
        service->past = service->dns;
        service->dns = NULL;
    }
    /* What is under way is answered with this. */
    free_unused(service, true);
    pthread_mutex_destroy(&service->lock);
    free(service);
}
