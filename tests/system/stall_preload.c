/* SPDX-License-Identifier: BSD-3-Clause */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Loaded before libc by tests (LD_PRELOAD): a disk that does not answer while the file named by
 * STALL_SYNC is there, and a change of user that takes as long as that of STALL_USER is.
 */
int fdatasync(int fd);
int fsync(int fd);
int setresuid(uid_t real, uid_t effective, uid_t saved);

enum { LOOK_US = 5000 };

static void wait_while_there(const char *variable)
{
    const char *path = getenv(variable);

    while (path && access(path, F_OK) == 0)
        usleep(LOOK_US);
}

int fdatasync(int fd)
{
    wait_while_there("STALL_SYNC");
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    wait_while_there("STALL_SYNC");
    return (int)syscall(SYS_fsync, fd);
}

/* libc's own changes all threads. */
int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    int (*next)(uid_t, uid_t, uid_t);

    *(void **)&next = dlsym(RTLD_NEXT, "setresuid");
    wait_while_there("STALL_USER");
    return next(real, effective, saved);
}
