/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    int run;
    int failed;
    bool case_failed;
    const char *skipped;
} state;

void check_begin(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}

int check_end(void)
{
    printf("1..%d\n", state.run);
    return state.failed ? 1 : 0;
}

static void report(const char *name)
{
    state.run++;
    state.failed += state.case_failed;
    printf("%sok %d %s%s%s\n", state.case_failed ? "not " : "", state.run, name,
           state.skipped ? " # SKIP " : "", state.skipped ? state.skipped : "");
}

void check_case(const char *name, void (*test)(void))
{
    state.case_failed = false;
    state.skipped = NULL;
    test();
    report(name);
}

void check_case_dies(const char *name, void (*test)(void))
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    state.case_failed = false;
    state.skipped = NULL;
    child = fork();
    if (child == 0) {
        fclose(stderr);
        test();
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        CHECK(!"fork");
    /* A sanitizer reports and exits non-zero instead of raising a signal. */
    CHECK(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0));
    report(name);
}

void check_skip(const char *why)
{
    state.skipped = why;
}

bool check_that(bool ok, const char *file, int line, const char *what)
{
    if (!ok) {
        state.case_failed = true;
        printf("# %s:%d: %s\n", file, line, what);
    }
    return ok;
}

bool check_span(struct span got, const char *expected, const char *file, int line)
{
    bool ok = span_equal(got, span_text(expected));

    if (!ok) {
        state.case_failed = true;
        printf("# %s:%d: got \"%.*s\", expected \"%s\"\n", file, line, (int)got.len, got.data,
               expected);
    }
    return ok;
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t guarded_pages(size_t len)
{
    return (len + page_size() - 1) / page_size() * page_size() + (len == 0 ? page_size() : 0);
}

struct span guard_copy(struct span bytes, bool at_end)
{
    size_t page = page_size(), pages = guarded_pages(bytes.len);
    uint8_t *base = mmap(NULL, pages + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *start;

    if (base == MAP_FAILED || mprotect(base + page, pages, PROT_READ | PROT_WRITE) != 0)
        abort();
    start = at_end ? base + page + pages - bytes.len : base + page;
    if (bytes.len)
        memcpy(start, bytes.data, bytes.len);
    return span_of(start, bytes.len);
}

void guard_free(struct span copy)
{
    size_t page = page_size(), pages = guarded_pages(copy.len);
    uint8_t *first = (uint8_t *)((uintptr_t)copy.data & ~(page - 1));

    /* An empty copy at the end points at the guard page itself. */
    if (copy.len == 0 && copy.data == first)
        return;
    munmap(first - page, pages + 2 * page);
}
