/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "tests/drill/drill_run.h"

/* Commands are for another system. A few say what its own packets will look like; the others do
 * nothing here. */

static bool value_of(const char *command, const char *name, int64_t *value_out)
{
    const char *at = strstr(command, name);
    size_t len = strlen(name);

    if (!at || (at[len] != '=' && at[len] != ' '))
        return false;
    *value_out = strtoll(at + len + 1, NULL, 0);
    return true;
}

static void count_time_wait(struct drill *d)
{
    for (struct drill_socket *s = d->sockets; s; s = s->next)
        if (s->conn && !strcmp(wirepost_tcp_state(s->conn), "TIME-WAIT"))
            return;
    drill_stop(DRILL_FAILED, d->line, "no connection is in TIME-WAIT");
}

void drill_command(struct drill *d, const char *command)
{
    int64_t value;

    if (value_of(command, "net.inet.tcp.recvspace", &value))
        d->receive_window = (uint32_t)value;
    if (value_of(command, "net.inet.tcp.msl", &value))
        d->time_wait_ms = (uint32_t)value * 2;
    if (value_of(command, "net.inet.tcp.ecn.enable", &value))
        d->ecn = value == 1   ? WIREPOST_TCP_ECN_ASK
                 : value == 0 ? WIREPOST_TCP_ECN_OFF
                              : WIREPOST_TCP_ECN_ANSWER;
    if (value_of(command, "net.inet.tcp.ecn.maxretries", &value))
        d->ecn_repeats = (uint8_t)value;
    if (value_of(command, "net.inet.tcp.rexmit_slop", &value) && d->rules[DRILL_RULE_slop])
        d->slop = value * 1000;
    if (value_of(command, "net.inet.tcp.rfc1323", &value) && !value)
        d->options_off |= 1u << DRILL_WSCALE | 1u << DRILL_TS;
    if (value_of(command, "net.inet.tcp.sack.enable", &value) && !value)
        d->options_off |= 1u << DRILL_SACKOK;
    if (value_of(command, "net.inet.tcp.rexmit_drop_options", &value) && value)
        d->options_off |= 1u << DRILL_WSCALE | 1u << DRILL_TS | 1u << DRILL_SACKOK;
    if (strstr(command, "sockstat") && strstr(command, "TIME_WAIT"))
        count_time_wait(d);
}
