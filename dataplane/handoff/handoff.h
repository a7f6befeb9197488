/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_HANDOFF_H
#define DATAPLANE_HANDOFF_HANDOFF_H

#include "dataplane/handoff/job.h"
#include "dataplane/handoff/notice.h"
#include "dataplane/handoff/record.h"
#include "dataplane/handoff/settings.h"
#include "dataplane/handoff/stage.h"
#include "dataplane/handoff/worker_log.h"

/*
 * Where data plane and control meet. Each (worker, service) pair has a ring for jobs asked and one
 * for jobs answered, each worker a ring for records and one for notices: single producer, single
 * consumer, bounded. A worker's side is a handoff_port; a control thread's side is named by its
 * service.
 */
struct handoff;
struct handoff_port;

struct handoff_options {
    uint32_t workers;
    uint32_t jobs;    /* jobs a worker may have out at a time */
    uint32_t records; /* record slots a worker has */
    bool prefault;    /* their memory is taken at once */
    uint32_t imap_lanes; /* threads that SERVICE_IMAP has, IMAP_LANES at most; 0: one */
};

struct handoff *handoff_new(const struct handoff_options *options);
void handoff_free(struct handoff *h);
uint32_t handoff_workers(const struct handoff *h);
uint32_t handoff_imap_lanes(const struct handoff *h);
/* The lane of SERVICE_IMAP that an account's jobs go to: always the same one, a service like any
 * other to its thread. */
enum service handoff_imap_lane(const struct handoff *h, uint64_t account);
/* How full a worker's side is, as of a moment ago; any thread. */
struct handoff_level {
    uint32_t jobs, jobs_most; /* out, and the most that ever were */
    uint32_t commits;         /* asked of the commit thread and not taken yet */
    uint32_t records;         /* waiting for the writer */
    uint32_t records_free;
};
struct handoff_level handoff_level(const struct handoff_port *port);
/* Log lines of all workers that found their ring full. */
uint64_t handoff_log_dropped(const struct handoff *h);
struct handoff_port *handoff_port_of(struct handoff *h, uint32_t worker);

/*
 * A service may be near: what never makes a worker wait is then done on the worker itself, within
 * job_submit(). The function sets job->status and says true, or says false and leaves the job,
 * which then goes to the service's thread like any other. It is control's, knows the worker by
 * job->worker, and takes no lock, no memory from the system and no system call.
 */
typedef bool job_near(void *context, struct job *job);
/* Before workers start. NULL: it is not near. */
void handoff_near(struct handoff *h, enum service service, job_near *near, void *context);

/* ---- the worker's side: only the owning worker calls these ---- */

/* An empty job, or NULL when all are out: the session parks. */
struct job *job_take(struct handoff_port *port);
/* Hands the job to its service; never fails, since the rings hold all jobs there are. */
void job_submit(struct handoff_port *port, struct job *job);
/* Up to `max` answered jobs; those that a near service answered come first. */
uint32_t job_answers(struct handoff_port *port, struct job **jobs_out, uint32_t max);
/* Whether jobs that near services answered wait to be taken. */
bool job_answered_near(const struct handoff_port *port);
/* How many it has in all. */
uint32_t job_count(const struct handoff_port *port);
/* Back to the worker's free list. */
void job_give(struct handoff_port *port, struct job *job);
/* The next notice, false when there is none. */
bool notice_take(struct handoff_port *port, struct notice *notice_out);
/* An empty record slot, or NULL: a message is then answered 451, a connection's record is dropped
 * and counted. */
struct record *record_take(struct handoff_port *port);
/* Hands the record to the writer, or back unused with `send` false. */
void record_give(struct handoff_port *port, struct record *record, bool send);
/* Rings the doorbell of each service that got something this turn and sleeps. At most once a turn.
 */
void handoff_flush(struct handoff_port *port);
/* This worker's counters and cycles; written by the worker only, read by anyone. */
struct counters *handoff_counters(struct handoff_port *port);
struct stage_cycles *handoff_cycles(struct handoff_port *port);
/* What this worker has to say in the log; emptied by the records' thread. */
struct worker_log *handoff_log(struct handoff_port *port);
/* The published settings; valid until the worker's next quiescent state. */
const struct settings *handoff_settings(const struct handoff_port *port);
uint16_t handoff_worker(const struct handoff_port *port);

/* ---- control's side ---- */

/* Up to `max` jobs of the service from all workers, fairly; none of a lane that there is not. One
 * thread per service. */
uint32_t service_take(struct handoff *h, enum service service, struct job **jobs_out, uint32_t max);
/* Waits until there is a job, somebody calls service_wake() or has since the last wait, or `timeout_ms` passed. Polls briefly
 * before it sleeps. */
void service_wait(struct handoff *h, enum service service, int timeout_ms);
void service_wake(struct handoff *h, enum service service);
/* Gives the job back with its status. By the service's thread. */
void job_answer(struct handoff *h, struct job *job, enum job_status status);
/* The same for a service that answers from several threads; any of them. */
void job_answer_shared(struct handoff *h, struct job *job, enum job_status status);
/* To one worker, or to all with worker == UINT16_MAX. False when a ring is full. Any control
 * thread. */
bool notice_send(struct handoff *h, uint16_t worker, const struct notice *notice);
/* Up to `max` records; the records' thread only. */
uint32_t record_collect(struct handoff *h, struct record **records_out, uint32_t max);
void record_return(struct handoff *h, struct record *record);
void record_wait(struct handoff *h, int timeout_ms);
void record_wake(struct handoff *h);
/* Replaces the settings everywhere; returns the old ones once no worker can see them (waits for a
 * grace period). */
struct settings *settings_publish(struct handoff *h, struct settings *settings);

#endif
