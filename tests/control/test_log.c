/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "control/log/log.h"
#include "control/record/record_log.h"
#include "tests/harness/check.h"

static char output[65536];
static int caught, saved;

static void catch_begin(void)
{
    char name[] = "/tmp/wirepost-control-log-XXXXXX";

    caught = mkstemp(name);
    unlink(name);
    saved = dup(2);
    dup2(caught, 2);
}

/* What was written since, as text; returns the number of lines. */
static int catch_end(void)
{
    ssize_t n = pread(caught, output, sizeof(output) - 1, 0);
    int lines = 0;

    dup2(saved, 2);
    close(saved);
    close(caught);
    output[n > 0 ? n : 0] = 0;
    for (const char *at = output; *at; at++)
        lines += *at == '\n';
    return lines;
}

/* Away from the end of a second, so that what follows falls into one. */
static void early_in_a_second(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_nsec > 300000000)
        usleep((useconds_t)((1000000000 - now.tv_nsec) / 1000 + 1000));
}

static void lines_have_level_and_time(void)
{
    catch_begin();
    log_worker(LOG_LEVEL_INFO, 1, "row", 0, span_of("peer said a\r\nb\0c\x1b[31m", 21));
    LOG(DEBUG, "not asked for");
    LOG(ERROR, "two\nlines");
    CHECK(catch_end() == 2);
    CHECK(output[10] == 'T' && strstr(output, "Z info: worker 1: peer said a??b?c?[31m\n"));
    CHECK(strstr(output, "Z error: two?lines\n") != NULL);
    log_set_level(LOG_LEVEL_ERROR);
    catch_begin();
    LOG(WARNING, "less than asked for");
    CHECK(catch_end() == 0);
    log_set_level(LOG_LEVEL_DEBUG);
    catch_begin();
    LOG(DEBUG, "asked for");
    CHECK(catch_end() == 1);
    log_set_level(LOG_LEVEL_INFO);
}

static void long_lines_are_cut(void)
{
    char *text = malloc(5000);

    memset(text, 'x', 4999);
    text[4999] = 0;
    catch_begin();
    LOG(INFO, "%s", text);
    CHECK(catch_end() == 1);
    CHECK(strlen(output) <= LOG_LINE_MAX && strcmp(output + strlen(output) - 4, "...\n") == 0);
    free(text);
}

static void each_place_has_its_own_limit(void)
{
    static struct log_site site;

    early_in_a_second();
    catch_begin();
    for (int i = 0; i < 1000; i++)
        log_line(&site, LOG_LEVEL_INFO, "again");
    LOG(INFO, "another place");
    CHECK(catch_end() == LOG_SITE_LINES + 1);
    usleep(1100000);
    catch_begin();
    log_line(&site, LOG_LEVEL_INFO, "again");
    CHECK(catch_end() == 1 && strstr(output, "(990 like this left out) again\n"));
}

/* ---- targets and forms ---- */

static const char *content(const char *path)
{
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(output, 1, sizeof(output) - 1, f) : 0;

    output[n] = 0;
    if (f)
        fclose(f);
    return output;
}

static void a_file_takes_lines_and_is_opened_anew(void)
{
    char directory[] = "/tmp/wirepost-log-XXXXXX", path[64], moved[64];
    struct log_options o = {.target = LOG_TARGET_FILE, .path = path};

    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/log", directory);
    snprintf(moved, sizeof(moved), "%s/log.1", directory);
    CHECK(log_open(&o));
    LOG(INFO, "one");
    CHECK(rename(path, moved) == 0);
    LOG(INFO, "two");
    CHECK(log_open(&o));
    LOG(INFO, "three");
    CHECK(strstr(content(moved), "one\n") && strstr(output, "two\n"));
    CHECK(strstr(content(path), "three\n") && !strstr(output, "two"));
    /* A file that cannot be opened leaves it where it was. */
    o.path = "/nowhere/at/all";
    CHECK(!log_open(&o) && errno == ENOENT);
    LOG(INFO, "four");
    CHECK(strstr(content(path), "four\n") != NULL);
    CHECK(log_open(&(struct log_options){.target = LOG_TARGET_STDERR}));
    unlink(path);
    unlink(moved);
    rmdir(directory);
}

static void json_lines_read_back(void)
{
    char hostile[512];
    json_t *json;

    for (int i = 0; i < 255; i++)
        hostile[i] = (char)(i + 1);
    hostile[255] = 0;
    CHECK(log_open(&(struct log_options){.target = LOG_TARGET_STDERR, .json = true}));
    catch_begin();
    LOG(WARNING, "%s", hostile);
    CHECK(catch_end() == 1);
    json = json_loads(output, JSON_REJECT_DUPLICATES, NULL);
    CHECK(json_object_size(json) == 3);
    CHECK(strstr(json_string_value(json_object_get(json, "text")), "!\"#") != NULL);
    json_decref(json);
    catch_begin();
    log_worker(LOG_LEVEL_ERROR, 3, "row", 7, span_text("say \\ \"it\""));
    CHECK(catch_end() == 1);
    json = json_loads(output, JSON_REJECT_DUPLICATES, NULL);
    CHECK(json_integer_value(json_object_get(json, "worker")) == 3);
    CHECK(json_integer_value(json_object_get(json, "left_out")) == 7);
    CHECK_TEXT(span_text(json_string_value(json_object_get(json, "text"))), "say \\ \"it\"");
    json_decref(json);
    CHECK(log_open(&(struct log_options){.target = LOG_TARGET_STDERR}));
}

/* Lines of workers, with the client as the records have it. */
static void workers_lines_are_written(void)
{
    struct handoff *h =
        handoff_new(&(struct handoff_options){.workers = 2, .jobs = 16, .records = 16});
    struct ip_address client = ip_address_v4((const uint8_t[]){198, 18, 7, 9});
    struct record_privacy privacy = record_privacy_default;

    for (int i = 0; i < 8; i++)
        worker_log_put(handoff_log(handoff_port_of(h, 1)), LOG_MESSAGE_records_short, 1000000,
                       &client);
    worker_log_put(handoff_log(handoff_port_of(h, 1)), LOG_MESSAGE_records_short, 2000000, &client);
    catch_begin();
    CHECK(record_log_workers(h, &privacy) == 6);
    CHECK(catch_end() == 6);
    CHECK(strstr(output, "warning: worker 1: no record slot is free: a message of 198.18.7.9 "));
    CHECK(strstr(output, "worker 1: (3 like this left out) no record slot") != NULL);
    privacy.action[RECORD_CLASS_envelope] = RECORD_PRIVACY_DROP;
    worker_log_put(handoff_log(handoff_port_of(h, 0)), LOG_MESSAGE_unanswered, 1, &client);
    catch_begin();
    CHECK(record_log_workers(h, &privacy) == 1 && catch_end() == 1);
    CHECK(strstr(output, "info: worker 0: a message was committed, and a client was gone"));
    handoff_free(h);
}

/* With a /dev/log of our own, where we may have one. */
static void syslog_takes_lines(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t n;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/dev", "tmpfs", 0, NULL) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        printf("# no namespace for a /dev/log of our own: %s\n", strerror(errno));
        close(fd);
        return;
    }
    CHECK(log_open(&(struct log_options){.target = LOG_TARGET_SYSLOG, .facility = LOG_MAIL}));
    LOG(WARNING, "to %s", "syslog");
    n = recv(fd, output, sizeof(output) - 1, MSG_DONTWAIT);
    output[n > 0 ? n : 0] = 0;
    /* <mail.warning>: 2 * 8 + 4 */
    CHECK(strncmp(output, "<20>", 4) == 0 && strstr(output, "wirepost[") &&
          strstr(output, ": to syslog"));
    CHECK(log_open(&(struct log_options){.target = LOG_TARGET_STDERR}));
    close(fd);
}

int main(void)
{
    check_begin();
    CHECK_CASE(lines_have_level_and_time);
    CHECK_CASE(long_lines_are_cut);
    CHECK_CASE(each_place_has_its_own_limit);
    CHECK_CASE(a_file_takes_lines_and_is_opened_anew);
    CHECK_CASE(json_lines_read_back);
    CHECK_CASE(workers_lines_are_written);
    CHECK_CASE(syslog_takes_lines);
    return check_end();
}
