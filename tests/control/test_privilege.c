/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/privilege/privilege.h"
#include "tests/harness/check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A filter is for ever: each case that loads one runs in a child. True when it ended with 0. */
static bool in_child(bool (*body)(void), int *status_out)
{
    pid_t child = fork();

    if (child == 0)
        _exit(body() ? 0 : 1);
    waitpid(child, status_out, 0);
    return WIFEXITED(*status_out) && WEXITSTATUS(*status_out) == 0;
}

static bool load(bool kill)
{
    uint8_t text[256];
    struct writer why = writer_of(text, sizeof(text));

    return privilege_filter(kill, 0, &why);
}

static bool refused(long result)
{
    return result == -1 && errno == EPERM;
}

static bool forbidden_calls_fail(void)
{
    static char word[] = "true";
    char *const words[] = {word, NULL};

    if (!load(false))
        return false;
    return refused(execve("/bin/true", words, words)) && refused(syscall(SYS_ptrace, 0, 0, 0, 0)) &&
           refused(socket(AF_INET, SOCK_STREAM, 0)) && refused(fork()) && refused(setuid(1)) &&
           mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
               MAP_FAILED &&
           privilege_refused() == 6;
}

static void *call_there(void *result)
{
    *(bool *)result = refused(syscall(SYS_mount, "a", "b", "c", 0, NULL));
    return NULL;
}

static pthread_barrier_t barrier;

static void *wait_and_call(void *result)
{
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return call_there(result);
}

/* Threads that are there already, and those that come. */
static bool all_threads_are_bound(void)
{
    bool before = false, after = false;
    pthread_t one, two;

    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&one, NULL, wait_and_call, &before);
    pthread_barrier_wait(&barrier);
    if (!load(false))
        return false;
    pthread_barrier_wait(&barrier);
    pthread_join(one, NULL);
    if (pthread_create(&two, NULL, call_there, &after) != 0)
        return false;
    pthread_join(two, NULL);
    return before && after && privilege_refused() == 2;
}

static bool work_goes_on(void)
{
    uint8_t *memory;
    FILE *file;
    bool ok;

    if (!load(false))
        return false;
    memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    file = tmpfile();
    ok = memory != MAP_FAILED && file && fputs("x", file) >= 0 && fflush(file) == 0 &&
         fsync(fileno(file)) == 0;
    return ok && privilege_refused() == 0;
}

static bool a_killing_filter(void)
{
    return load(true) && socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static void the_filter_refuses_what_serving_mail_does_not_need(void)
{
    int status;

    CHECK(in_child(forbidden_calls_fail, &status));
    CHECK(in_child(all_threads_are_bound, &status));
    CHECK(in_child(work_goes_on, &status));
    CHECK(!in_child(a_killing_filter, &status));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static uint32_t owner_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? st.st_uid : UINT32_MAX;
}

static void touch(const char *path)
{
    FILE *file = fopen(path, "w");

    CHECK(file != NULL);
    if (file)
        fclose(file);
}

static void files_are_given_but_links_are_not_followed(void)
{
    char directory[] = "/tmp/wp-privilege-XXXXXX", command[128];
    uint8_t text[256];
    struct writer why = writer_of(text, sizeof(text));

    if (geteuid() != 0) {
        check_skip("only root can give files away");
        return;
    }
    if (!CHECK(mkdtemp(directory) != NULL) || !CHECK(chdir(directory) == 0))
        return;
    mkdir("store", 0755);
    mkdir("store/deeper", 0755);
    touch("store/deeper/file");
    touch("outside");
    touch("theirs");
    CHECK(symlink("../outside", "store/soft") == 0 && link("theirs", "store/hard") == 0);
    touch("store/foreign");
    CHECK(chown("store/foreign", 7, 7) == 0);
    CHECK(privilege_give("store", 12345, 12345, &why));
    CHECK(owner_of("store") == 12345 && owner_of("store/deeper/file") == 12345);
    CHECK(owner_of("outside") == 0 && owner_of("theirs") == 0 && owner_of("store/foreign") == 7);
    CHECK(privilege_give("missing", 12345, 12345, &why) && why.len == 0);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    CHECK(chdir("/") == 0 && system(command) == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(the_filter_refuses_what_serving_mail_does_not_need);
    CHECK_CASE(files_are_given_but_links_are_not_followed);
    return check_end();
}
