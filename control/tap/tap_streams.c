/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN = 64, NAME = ID128_TEXT + 16 }; /* files that are open at a time */

struct open_file {
    int fd; /* -1: none */
    struct id128 connection;
    char direction; /* the first letter of its name */
};

struct tap_streams {
    int folder;
    uint64_t failed;
    struct open_file files[OPEN];
};

struct tap_streams *tap_streams_new(const char *path)
{
    struct tap_streams *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    for (int i = 0; i < OPEN; i++)
        s->files[i].fd = -1;
    s->folder = mkdir(path, 0700) == 0 || errno == EEXIST
                    ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                    : -1;
    if (s->folder >= 0)
        return s;
    free(s);
    return NULL;
}

static void shut(struct tap_streams *s, struct open_file *f)
{
    if (f->fd >= 0 && close(f->fd) != 0)
        s->failed++;
    f->fd = -1;
}

void tap_streams_free(struct tap_streams *s)
{
    if (!s)
        return;
    for (int i = 0; i < OPEN; i++)
        shut(s, &s->files[i]);
    close(s->folder);
    free(s);
}

static int descriptor_of(struct tap_streams *s, const struct tap_flow_facts *flow,
                         const char *direction)
{
    struct open_file *f = &s->files[(flow->id * 2 + (direction[0] == 'c')) % OPEN];
    char name[NAME];
    struct writer w = writer_of(name, sizeof(name));

    if (f->fd >= 0 && f->direction == direction[0] &&
        memcmp(&f->connection, &flow->connection, sizeof(f->connection)) == 0)
        return f->fd;
    shut(s, f);
    id128_put(&w, &flow->connection);
    writer_printf(&w, ".%s%c", direction, 0);
    *f = (struct open_file){
        .fd = openat(s->folder, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600),
        .connection = flow->connection,
        .direction = direction[0]};
    return f->fd;
}

void tap_streams_put(struct tap_streams *s, const struct tap_flow_facts *flow,
                     const char *direction, struct span bytes, uint64_t offset)
{
    int fd = descriptor_of(s, flow, direction);

    while (bytes.len) {
        ssize_t n = fd < 0 ? -1 : pwrite(fd, bytes.data, bytes.len, (off_t)offset);

        if (n <= 0) {
            s->failed++;
            return;
        }
        bytes = span_skip(bytes, (size_t)n);
        offset += (uint64_t)n;
    }
}

uint64_t tap_streams_failed(const struct tap_streams *s)
{
    return s->failed;
}
