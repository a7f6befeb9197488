/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/trace/trace_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

bool trace_reader_open(struct trace_reader *r, const char *path)
{
    struct stat st;

    r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (r->fd < 0)
        return false;
    /* A pipe or a device has no end to begin at. */
    r->at = fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    r->held = 0;
    r->skipping = false;
    return true;
}

void trace_reader_close(struct trace_reader *r)
{
    close(r->fd);
}

/* One block more at the window's front. False: it cannot be read. */
static bool load(struct trace_reader *r)
{
    size_t n = r->at < TRACE_BLOCK ? (size_t)r->at : TRACE_BLOCK;

    if (r->held > TRACE_LINE_MAX) {
        r->held = 0;
        r->skipping = true;
    }
    memmove(r->window + n, r->window, r->held);
    if (pread(r->fd, r->window, n, (off_t)(r->at - n)) != (ssize_t)n)
        return false;
    r->at -= n;
    r->held += n;
    return true;
}

bool trace_reader_next(struct trace_reader *r, struct span *line_out)
{
    for (;;) {
        /* The LF at the window's end ends the line that is wanted. */
        size_t end = r->held && r->window[r->held - 1] == '\n' ? r->held - 1 : r->held;
        const char *before = end ? memrchr(r->window, '\n', end) : NULL;
        size_t start = before ? (size_t)(before - r->window) + 1 : 0;
        bool skipped = r->skipping;

        if (!before && r->at > 0) {
            if (!load(r))
                return false;
            continue;
        }
        if (r->held == 0)
            return false;
        r->held = start;
        r->skipping = false;
        *line_out = span_of(r->window + start, end - start);
        if (!skipped && line_out->len <= TRACE_LINE_MAX)
            return true;
    }
}
