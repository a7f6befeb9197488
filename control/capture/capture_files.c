/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/capture/capture_files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* One file; its next frame is read ahead when files are merged. */
struct source {
    struct capture_reader *reader;
    struct capture_frame frame;
    bool opened, ended, ahead;
};

struct capture_files {
    char *const *paths;
    struct source *sources;
    uint32_t count;
    uint32_t at; /* the one that is read, when they are not merged */
    bool by_time;
    char error[PATH_MAX + CAPTURE_ERROR];
};

struct capture_files *capture_files_new(char *const *paths, uint32_t count, bool by_time)
{
    struct capture_files *f = calloc(1, sizeof(*f));

    if (!f || (by_time && count > CAPTURE_FILES_MERGED)) {
        free(f);
        return NULL;
    }
    f->paths = paths;
    f->count = count;
    f->by_time = by_time;
    f->sources = calloc(count ? count : 1, sizeof(*f->sources));
    if (!f->sources) {
        free(f);
        return NULL;
    }
    return f;
}

static void end(struct source *s)
{
    capture_reader_close(s->reader);
    s->reader = NULL;
    s->ended = true;
}

void capture_files_free(struct capture_files *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->count; i++)
        capture_reader_close(f->sources[i].reader);
    free(f->sources);
    free(f);
}

const char *capture_files_error(const struct capture_files *f)
{
    return f->error;
}

static enum capture_status broken(struct capture_files *f, uint32_t i, const char *why)
{
    snprintf(f->error, sizeof(f->error), "%s: %s", f->paths[i], why);
    end(&f->sources[i]);
    return CAPTURE_BROKEN;
}

/* The next frame of one file, into its `frame`. */
static enum capture_status read_on(struct capture_files *f, uint32_t i)
{
    struct source *s = &f->sources[i];
    char why[CAPTURE_ERROR];
    enum capture_status status;

    if (!s->opened) {
        s->opened = true;
        s->reader = capture_reader_open(f->paths[i], why);
        if (!s->reader)
            return broken(f, i, why);
    }
    status = capture_reader_next(s->reader, &s->frame);
    if (status == CAPTURE_BROKEN) {
        snprintf(why, sizeof(why), "%s", capture_reader_error(s->reader));
        return broken(f, i, why);
    }
    if (status == CAPTURE_END)
        end(s);
    return status;
}

static enum capture_status next_in_order(struct capture_files *f, struct capture_frame *frame_out)
{
    while (f->at < f->count) {
        enum capture_status status = CAPTURE_END;

        if (!f->sources[f->at].ended)
            status = read_on(f, f->at);
        if (status == CAPTURE_FRAME)
            *frame_out = f->sources[f->at].frame;
        if (status != CAPTURE_END)
            return status;
        f->at++;
    }
    return CAPTURE_END;
}

/* A frame that is read ahead stays where it is until its own file is read again. */
static enum capture_status next_by_time(struct capture_files *f, struct capture_frame *frame_out)
{
    struct source *first = NULL;

    for (uint32_t i = 0; i < f->count; i++) {
        struct source *s = &f->sources[i];

        if (!s->ended && !s->ahead) {
            enum capture_status status = read_on(f, i);

            if (status == CAPTURE_BROKEN)
                return status;
            s->ahead = status == CAPTURE_FRAME;
        }
        if (s->ahead && (!first || s->frame.time_ns < first->frame.time_ns))
            first = s;
    }
    if (!first)
        return CAPTURE_END;
    first->ahead = false;
    *frame_out = first->frame;
    return CAPTURE_FRAME;
}

enum capture_status capture_files_next(struct capture_files *f, struct capture_frame *frame_out)
{
    return f->by_time ? next_by_time(f, frame_out) : next_in_order(f, frame_out);
}
