/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port/port_packet.h"

#include <dirent.h>
#include <linux/if_packet.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 64 };

struct port_packet {
    int sockets[SOCKETS];
    uint32_t count;
    _Atomic uint64_t drops;
};

static bool is_on(int fd, uint32_t interface)
{
    struct sockaddr_ll at = {0};
    socklen_t len = sizeof(at);

    return getsockname(fd, (struct sockaddr *)&at, &len) == 0 && at.sll_family == AF_PACKET &&
           at.sll_ifindex == (int)interface;
}

struct port_packet *port_packet_new(uint32_t interface)
{
    struct port_packet *p = calloc(1, sizeof(*p));
    DIR *dir = p ? opendir("/proc/self/fd") : NULL;
    struct dirent *entry;

    while (dir && p->count < SOCKETS && (entry = readdir(dir))) {
        int fd = atoi(entry->d_name);

        if (fd > 0 && is_on(fd, interface))
            p->sockets[p->count++] = fd;
    }
    if (dir)
        closedir(dir);
    if (p && p->count)
        return p;
    free(p);
    return NULL;
}

void port_packet_free(struct port_packet *p)
{
    free(p);
}

uint64_t port_packet_drops(struct port_packet *p)
{
    if (!p)
        return 0;
    /* Asking sets the kernel's count to 0. */
    for (uint32_t i = 0; i < p->count; i++) {
        struct tpacket_stats stats = {0};
        socklen_t len = sizeof(stats);

        if (getsockopt(p->sockets[i], SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
            atomic_fetch_add(&p->drops, stats.tp_drops);
    }
    return atomic_load(&p->drops);
}

int port_packet_promiscuous(uint32_t interface)
{
    struct packet_mreq all = {.mr_ifindex = (int)interface, .mr_type = PACKET_MR_PROMISC};
    /* Of no protocol: it receives nothing itself. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) == 0)
        return fd;
    close(fd);
    return -1;
}
