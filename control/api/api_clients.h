/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_CLIENTS_H
#define CONTROL_API_API_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The connections there are, and until when each has to have got on: a client that sends a byte now
 * and then is not idle, and would keep its place for ever. Any thread. Times are monotonic
 * milliseconds.
 */
struct api_clients;
struct api_client;

/* NULL: no memory. */
struct api_clients *api_clients_new(void);
/* Nobody is connected any more. */
void api_clients_free(struct api_clients *clients);

/* The socket stays its owner's, who removes the client before closing it. NULL: no memory; it has
 * no deadline then. */
struct api_client *api_clients_add(struct api_clients *clients, int fd, uint64_t until_ms);
void api_clients_remove(struct api_clients *clients, struct api_client *client);
/* It got on. NULL: nobody. */
void api_clients_extend(struct api_clients *clients, struct api_client *client, uint64_t until_ms);
uint32_t api_clients_count(struct api_clients *clients);
/* Shuts down the sockets of those that are late; their threads then see an end. Returns how many.
 */
uint32_t api_clients_sweep(struct api_clients *clients, uint64_t now_ms);

/* Sleeps, but not beyond api_clients_stop(). False: that was called. */
bool api_clients_wait(struct api_clients *clients, uint32_t ms);
void api_clients_stop(struct api_clients *clients);

#endif
