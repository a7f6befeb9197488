/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_trace.h"

#include "control/base/clock.h"
#include "control/ctl/ctl_request.h"

/* age = 1*DIGIT ("s" / "m" / "h" / "d") */
static bool read_age(struct span text, uint64_t *ms_out)
{
    static const char units[] = "smhd";
    static const uint64_t factors[] = {1000, 60000, 3600000, 86400000};
    const char *unit = text.len > 1 ? strchr(units, text.data[text.len - 1]) : NULL;
    uint64_t n = 0;

    if (!unit || !*unit || text.len > 9)
        return false;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if ((uint8_t)(text.data[i] - '0') >= 10)
            return false;
        n = n * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ms_out = n * factors[unit - units];
    return true;
}

static json_t *answer(void *source, const struct ctl_request *request, struct writer *why)
{
    uint64_t age = 0, ms = clock_wall_ms();

    if (request->count > 1 && (!span_equal(request->arguments[1], span_text("--since")) ||
                               request->count != 3 || !read_age(request->arguments[2], &age))) {
        writer_text(why, "expected --since and an age, such as 90m or 2d");
        return NULL;
    }
    return trace(source, request->arguments[0], age && age < ms ? ms - age : 0, why);
}

struct ctl_subject ctl_trace_subject(struct trace_source *source)
{
    return (struct ctl_subject){.context = source, .answer = answer};
}
