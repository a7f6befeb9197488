/* SPDX-License-Identifier: BSD-3-Clause */
#include <net/if.h>

#include "dataplane/port/port.h"

/* One row a driver over a kernel interface; %s is the interface. */
static const struct {
    const char *pmd;
    const char *form;
} drivers[] = {
    /* One queue: the kernel's fanout does not follow our hash. Four times the driver's ring, whose
       losses it does not count. */
    {"af_packet", "net_af_packet0,iface=%s,qpairs=1,framecnt=2048"},
    {"af_xdp", "net_af_xdp0,iface=%s,start_queue=0,queue_count=1"},
    {"tap", "net_tap0,iface=%s"},
};

bool port_vdev(struct writer *w, const char *pmd, const char *interface)
{
    if (!*interface || strlen(interface) >= IF_NAMESIZE || strpbrk(interface, ",= /"))
        return false;
    for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++) {
        if (strcmp(pmd, drivers[i].pmd) == 0) {
            writer_printf(w, drivers[i].form, interface);
            return !w->full;
        }
    }
    return false;
}

bool port_device_name(struct writer *w, const char *device)
{
    struct span all = span_text(device);
    ptrdiff_t comma = span_find(all, ',');

    writer_span_put(w, span_head(all, comma < 0 ? all.len : (size_t)comma));
    return !w->full && w->len > 0;
}
