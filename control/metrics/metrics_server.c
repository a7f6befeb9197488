/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/metrics/metrics_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "control/config/config.h"
#include "control/metrics/metrics_page.h"
#include "control/metrics/metrics_workers.h"

enum { MEMORY_A_CLIENT = 32 * 1024 };

struct metrics_server {
    struct metrics_source source;
    struct MHD_Daemon *daemon;
};

static uint64_t directory_bytes(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    uint64_t sum = 0;
    struct stat st;

    while (directory && (entry = readdir(directory)))
        if (fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
    if (directory)
        closedir(directory);
    return sum;
}

static void put_store(const char *path, const struct counter_sink *sink)
{
    struct statvfs disk;

    if (!path || statvfs(path, &disk) != 0)
        return;
    sink->put(sink->user, "store_bytes", directory_bytes(path));
    sink->put(sink->user, "store_free_bytes", (uint64_t)disk.f_bavail * disk.f_frsize);
}

static void fill(const struct metrics_source *s, struct metrics_page *page)
{
    struct metric_sink sink = metrics_page_sink(page);
    struct counter_sink names = metrics_page_named(page);

    s->named(s->context, &names);
    put_store(s->store, &names);
    metrics_workers_put(s->handoff, &sink);
    s->engine(s->context, &sink);
    metrics_page_histogram(page, "end_of_data", "from the final dot to the reply",
                           &s->latency->end_of_data);
    metrics_page_histogram(page, "commit", "of that, from the question to the store to its answer",
                           &s->latency->commit);
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type,
                             void *text, size_t len, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(len, text, mode);
    enum MHD_Result result;

    if (!response) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *text)
{
    return reply(connection, status, "text/plain; charset=utf-8", (void *)(uintptr_t)text,
                 strlen(text), MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result say_metrics(const struct metrics_server *s,
                                   struct MHD_Connection *connection)
{
    struct metrics_page page = {0};

    fill(&s->source, &page);
    if (!page.failed)
        return reply(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", page.text,
                     page.len, MHD_RESPMEM_MUST_FREE);
    free(page.text);
    return say(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
}

static enum MHD_Result serve(void *context, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_size, void **state)
{
    struct metrics_server *s = context;
    bool healthy;

    /* A body is read to its end and thrown away. */
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    if (strcmp(url, "/metrics") == 0)
        return say_metrics(s, connection);
    if (strcmp(url, "/health") != 0)
        return say(connection, MHD_HTTP_NOT_FOUND, "there are /metrics and /health\n");
    healthy = s->source.healthy(s->source.context);
    return say(connection, healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
               healthy ? "ready\n" : "not ready, or draining\n");
}

/* An IPv4 address as struct ip_address has it is the last four bytes. */
static void set_address(struct sockaddr_storage *to, const struct ip_address *address,
                        uint16_t port)
{
    memset(to, 0, sizeof(*to));
    if (ip_address_is_v4(address)) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)to;

        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address->bytes + 12, 4);
    } else {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        memcpy(&v6->sin6_addr, address->bytes, 16);
    }
}

struct metrics_server *metrics_server_start(const char *listen, const struct metrics_source *source)
{
    struct metrics_server *s = calloc(1, sizeof(*s));
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    struct sockaddr_storage to;
    struct ip_address address;
    uint16_t port;
    sigset_t all, before;
    int why;

    if (!s)
        return NULL;
    if (!config_endpoint(listen, &address, &port)) {
        free(s);
        errno = EINVAL;
        return NULL;
    }
    s->source = *source;
    set_address(&to, &address, port);
    if (!ip_address_is_v4(&address))
        flags |= MHD_USE_IPv6;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = 0;
    s->daemon = MHD_start_daemon(
        flags, port, NULL, NULL, serve, s, MHD_OPTION_SOCK_ADDR, &to, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)METRICS_CLIENTS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)METRICS_PATIENCE,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_A_CLIENT, MHD_OPTION_END);
    why = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (s->daemon)
        return s;
    free(s);
    errno = why ? why : EADDRNOTAVAIL;
    return NULL;
}

void metrics_server_stop(struct metrics_server *s)
{
    MHD_stop_daemon(s->daemon);
    free(s);
}
