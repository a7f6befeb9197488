/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ldap/ldap_wait.h"

#include <errno.h>
#include <poll.h>

#include "control/base/clock.h"

enum { LEVEL = LBER_SBIOD_LEVEL_PROVIDER + 5 };
_Static_assert(LEVEL < LBER_SBIOD_LEVEL_TRANSPORT, "above the socket, below TLS");

static int setup(Sockbuf_IO_Desc *d, void *wait)
{
    d->sbiod_pvt = wait;
    return 0;
}

static int nothing(Sockbuf_IO_Desc *d)
{
    return 0;
}

static int control(Sockbuf_IO_Desc *d, int option, void *value)
{
    return LBER_SBIOD_CTRL_NEXT(d, option, value);
}

/* False, with errno: the time is over. */
static bool await(Sockbuf_IO_Desc *d, short events)
{
    const struct ldap_wait *w = d->sbiod_pvt;
    struct pollfd fd = {.fd = -1, .events = events};
    int ready = 0;

    if (!w->until_ms || ber_sockbuf_ctrl(d->sbiod_sb, LBER_SB_OPT_GET_FD, &fd.fd) < 0)
        return true;
    while (ready <= 0) {
        uint64_t now = clock_monotonic_ms();

        if (now >= w->until_ms) {
            errno = ETIMEDOUT;
            return false;
        }
        ready = poll(&fd, 1, (int)(w->until_ms - now));
        if (ready < 0 && errno != EINTR)
            return false;
    }
    return true;
}

static ber_slen_t read_socket(Sockbuf_IO_Desc *d, void *data, ber_len_t len)
{
    return await(d, POLLIN) ? LBER_SBIOD_READ_NEXT(d, data, len) : -1;
}

static ber_slen_t write_socket(Sockbuf_IO_Desc *d, void *data, ber_len_t len)
{
    return await(d, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(d, data, len) : -1;
}

static Sockbuf_IO layer = {.sbi_setup = setup,
                           .sbi_remove = nothing,
                           .sbi_ctrl = control,
                           .sbi_read = read_socket,
                           .sbi_write = write_socket,
                           .sbi_close = nothing};

bool ldap_wait_add(Sockbuf *socket, struct ldap_wait *wait)
{
    return ber_sockbuf_add_io(socket, &layer, LEVEL, wait) == 0;
}
