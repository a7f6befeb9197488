/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_PRIVILEGE_PRIVILEGE_H
#define CONTROL_PRIVILEGE_PRIVILEGE_H

#include "control/config/config.h"

/*
 * What the engine gives up once everything is open that only root may open: another user for all
 * threads, no new privileges, a filter of system calls, no core file. docs/defence.md.
 */

/*
 * To be called first: whether the engine will be able to become who the configuration says; root
 * stays root only where it says so. Unless core files are asked for, none is written from here on.
 * False, with a reason in the log.
 */
bool privilege_check(const struct config *config);
/*
 * To be called once, by the main thread, when devices, sockets, store, records and control socket
 * are open and before a packet is read. Gives files to the new user first. False, with a reason in the log: the process is then
 * to end, since it may be half of one thing and half of the other.
 */
bool privilege_drop(const struct config *config);
/* The last of the port's work may need what a driver's end asks of the kernel: what was kept for it
 * comes into force, for the calling thread alone. */
void privilege_raise(void);
/* How many system calls the filter has refused. Any thread. */
uint64_t privilege_refused(void);
/* Logs those that were refused since the last time. One thread. */
void privilege_report(void);

/* ---- the parts, for each other and for tests ---- */

/* What the filter lets through where the configuration needs it. */
enum privilege_need {
    PRIVILEGE_XDP = 1,     /* what the end of AF_XDP asks for */
    PRIVILEGE_NETWORK = 2, /* connections of the kernel's to servers that are asked (oauth) */
};

/* Gives a file or a directory with what lies in it to the user, where root has it; links are not
 * followed, files with several names not given. What is not there is passed over. */
bool privilege_give(const char *path, uint32_t user, uint32_t group, struct writer *why);
/* The filter for all threads; refused calls end the process with `kill`, else they fail with EPERM
 * and are counted. `needs`: bits of enum privilege_need. */
bool privilege_filter(bool kill, uint32_t needs, struct writer *why);

#endif
