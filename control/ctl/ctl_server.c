/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/base/clock.h"
#include "control/ctl/ctl_peer.h"
#include "control/log/log.h"

enum { LINGER_MS = 1000, LISTEN = 0, WAKE = 1, FIRST_PEER = 2 };

struct ctl_server {
    struct ctl_subject subjects[CTL_SUBJECTS];
    struct sockaddr_un address;
    int fd;
    int wake; /* an eventfd */
    _Atomic bool stop;
    pthread_t thread;
    uint32_t count;
    struct ctl_peer *peers[CTL_CLIENTS_MAX];
};

static bool set_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address->sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(address->sun_path, path, strlen(path));
    return true;
}

/* Makes way for our own socket. Never removes what is no socket or is in use. */
static bool remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    bool used;
    int fd;

    if (lstat(address->sun_path, &st) != 0)
        return errno == ENOENT;
    if (!S_ISSOCK(st.st_mode)) {
        errno = ENOTSOCK;
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    used = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
           errno != ECONNREFUSED;
    close(fd);
    if (used) {
        errno = EADDRINUSE;
        return false;
    }
    return unlink(address->sun_path) == 0;
}

/* The directory that the socket lies in, where only it is missing: /run/wirepost. */
static void make_directory(const char *path)
{
    char *directory = strdup(path), *slash = directory ? strrchr(directory, '/') : NULL;

    if (slash && slash != directory) {
        *slash = 0;
        mkdir(directory, 0755);
    }
    free(directory);
}

static int listen_at(const struct sockaddr_un *address)
{
    int fd, why;

    make_directory(address->sun_path);
    if (!remove_stale(address))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    /* The mode of the descriptor is what bind() gives the file: at no moment may others connect. */
    if (fchmod(fd, 0600) == 0 &&
        bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
        listen(fd, CTL_CLIENTS_MAX) == 0)
        return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}

static void accept_peer(struct ctl_server *s)
{
    int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ctl_peer *peer = fd >= 0 ? malloc(sizeof(*peer)) : NULL;

    if (!peer) {
        if (fd >= 0)
            close(fd);
        return;
    }
    ctl_peer_init(peer, fd, s->wake);
    s->peers[s->count++] = peer;
}

static void drop_peer(struct ctl_server *s, uint32_t i)
{
    ctl_peer_fini(s->peers[i]);
    free(s->peers[i]);
    s->peers[i] = s->peers[--s->count];
}

/* One round: waits, serves each connection that has something, then takes a new one. False: poll()
 * failed. */
static bool serve_round(struct ctl_server *s, int timeout_ms)
{
    struct pollfd fds[FIRST_PEER + CTL_CLIENTS_MAX];
    uint32_t n = s->count;
    uint64_t rung;

    /* A full house leaves new ones in the kernel's queue. */
    fds[LISTEN] = (struct pollfd){.fd = n < CTL_CLIENTS_MAX ? s->fd : -1, .events = POLLIN};
    fds[WAKE] = (struct pollfd){.fd = s->wake, .events = POLLIN};
    for (uint32_t i = 0; i < n; i++) {
        fds[FIRST_PEER + i] =
            (struct pollfd){.fd = s->peers[i]->fd, .events = ctl_peer_wants(s->peers[i])};
        if (!fds[FIRST_PEER + i].events)
            fds[FIRST_PEER + i].fd = -1; /* that it hung up is seen when it is answered */
        if (ctl_peer_ready(s->peers[i]))
            timeout_ms = 0;
    }
    if (poll(fds, FIRST_PEER + n, timeout_ms) < 0 && errno != EINTR)
        return false;
    if (fds[WAKE].revents && read(s->wake, &rung, sizeof(rung)) < 0)
        return errno == EAGAIN;
    /* From the last, since a drop moves the last one into the gap. */
    for (uint32_t i = n; i-- > 0;) {
        short reported = fds[FIRST_PEER + i].revents;

        if ((reported || ctl_peer_ready(s->peers[i])) &&
            !ctl_peer_serve(s->peers[i], s->subjects, reported))
            drop_peer(s, i);
    }
    if (fds[LISTEN].revents)
        accept_peer(s);
    return true;
}

/* The end of a stop: what is being written may get out, for a while; nothing more is read. */
static void linger(struct ctl_server *s)
{
    uint64_t until = clock_monotonic_ms() + LINGER_MS;

    for (uint32_t i = s->count; i-- > 0;) {
        if (ctl_peer_wants(s->peers[i]) == POLLIN)
            drop_peer(s, i);
        else
            s->peers[i]->ending = true;
    }
    while (s->count && clock_monotonic_ms() < until) {
        for (uint32_t i = s->count; i-- > 0;)
            if (ctl_peer_wants(s->peers[i]) == POLLIN ||
                !ctl_peer_serve(s->peers[i], s->subjects, 0))
                drop_peer(s, i);
        if (s->count)
            poll(NULL, 0, 10);
    }
    while (s->count)
        drop_peer(s, s->count - 1);
}

static void *server_main(void *arg)
{
    struct ctl_server *s = arg;

    while (!atomic_load(&s->stop))
        if (!serve_round(s, -1)) {
            LOG(ERROR, "control socket: poll failed, no more commands are taken: %s",
                strerror(errno));
            break;
        }
    linger(s);
    return NULL;
}

struct ctl_server *ctl_server_start(const char *path,
                                    const struct ctl_subject subjects[CTL_SUBJECTS])
{
    struct ctl_server *s = calloc(1, sizeof(*s));
    sigset_t all, before;
    int why;

    if (!s)
        return NULL;
    memcpy(s->subjects, subjects, sizeof(s->subjects));
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->fd = s->wake >= 0 && set_address(&s->address, path) ? listen_at(&s->address) : -1;
    why = s->fd < 0 ? errno : 0;
    if (why == 0) {
        sigfillset(&all);
        /* What the filter of system calls refuses is told by this one, to the thread that called.
         */
        sigdelset(&all, SIGSYS);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        why = pthread_create(&s->thread, NULL, server_main, s);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (why == 0)
            return s;
        close(s->fd);
        unlink(s->address.sun_path);
    }
    if (s->wake >= 0)
        close(s->wake);
    free(s);
    errno = why;
    return NULL;
}

void ctl_server_stop(struct ctl_server *server)
{
    uint64_t one = 1;
    ssize_t rung;

    atomic_store(&server->stop, true);
    do
        rung = write(server->wake, &one, sizeof(one));
    while (rung < 0 && errno == EINTR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    unlink(server->address.sun_path);
    close(server->wake);
    free(server);
}
