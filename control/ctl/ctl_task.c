/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_task.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>

struct ctl_task {
    const struct ctl_subject *subject;
    struct ctl_request request;
    json_t *result;
    _Atomic bool done;
    int wake;
    pthread_t thread;
    struct writer why;
    char reason[CTL_ERROR_MAX];
    char line[CTL_REQUEST_MAX];
};

static void *task_main(void *arg)
{
    struct ctl_task *task = arg;

    task->result = task->subject->answer(task->subject->context, &task->request, &task->why);
    atomic_store(&task->done, true);
    eventfd_write(task->wake, 1);
    return NULL;
}

struct ctl_task *ctl_task_start(const struct ctl_subject *subject, struct span line, int wake)
{
    struct ctl_task *task = line.len <= CTL_REQUEST_MAX ? malloc(sizeof(*task)) : NULL;

    if (!task)
        return NULL;
    task->subject = subject;
    task->result = NULL;
    task->wake = wake;
    atomic_init(&task->done, false);
    task->why = writer_of(task->reason, sizeof(task->reason));
    memcpy(task->line, line.data, line.len);
    if (ctl_request_parse(span_of(task->line, line.len), &task->request, &task->why)) {
        if (pthread_create(&task->thread, NULL, task_main, task) == 0)
            return task;
        ctl_request_fini(&task->request);
    }
    free(task);
    return NULL;
}

bool ctl_task_done(const struct ctl_task *task)
{
    return atomic_load(&task->done);
}

json_t *ctl_task_finish(struct ctl_task *task, struct writer *why)
{
    json_t *result;

    pthread_join(task->thread, NULL);
    result = task->result;
    writer_span_put(why, span_head(writer_span(&task->why), writer_room(why)));
    ctl_request_fini(&task->request);
    free(task);
    return result;
}
