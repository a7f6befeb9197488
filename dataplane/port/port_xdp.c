/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/port/port_xdp.h"

#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

/* libxdp's program for AF_XDP sockets, and the dispatcher that it puts before it. */
static bool is_ours(uint32_t id)
{
    struct bpf_prog_info info = {0};
    uint32_t len = sizeof(info);
    int fd = bpf_prog_get_fd_by_id(id);
    bool ours = fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
                (strncmp(info.name, "xsk_def", 7) == 0 || strcmp(info.name, "xdp_dispatcher") == 0);

    if (fd >= 0)
        close(fd);
    return ours;
}

bool port_xdp_detach(uint32_t interface)
{
    static const uint32_t modes[] = {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};
    bool clean = true;

    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        uint32_t id = 0;

        if (bpf_xdp_query_id((int)interface, (int)modes[i], &id) || id == 0)
            continue;
        if (!is_ours(id) || bpf_xdp_detach((int)interface, modes[i], NULL))
            clean = false;
    }
    return clean;
}
