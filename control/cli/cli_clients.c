/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/cli/cli_command.h"
#include "control/cli/cli_load.h"
#include "control/clientconfig/client_config.h"

/* What a format cannot be written without. */
enum need { NEEDS_NOTHING, NEEDS_SERVERS, NEEDS_PASSWORD };

static const struct format {
    const char *name;
    const char *path; /* below the folder; "%s" is the domain */
    client_config_write *write;
    enum need need;
} formats[] = {
    {"autoconfig", ".well-known/autoconfig/mail/config-v1.1.xml", client_autoconfig_write,
     NEEDS_SERVERS},
    {"autodiscover", "autodiscover/autodiscover.xml", client_autodiscover_write, NEEDS_PASSWORD},
    {"mobileconfig", "%s.mobileconfig", client_mobileconfig_write, NEEDS_PASSWORD},
    {"srv", "%s.zone", client_srv_write, NEEDS_NOTHING},
};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

/* Why it cannot be written. NULL: it can. */
static const char *lacks(const struct client_config *c, const struct format *format)
{
    if (format->need >= NEEDS_SERVERS && !client_config_reading(c))
        return "no listener of protocol imap or pop3 has tls";
    if (format->need >= NEEDS_SERVERS && !client_config_best(c, CLIENT_SUBMISSION))
        return "no listener of protocol submission has tls";
    if (format->need == NEEDS_PASSWORD && !c->password)
        return "auth.mechanisms has neither PLAIN nor LOGIN, and these programs know nothing else";
    return NULL;
}

/* The folders that a path goes through, from the one at `from` on. */
static bool make_folders(char *path, size_t from)
{
    for (char *slash = path + from; (slash = strchr(slash, '/')); slash++) {
        if (slash == path)
            continue;
        *slash = 0;
        bool made = mkdir(path, 0755) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

/* A web server never sees half of it: it is written beside its place and moved there. */
static bool write_file(const struct client_config *c, const struct format *format,
                       const char *folder)
{
    char path[PATH_MAX], beside[PATH_MAX + 8];
    int len = snprintf(path, sizeof(path), "%s/", folder);
    FILE *out;
    bool written;

    if (len > 0 && (size_t)len < sizeof(path))
        len += snprintf(path + len, sizeof(path) - (size_t)len, format->path, c->domain);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    snprintf(beside, sizeof(beside), "%s.new", path);
    if (!make_folders(path, 0) || !(out = fopen(beside, "w")))
        return false;
    written = format->write(c, out);
    written = fclose(out) == 0 && written;
    if (written && rename(beside, path) == 0) {
        printf("%s\n", path);
        return true;
    }
    unlink(beside);
    return false;
}

static bool write_one(const struct client_config *c, const struct format *format,
                      const char *folder)
{
    const char *why = lacks(c, format);

    if (why) {
        fprintf(stderr, "wirepost client-config: no %s: %s\n", format->name, why);
        return false;
    }
    if (folder ? write_file(c, format, folder) : format->write(c, stdout) && fflush(stdout) == 0)
        return true;
    fprintf(stderr, "wirepost client-config: %s cannot be written: %s\n", format->name,
            strerror(errno));
    return false;
}

static int write_all(const struct client_config *c, const struct cli_options *o)
{
    bool all = !o->format || strcmp(o->format, "all") == 0;
    bool known = all, written = true;

    for (int i = 0; i < FORMATS; i++) {
        if (!all && strcmp(o->format, formats[i].name) != 0)
            continue;
        known = true;
        written = write_one(c, &formats[i], o->output) && written;
    }
    if (!known) {
        fprintf(stderr, "wirepost client-config: no such format: %s\n", o->format);
        return CLI_USAGE;
    }
    return written ? CLI_OK : CLI_FAILED;
}

int cli_clients_show(const struct cli_options *o, const struct cli_actions *actions,
                     const char *program)
{
    uint8_t text[512];
    struct writer why = writer_of(text, sizeof(text));
    struct client_config c;
    struct config *config;
    int status;

    if (!o->output && (!o->format || strcmp(o->format, "all") == 0)) {
        fprintf(stderr, "wirepost client-config: expected --format or --output FOLDER\n");
        return CLI_USAGE;
    }
    config = cli_load(o->config, NULL, &status);
    if (!config)
        return status;
    if (client_config_init(&c, config, o->argv[0], &why)) {
        status = write_all(&c, o);
    } else {
        fprintf(stderr, "wirepost client-config: %.*s\n", (int)why.len, (char *)text);
        status = CLI_USAGE;
    }
    config_free(config);
    return status;
}
