/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/device.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>

#include "dataplane/port/port.h"
#include "dataplane/port/port_xdp.h"

bool device_choose(struct device *d, const char *pmd, const char *interface, const char *device,
                   uint32_t number, struct writer *why)
{
    struct writer argument = writer_of(d->argument, sizeof(d->argument) - 1);
    struct writer name = writer_of(d->name, sizeof(d->name) - 1);

    *d = (struct device){0};
    if (!pmd == !device || (pmd && !interface)) {
        writer_text(why, "either a driver and its interface, or a device: one of the two");
        return false;
    }
    if (device)
        writer_text(&argument, device);
    else if (!port_vdev(&argument, pmd, number, interface)) {
        writer_printf(why, "no driver \"%s\", or no interface can be called \"%s\"", pmd,
                      interface);
        return false;
    }
    if (argument.full || !port_device_name(&name, d->argument)) {
        writer_text(why, "the device's name is too long or empty");
        return false;
    }
    return true;
}

bool device_check(const char *pmd, const char *interface, struct writer *why)
{
    uint32_t index;

    if (!pmd || strcmp(pmd, "tap") == 0)
        return true; /* makes its own */
    index = if_nametoindex(interface);
    if (!index) {
        writer_printf(why, "%s: %s", interface, strerror(errno));
        return false;
    }
    if (strcmp(pmd, "af_xdp") == 0 && !port_xdp_detach(index)) {
        writer_printf(why, "%s: an XDP program that is none of ours is attached", interface);
        return false;
    }
    return true;
}

/* A PCI address begins with hexadecimal digits and a colon; a virtual device with its driver's
 * name. */
static bool is_pci(const char *device)
{
    size_t digits = 0;

    while (isxdigit((unsigned char)device[digits]))
        digits++;
    return digits > 0 && device[digits] == ':';
}

void device_open_with(const struct device *d, uint32_t number, struct eal_options *eal)
{
    if (is_pci(d->argument))
        eal->pci[number] = d->argument;
    else
        eal->vdevs[number] = d->argument;
}
