/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim_bulk.h"
#include "tests/sim/sim_link.h"

enum { FRAME = 2048, BURST = 64 };

struct taps {
    struct sim_link link;
    int fd[SIM_WAYS]; /* frames of this way are read from it */
    uint64_t late, refused;
};

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int open_tap(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0)
        return fd;
    fprintf(stderr, "%s: %m\n", name);
    return -1;
}

static void deliver(void *user, struct sim_packet *p)
{
    struct taps *t = user;

    /* A full or closed device is one more place where packets are lost; it is counted. */
    if (write(t->fd[!p->way], p->frame, p->len) != (ssize_t)p->len)
        t->refused++;
    free(p);
}

static void take(struct taps *t, int way)
{
    uint8_t frame[FRAME];
    ssize_t n;

    for (int i = 0; i < BURST && (n = read(t->fd[way], frame, sizeof(frame))) > 0; i++) {
        t->link.now = now_us();
        sim_link_send(&t->link, sim_packet_new(way, span_of(frame, (size_t)n)));
    }
}

static void wait_for(const struct taps *t, struct pollfd *poll)
{
    uint64_t next = sim_link_next(&t->link), now = now_us();
    uint64_t us = next <= now ? 0 : next - now < 100000 ? next - now : 100000;
    struct timespec wait = {.tv_nsec = (long)us * 1000};

    ppoll(poll, SIM_WAYS + 1, &wait, NULL);
}

bool sim_taps(const struct sim_bulk_link *link, uint64_t seed, const char *one, const char *other)
{
    struct taps t = {.link = {.random = {seed}, .deliver = deliver}};
    struct pollfd poll[SIM_WAYS + 1] = {{.events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};
    uint64_t now, due;

    t.fd[SIM_IN] = open_tap(one);
    t.fd[SIM_OUT] = open_tap(other);
    if (t.fd[SIM_IN] < 0 || t.fd[SIM_OUT] < 0)
        return false;
    t.link.user = &t;
    sim_bulk_elements(link, &t.link);
    prctl(PR_SET_TIMERSLACK, 1UL);
    poll[SIM_IN].fd = t.fd[SIM_IN];
    poll[SIM_OUT].fd = t.fd[SIM_OUT];
    printf("ready\n");
    fflush(stdout);
    while (!poll[SIM_WAYS].revents) {
        wait_for(&t, poll);
        take(&t, SIM_IN);
        take(&t, SIM_OUT);
        now = now_us();
        due = sim_link_next(&t.link);
        if (due < now && now - due > t.late)
            t.late = now - due;
        sim_link_run(&t.link, now);
    }
    printf("late %llu us at most, %llu frames refused\n", (unsigned long long)t.late,
           (unsigned long long)t.refused);
    sim_link_fini(&t.link);
    close(t.fd[SIM_IN]);
    close(t.fd[SIM_OUT]);
    return true;
}
