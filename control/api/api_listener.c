/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/api_listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/log/log.h"
#include "control/tls/tls_certificate.h"

enum { BACKLOG = 256, PEM_MAX = 1 << 20, MEMORY_A_CLIENT = 65536 };

/* TLS 1.2 and 1.3 alone (RFC 9325 section 3.1.1). */
static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

bool api_listener_check(const struct config *config, struct writer *why)
{
    bool ok = true;

    for (uint32_t i = 0; i < config->api.listeners_count; i++) {
        const struct config_api_listener *l = &config->api.listeners[i];
        const struct config_certificate files = {.line = l->line,
                                                 .certificate = l->certificate,
                                                 .key = l->key,
                                                 .passphrase = (char *)(uintptr_t) "",
                                                 .ocsp = (char *)(uintptr_t) "",
                                                 .set = (char *)(uintptr_t) ""};
        struct tls_certificate certificate;

        if (!l->certificate[0])
            continue;
        if (tls_certificate_load(&certificate, &files, why))
            tls_certificate_fini(&certificate);
        else
            ok = false;
    }
    return ok;
}

static socklen_t set_address(struct sockaddr_storage *to, const struct config_api_listener *l)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

    memset(to, 0, sizeof(*to));
    if (ip_address_is_v4(&l->address)) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(l->port);
        memcpy(&v4->sin_addr, l->address.bytes + 12, 4);
        return sizeof(*v4);
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(l->port);
    memcpy(&v6->sin6_addr, l->address.bytes, 16);
    return sizeof(*v6);
}

bool api_listener_open(struct api_listener *l, const struct config_api_listener *config,
                       const struct api_http *http)
{
    struct sockaddr_storage to;
    socklen_t len = set_address(&to, config);
    const int on = 1;

    *l = (struct api_listener){
        .http = http, .fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (l->fd < 0)
        return false;
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (to.ss_family == AF_INET6)
        setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(l->fd, (const struct sockaddr *)&to, len) == 0 && listen(l->fd, BACKLOG) == 0)
        return true;
    api_listener_close(l);
    return false;
}

/* From malloc, with a NUL. NULL with errno. */
static char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(PEM_MAX + 1);
    size_t len = 0;
    ssize_t n = -1;

    while (text && len < PEM_MAX && (n = read(fd, text + len, PEM_MAX - len)) > 0)
        len += (size_t)n;
    if (text && n != 0) {
        free(text);
        text = NULL;
        errno = n < 0 ? errno : EFBIG;
    }
    if (text)
        text[len] = 0;
    if (fd >= 0)
        close(fd);
    return text;
}

static void free_secret(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static struct MHD_Daemon *start(const struct api_listener *l, int fd, const char *certificate,
                                const char *key, const struct config_api *limits)
{
    void *http = (void *)(uintptr_t)l->http;
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities},
        {MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                     MHD_USE_POLL | MHD_USE_ITC | (certificate ? MHD_USE_TLS : 0);

    return MHD_start_daemon(
        flags, 0, api_http_accept, http, api_http_serve, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)limits->connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)limits->connections_address,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(limits->idle_timeout / 1000000),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_A_CLIENT, MHD_OPTION_STRICT_FOR_CLIENT,
        1, MHD_OPTION_UNESCAPE_CALLBACK, api_http_undecoded, http, MHD_OPTION_NOTIFY_COMPLETED,
        api_http_completed, http, MHD_OPTION_NOTIFY_CONNECTION, api_http_connection, http,
        MHD_OPTION_ARRAY, certificate ? tls : tls + 3, MHD_OPTION_END);
}

/* Takes the texts. Both daemons have the socket for a moment; a connection goes to one of them. */
static bool serve(struct api_listener *l, char *certificate, char *key,
                  const struct config_api *limits, struct MHD_Daemon **retired_out)
{
    int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
    struct MHD_Daemon *daemon = fd < 0 ? NULL : start(l, fd, certificate, key, limits);

    if (!daemon) {
        LOG(ERROR, "api: the HTTP library does not start%s",
            certificate ? ": it may not take the certificate" : "");
        if (fd >= 0)
            close(fd);
        free_secret(certificate);
        free_secret(key);
        return false;
    }
    *retired_out = l->daemon;
    if (l->daemon) {
        int before = MHD_quiesce_daemon(l->daemon);

        if (before >= 0)
            close(before);
    }
    free_secret(l->certificate);
    free_secret(l->key);
    l->certificate = certificate;
    l->key = key;
    l->daemon = daemon;
    return true;
}

bool api_listener_serve(struct api_listener *l, const struct config_api_listener *config,
                        const struct config_api *limits, struct MHD_Daemon **retired_out)
{
    bool tls = config->certificate[0];
    char *certificate = tls ? read_file(config->certificate) : NULL;
    char *key = tls && certificate ? read_file(config->key) : NULL;
    sigset_t all, before;
    bool ok;

    *retired_out = NULL;
    if (tls && !key) {
        LOG(ERROR, "api: %s: %s", certificate ? config->key : config->certificate, strerror(errno));
        free_secret(certificate);
        return false;
    }
    if (l->daemon &&
        (!tls || (strcmp(certificate, l->certificate) == 0 && strcmp(key, l->key) == 0))) {
        free_secret(certificate);
        free_secret(key);
        return true;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = serve(l, certificate, key, limits, retired_out);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

void api_listener_close(struct api_listener *l)
{
    int why = errno;

    if (l->daemon)
        MHD_stop_daemon(l->daemon);
    if (l->fd >= 0)
        close(l->fd);
    free_secret(l->certificate);
    free_secret(l->key);
    *l = (struct api_listener){.fd = -1};
    errno = why;
}
