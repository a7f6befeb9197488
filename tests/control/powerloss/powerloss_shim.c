/* SPDX-License-Identifier: BSD-3-Clause */
/* With it the C library would rename the functions defined here. */
#undef _FILE_OFFSET_BITS

#include "tests/control/powerloss/powerloss_log.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Preloaded into a program, records what it does to one folder. A call and its record are one step
 * under one lock, so that the log's order is the order of the calls; a sync is recorded and not
 * made, which changes nothing for the program.
 */
enum { DESCRIPTORS = 4096, NAMES = 4096, NAME_MAX_LEN = 128, A_FOLDER = UINT32_MAX };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static size_t folder_len;
static int log_fd = -1;
static uint32_t files;
static uint32_t file_of[DESCRIPTORS]; /* 0: not ours */
static struct {
    char name[NAME_MAX_LEN];
    uint32_t file; /* 0: free */
} names[NAMES];

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv(POWERLOSS_LOG_VARIABLE);

    folder = getenv(POWERLOSS_FOLDER_VARIABLE);
    if (!folder || !path)
        return;
    folder_len = strlen(folder);
    log_fd =
        (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void record(enum powerloss_kind kind, uint32_t file, uint64_t offset, const void *bytes,
                   size_t len)
{
    struct powerloss_record r = {.kind = kind, .file = file, .offset = offset, .len = len};
    struct iovec parts[2] = {{&r, sizeof(r)}, {(void *)(uintptr_t)bytes, len}};

    if (syscall(SYS_writev, log_fd, parts, 2) != (long)(sizeof(r) + len))
        abort();
}

static void odd(const char *what)
{
    record(POWERLOSS_ODD, 0, 0, what, strlen(what));
}

/* The name inside the folder; NULL for paths elsewhere. "" is the folder itself. */
static const char *name_of(const char *path)
{
    const char *name;

    if (log_fd < 0 || strncmp(path, folder, folder_len) != 0)
        return NULL;
    name = path + folder_len;
    if (*name != '\0' && *name != '/')
        return NULL;
    while (*name == '/')
        name++;
    if (strchr(name, '/') || strlen(name) >= NAME_MAX_LEN) {
        odd("a folder in the folder");
        return NULL;
    }
    return name;
}

static uint32_t *slot_of(const char *name)
{
    for (int i = 0; i < NAMES; i++)
        if (names[i].file && strcmp(names[i].name, name) == 0)
            return &names[i].file;
    return NULL;
}

static void enter(const char *name, uint32_t file)
{
    uint32_t *slot = slot_of(name);
    int i = 0;

    if (slot) {
        *slot = file;
        return;
    }
    while (i < NAMES && names[i].file)
        i++;
    if (i == NAMES)
        abort();
    strcpy(names[i].name, name);
    names[i].file = file;
}

static bool ours(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS && file_of[fd] != 0;
}

static void opened(int fd, const char *name, int flags)
{
    uint32_t *slot = slot_of(name);

    if (fd >= DESCRIPTORS)
        abort();
    if (*name == '\0') {
        file_of[fd] = A_FOLDER;
    } else if (slot) {
        file_of[fd] = *slot;
        if (flags & O_TRUNC)
            record(POWERLOSS_TRUNCATE, *slot, 0, NULL, 0);
    } else {
        file_of[fd] = ++files;
        enter(name, files);
        record(POWERLOSS_CREATE, files, 0, name, strlen(name));
    }
}

#define LIBC(ret, function, ...)                                                                   \
    static ret (*libc)(__VA_ARGS__);                                                               \
    if (!libc)                                                                                     \
    libc = (ret(*)(__VA_ARGS__))dlsym(RTLD_NEXT, function)

int open(const char *path, int flags, ...)
{
    LIBC(int, "open", const char *, int, ...);
    mode_t mode = 0;
    const char *name;
    va_list args;
    int fd;

    va_start(args, flags);
    if (flags & O_CREAT)
        mode = va_arg(args, mode_t);
    va_end(args);
    pthread_mutex_lock(&lock);
    fd = libc(path, flags, mode);
    if (fd >= 0 && (name = name_of(path)))
        opened(fd, name, flags);
    pthread_mutex_unlock(&lock);
    return fd;
}

int close(int fd)
{
    LIBC(int, "close", int);
    int result;

    pthread_mutex_lock(&lock);
    if (ours(fd))
        file_of[fd] = 0;
    result = libc(fd);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    LIBC(ssize_t, "write", int, const void *, size_t);
    struct stat st;
    off_t at;
    ssize_t n;

    if (!ours(fd))
        return libc(fd, bytes, len);
    pthread_mutex_lock(&lock);
    at = lseek(fd, 0, SEEK_CUR);
    if ((fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &st) == 0)
        at = st.st_size;
    n = libc(fd, bytes, len);
    if (n > 0)
        record(POWERLOSS_WRITE, file_of[fd], (uint64_t)at, bytes, (size_t)n);
    pthread_mutex_unlock(&lock);
    return n;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    LIBC(ssize_t, "pwrite", int, const void *, size_t, off_t);
    ssize_t n;

    if (!ours(fd))
        return libc(fd, bytes, len, at);
    pthread_mutex_lock(&lock);
    n = libc(fd, bytes, len, at);
    if (n > 0)
        record(POWERLOSS_WRITE, file_of[fd], (uint64_t)at, bytes, (size_t)n);
    pthread_mutex_unlock(&lock);
    return n;
}

static int synced(int fd)
{
    pthread_mutex_lock(&lock);
    if (file_of[fd] == A_FOLDER)
        record(POWERLOSS_FOLDER_SYNC, 0, 0, NULL, 0);
    else
        record(POWERLOSS_SYNC, file_of[fd], 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd)
{
    LIBC(int, "fsync", int);

    return ours(fd) ? synced(fd) : libc(fd);
}

int fdatasync(int fd)
{
    LIBC(int, "fdatasync", int);

    return ours(fd) ? synced(fd) : libc(fd);
}

int ftruncate(int fd, off_t size)
{
    LIBC(int, "ftruncate", int, off_t);
    int result;

    pthread_mutex_lock(&lock);
    result = libc(fd, size);
    if (result == 0 && ours(fd))
        record(POWERLOSS_TRUNCATE, file_of[fd], (uint64_t)size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

/* Space set aside behind the end changes nothing that can be read. */
int fallocate(int fd, int mode, off_t at, off_t len)
{
    LIBC(int, "fallocate", int, int, off_t, off_t);

    if (ours(fd) && !(mode & FALLOC_FL_KEEP_SIZE))
        odd("fallocate that changes the size");
    return libc(fd, mode, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len)
{
    LIBC(int, "posix_fallocate", int, off_t, off_t);

    if (ours(fd))
        odd("posix_fallocate");
    return libc(fd, at, len);
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
    LIBC(void *, "mmap", void *, size_t, int, int, int, off_t);

    if (ours(fd) && (prot & PROT_WRITE) && (flags & MAP_SHARED))
        odd("writing through a mapping");
    return libc(at, len, prot, flags, fd, offset);
}

static void two_names(enum powerloss_kind kind, const char *from, const char *to)
{
    char bytes[2 * NAME_MAX_LEN];
    size_t len = strlen(from) + 1 + strlen(to);

    strcpy(bytes, from);
    strcpy(bytes + strlen(from) + 1, to);
    record(kind, 0, 0, bytes, len);
}

int rename(const char *from, const char *to)
{
    LIBC(int, "rename", const char *, const char *);
    const char *a, *b;
    int result;

    pthread_mutex_lock(&lock);
    a = name_of(from);
    b = name_of(to);
    result = libc(from, to);
    if (result == 0 && a && b && slot_of(a)) {
        enter(b, *slot_of(a));
        *slot_of(a) = 0;
        two_names(POWERLOSS_RENAME, a, b);
    } else if (result == 0 && (a || b)) {
        odd("a rename over the folder's border");
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int link(const char *from, const char *to)
{
    LIBC(int, "link", const char *, const char *);
    const char *a, *b;
    int result;

    pthread_mutex_lock(&lock);
    a = name_of(from);
    b = name_of(to);
    result = libc(from, to);
    if (result == 0 && a && b && slot_of(a)) {
        enter(b, *slot_of(a));
        two_names(POWERLOSS_LINK, a, b);
    } else if (result == 0 && (a || b)) {
        odd("a link over the folder's border");
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path)
{
    LIBC(int, "unlink", const char *);
    const char *name;
    int result;

    pthread_mutex_lock(&lock);
    name = name_of(path);
    result = libc(path);
    if (result == 0 && name && slot_of(name)) {
        *slot_of(name) = 0;
        record(POWERLOSS_UNLINK, 0, 0, name, strlen(name));
    }
    pthread_mutex_unlock(&lock);
    return result;
}

/* The names under which programs built with large files call the same. */
int open64(const char *, int, ...) __attribute__((alias("open")));
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));
int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));
void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

void powerloss_mark(const void *bytes, size_t len)
{
    pthread_mutex_lock(&lock);
    record(POWERLOSS_MARK, 0, 0, bytes, len);
    pthread_mutex_unlock(&lock);
}
