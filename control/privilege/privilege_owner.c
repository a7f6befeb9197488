/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/privilege/privilege.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 8 };

struct owner {
    uint32_t user, group;
    struct writer *why;
};

static bool complain(const struct owner *o, const char *name)
{
    writer_printf(o->why, "%s cannot be given to user %u: %s", name, o->user, strerror(errno));
    return false;
}

/*
 * What is root's goes to the user. Only that, and only where it has one name: a link that somebody
 * laid into a directory of theirs must not make them the owner of what it leads to.
 */
static bool give_one(const struct owner *o, int fd, const struct stat *st, const char *name)
{
    if (st->st_uid != 0 || (!S_ISDIR(st->st_mode) && st->st_nlink > 1))
        return true;
    return fchownat(fd, "", o->user, o->group, AT_EMPTY_PATH) == 0 || complain(o, name);
}

static bool give_at(const struct owner *o, int parent, const char *name, int depth);

static bool give_entries(const struct owner *o, int directory, int depth)
{
    DIR *dir = fdopendir(directory);
    struct dirent *entry;
    bool ok = dir != NULL;

    while (ok && (entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = give_at(o, dirfd(dir), entry->d_name, depth + 1);
    if (dir)
        closedir(dir);
    else
        close(directory);
    return ok;
}

static bool give_at(const struct owner *o, int parent, const char *name, int depth)
{
    int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), inside;
    struct stat st;
    bool ok;

    if (fd < 0)
        return errno == ENOENT || complain(o, name);
    ok = fstat(fd, &st) == 0 ? give_one(o, fd, &st, name) : complain(o, name);
    if (ok && S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
        inside = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ok = inside >= 0 ? give_entries(o, inside, depth) : complain(o, name);
    }
    close(fd);
    return ok;
}

bool privilege_give(const char *path, uint32_t user, uint32_t group, struct writer *why)
{
    struct owner o = {.user = user, .group = group, .why = why};

    return give_at(&o, AT_FDCWD, path, 0);
}
