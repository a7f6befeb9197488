/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/read_service.h"

#include <stdlib.h>

#include "control/service/mailbox_view.h"
#include "control/service/service_thread.h"
#include "control/service/store_service.h"
#include "control/store/store_near.h"

struct read_service {
    struct service_thread thread;
    struct handoff *handoff;
    struct mailbox_views *views;
};

static enum store_status open_mailbox(struct mailbox_views *views, struct job_mailbox_open *job)
{
    struct mailbox_view_options options = {
        .account = job->account, .converted = job->converted, .refused = job->refused};

    return mailbox_view_open(views, &options, &job->view_out);
}

static enum store_status do_job(struct mailbox_views *views, struct job *job)
{
    switch (job->kind) {
    case JOB_MAILBOX_OPEN:
        return open_mailbox(views, &job->mailbox_open);
    case JOB_MAILBOX_READ:
        return mailbox_view_read(views, &job->mailbox_read);
    case JOB_MAILBOX_UNPIN:
        mailbox_view_unpin(views, job->mailbox_unpin.pins, job->mailbox_unpin.count);
        return STORE_OK;
    case JOB_MAILBOX_CLOSE:
        mailbox_view_close(views, job->mailbox_close.view);
        return STORE_OK;
    default:
        return STORE_FAILED;
    }
}

/* Pins and views come back also from sessions that have gone. */
static bool may_skip(const struct job *job)
{
    return atomic_load_explicit(&job->cancelled, memory_order_relaxed) &&
           (job->kind == JOB_MAILBOX_OPEN || job->kind == JOB_MAILBOX_READ);
}

/* Opening and closing take memory and time by the size of the mailbox. */
static bool answer_near(void *context, struct job *job)
{
    struct read_service *s = context;
    enum store_status status = STORE_OK;
    bool done = false;

    if (may_skip(job)) {
        job->status = JOB_CANCELLED;
        return true;
    }
    if (job->kind == JOB_MAILBOX_READ)
        done = mailbox_view_read_near(s->views, &job->mailbox_read, &status);
    else if (job->kind == JOB_MAILBOX_UNPIN)
        done = mailbox_view_unpin_near(s->views, job->mailbox_unpin.pins, job->mailbox_unpin.count);
    if (done)
        job->status = (uint8_t)store_service_job_status(status);
    return done;
}

static uint32_t serve(void *context, struct job **jobs, uint32_t count)
{
    struct read_service *s = context;

    for (uint32_t i = 0; i < count; i++)
        job_answer(s->handoff, jobs[i],
                   may_skip(jobs[i]) ? JOB_CANCELLED
                                     : store_service_job_status(do_job(s->views, jobs[i])));
    return 0;
}

struct read_service *read_service_start(struct handoff *h, struct store *store)
{
    struct read_service *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->handoff = h;
    s->views = mailbox_views_new(store);
    s->thread.handoff = h;
    s->thread.service = SERVICE_READ;
    s->thread.name = "read";
    s->thread.serve = serve;
    s->thread.context = s;
    if (s->views && service_thread_start(&s->thread)) {
        if (store_is_near(store))
            handoff_near(h, SERVICE_READ, answer_near, s);
        return s;
    }
    mailbox_views_free(s->views);
    free(s);
    return NULL;
}

void read_service_stop(struct read_service *s)
{
    service_thread_stop(&s->thread);
    mailbox_views_free(s->views);
    free(s);
}
