/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/job.h"

static const struct {
    const char *name;
    enum service service;
} rows[JOB_KINDS] = {
#define JOB(name, service_, text) [JOB_##name] = {#name, SERVICE_##service_},
#include "dataplane/handoff/job.def"
#undef JOB
};

enum service job_service(enum job_kind kind)
{
    return rows[kind].service;
}

const char *job_name(enum job_kind kind)
{
    return rows[kind].name;
}
