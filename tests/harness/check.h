/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_HARNESS_CHECK_H
#define TESTS_HARNESS_CHECK_H

#include "proto/base/span.h"

/*
 * The unit tests' harness. A test program is a main() of CHECK_CASE(function) lines between
 * check_begin() and `return check_end()`; it prints TAP. A failed CHECK names file, line and
 * expression and the case goes on.
 */
void check_begin(void);
int check_end(void);
void check_case(const char *name, void (*test)(void));
bool check_that(bool ok, const char *file, int line, const char *what);
/* Runs `test` in a child process; passes when the child dies of a signal. For what must not
 * survive. */
void check_case_dies(const char *name, void (*test)(void));
/* Counts the current case as skipped, with the reason. */
void check_skip(const char *why);

#define CHECK_CASE(function) check_case(#function, function)
#define CHECK_DIES(function) check_case_dies(#function, function)
#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition)
#define CHECK_TEXT(span_, text_) check_span((span_), (text_), __FILE__, __LINE__)
bool check_span(struct span got, const char *expected, const char *file, int line);

/*
 * A copy of `bytes` that ends exactly at an unreadable page (`at_end`) or starts right behind one,
 * so that a reader that touches one byte outside dies. Release with guard_free().
 */
struct span guard_copy(struct span bytes, bool at_end);
void guard_free(struct span copy);

#endif
