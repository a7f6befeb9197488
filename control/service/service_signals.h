/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_SERVICE_SIGNALS_H
#define CONTROL_SERVICE_SERVICE_SIGNALS_H

/*
 * SIGTERM, SIGINT and SIGHUP as a descriptor to poll(): from here on they are blocked in this
 * thread and those that it starts, and a pipe that nobody reads is an error and no signal. -1 with
 * errno.
 */
int service_signals_open(void);
/* The next of them; 0: there is none. */
int service_signals_take(int fd);

#endif
