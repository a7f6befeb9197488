/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/dns/dns_resolver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#include "control/base/clock.h"
#include "control/dns/dns_context.h"
#include "control/dns/dns_result.h"
#include "proto/base/tally.h"

/* A question under way. Owned by the resolver. */
struct request {
    struct request *next, **link; /* in `coming` or `asked`; `link` points to what points here */
    struct dns_resolver *resolver;
    struct dns_question question;
    uint64_t deadline;
    dns_done *done;
    void *asker;
    int id; /* libunbound's */
};

struct dns_resolver {
    struct ub_ctx *context;
    pthread_t thread;
    int doorbell;
    uint32_t questions_max, answer_max;
    uint64_t timeout_ns;
    _Atomic bool stop;

    pthread_mutex_t lock; /* of what follows */
    struct request *coming, **coming_end;
    uint32_t under_way;

    /* Of the thread. */
    struct request *asked;
    uint64_t next_deadline;
    _Atomic uint64_t counts[DNS_OUTCOMES];
};

static void ring(struct dns_resolver *r)
{
    uint64_t one = 1;

    /* It can fail only when it is rung already. */
    if (write(r->doorbell, &one, sizeof(one)) < 0)
        return;
}

/* Takes the request out of its list and answers it. */
static void answer(struct request *q, const struct dns_answer *a)
{
    struct dns_resolver *r = q->resolver;

    *q->link = q->next;
    if (q->next)
        q->next->link = q->link;
    pthread_mutex_lock(&r->lock);
    r->under_way--;
    pthread_mutex_unlock(&r->lock);
    tally_add(&r->counts[a->outcome], 1);
    q->done(q->asker, a);
    free(q);
}

static void answer_only(struct request *q, enum dns_outcome outcome)
{
    answer(q, &(struct dns_answer){.outcome = outcome});
}

static void on_result(void *context, int error, struct ub_result *result)
{
    struct request *q = context;
    struct span records[DNS_RECORDS_MAX];
    struct dns_answer a;

    if (error || !result) {
        answer_only(q, DNS_SERVFAIL);
    } else {
        a = dns_result_read(result, q->resolver->answer_max, records);
        answer(q, &a);
    }
    ub_resolve_free(result);
}

static void hand_over(struct dns_resolver *r, struct request *q)
{
    char name[DNS_SHOWN_MAX + 2];
    struct writer w = writer_of(name, sizeof(name));

    q->next = r->asked;
    q->link = &r->asked;
    if (q->next)
        q->next->link = &q->next;
    r->asked = q;
    dns_name_put(&w, &q->question.name);
    writer_byte(&w, 0);
    if (q->deadline < r->next_deadline)
        r->next_deadline = q->deadline;
    if (ub_resolve_async(r->context, name, q->question.type, 1, q, on_result, &q->id) != 0)
        answer_only(q, DNS_FAILED);
}

static void take_coming(struct dns_resolver *r)
{
    struct request *q, *next;

    pthread_mutex_lock(&r->lock);
    q = r->coming;
    r->coming = NULL;
    r->coming_end = &r->coming;
    pthread_mutex_unlock(&r->lock);
    for (; q; q = next) {
        next = q->next;
        hand_over(r, q);
    }
}

/* Answers what is overdue, or with `all` everything. */
static void expire(struct dns_resolver *r, bool all)
{
    uint64_t now = clock_monotonic_ns();
    struct request *q, *next;

    if (!all && now < r->next_deadline)
        return;
    r->next_deadline = UINT64_MAX;
    for (q = r->asked; q; q = next) {
        next = q->next;
        if (all || q->deadline <= now) {
            ub_cancel(r->context, q->id);
            answer_only(q, DNS_TIMEOUT);
        } else if (q->deadline < r->next_deadline) {
            r->next_deadline = q->deadline;
        }
    }
}

static int patience_ms(const struct dns_resolver *r)
{
    uint64_t now = clock_monotonic_ns();

    if (r->next_deadline == UINT64_MAX)
        return -1;
    return r->next_deadline <= now ? 0 : (int)((r->next_deadline - now) / 1000000 + 1);
}

static void *run(void *context)
{
    struct dns_resolver *r = context;
    struct pollfd fds[2] = {{.fd = ub_fd(r->context), .events = POLLIN},
                            {.fd = r->doorbell, .events = POLLIN}};
    uint64_t rung;

    while (!atomic_load(&r->stop)) {
        if (poll(fds, 2, patience_ms(r)) < 0 && errno != EINTR)
            break;
        if (fds[1].revents & POLLIN && read(r->doorbell, &rung, sizeof(rung)) < 0)
            rung = 0;
        if (fds[0].revents & POLLIN)
            ub_process(r->context);
        take_coming(r);
        expire(r, false);
    }
    take_coming(r);
    expire(r, true);
    return NULL;
}

static void ask(void *context, const struct dns_question *question, uint64_t deadline,
                dns_done *done, void *asker)
{
    struct dns_resolver *r = context;
    uint64_t own = clock_monotonic_ns() + r->timeout_ns;
    struct request *q = calloc(1, sizeof(*q));
    bool taken;

    if (q)
        *q = (struct request){.resolver = r,
                              .question = *question,
                              .deadline = deadline < own ? deadline : own,
                              .done = done,
                              .asker = asker};
    pthread_mutex_lock(&r->lock);
    taken = q && r->under_way < r->questions_max && !atomic_load(&r->stop);
    if (taken) {
        r->under_way++;
        *r->coming_end = q;
        r->coming_end = &q->next;
    } else {
        /* Here, because others than the thread count too. */
        tally_add(&r->counts[DNS_BUSY], 1);
    }
    pthread_mutex_unlock(&r->lock);
    if (taken) {
        ring(r);
        return;
    }
    free(q);
    done(asker, &(struct dns_answer){.outcome = DNS_BUSY});
}

struct dns_source dns_resolver_source(struct dns_resolver *r)
{
    return (struct dns_source){.ask = ask, .context = r};
}

uint64_t dns_resolver_count(const struct dns_resolver *r, enum dns_outcome outcome)
{
    return atomic_load_explicit(&r->counts[outcome], memory_order_relaxed);
}

struct dns_resolver *dns_resolver_new(const struct dns_settings *settings, struct writer *why)
{
    struct dns_resolver *r = calloc(1, sizeof(*r));

    if (!r) {
        writer_text(why, "out of memory");
        return NULL;
    }
    r->questions_max = settings->questions_max;
    r->answer_max = settings->answer_max;
    r->timeout_ns = settings->timeout_ns;
    r->coming_end = &r->coming;
    r->next_deadline = UINT64_MAX;
    r->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&r->lock, NULL);
    r->context = dns_context_new(settings, why);
    if (r->context && r->doorbell >= 0 && pthread_create(&r->thread, NULL, run, r) == 0)
        return r;
    if (r->context)
        writer_text(why, "no thread for DNS");
    ub_ctx_delete(r->context);
    if (r->doorbell >= 0)
        close(r->doorbell);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}

void dns_resolver_free(struct dns_resolver *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    atomic_store(&r->stop, true);
    pthread_mutex_unlock(&r->lock);
    ring(r);
    pthread_join(r->thread, NULL);
    ub_ctx_delete(r->context);
    close(r->doorbell);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
