/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "control/log/log.h"
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
    char text[LOG_PEER_MAX + 1];

    catch_begin();
    LOG(INFO, "peer said %s", log_peer(text, span_of("a\r\nb\0c\x1b[31m", 11)));
    LOG(DEBUG, "not asked for");
    LOG(ERROR, "two\nlines");
    CHECK(catch_end() == 2);
    CHECK(output[10] == 'T' && strstr(output, "Z info: peer said a??b?c?[31m\n"));
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

int main(void)
{
    check_begin();
    CHECK_CASE(lines_have_level_and_time);
    CHECK_CASE(long_lines_are_cut);
    CHECK_CASE(each_place_has_its_own_limit);
    return check_end();
}
