/* SPDX-License-Identifier: BSD-3-Clause */
#include <net/if.h>

#include "dataplane/port/port.h"

/* One row a driver over a kernel interface; %u is the device's number, %s the interface. */
static const struct {
    const char *pmd;
    const char *form;
} drivers[] = {
    /* One queue: the kernel's fanout does not follow our hash. Four times the driver's ring, whose
       losses the driver does not count: port_packet.h does. */
    {"af_packet", "net_af_packet%u,iface=%s,qpairs=1,framecnt=2048"},
    {"af_xdp", "net_af_xdp%u,iface=%s,start_queue=0,queue_count=1"},
    {"tap", "net_tap%u,iface=%s"},
};

bool port_vdev(struct writer *w, const char *pmd, uint32_t number, const char *interface)
{
    if (!*interface || strlen(interface) >= IF_NAMESIZE || strpbrk(interface, ",= /"))
        return false;
    for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++) {
        if (strcmp(pmd, drivers[i].pmd) == 0) {
            writer_printf(w, drivers[i].form, number, interface);
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
