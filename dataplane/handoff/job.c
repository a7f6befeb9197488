/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/job.h"

static const uint8_t services[JOB_KINDS] = {
#define JOB(name, service, text) [JOB_##name] = SERVICE_##service,
#include "dataplane/handoff/job.def"
#undef JOB
};

enum service job_service(enum job_kind kind)
{
    return (enum service)services[kind];
}
