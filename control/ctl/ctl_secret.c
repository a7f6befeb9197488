/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_secret.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Unbuffered, so that nothing of it stays behind, and what follows is left to others. */
static bool read_line(char line_out[CTL_SECRET_MAX + 1])
{
    size_t len = 0;
    char c;

    while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
        if (len == CTL_SECRET_MAX)
            return false;
        line_out[len++] = c;
    }
    len -= len > 0 && line_out[len - 1] == '\r';
    line_out[len] = 0;
    return true;
}

static bool prompt(const char *text, char line_out[CTL_SECRET_MAX + 1], FILE *errors)
{
    bool ok;

    fputs(text, errors);
    fflush(errors);
    ok = read_line(line_out);
    fputc('\n', errors);
    return ok;
}

static bool ask_twice(char secret_out[CTL_SECRET_MAX + 1], FILE *errors)
{
    char again[CTL_SECRET_MAX + 1];
    bool ok = prompt("Password: ", secret_out, errors) && prompt("Again: ", again, errors);
    bool same = ok && strcmp(secret_out, again) == 0;

    explicit_bzero(again, sizeof(again));
    if (ok && !same)
        fputs("wirepost ctl: these differ\n", errors);
    return same;
}

bool ctl_secret_read(char secret_out[CTL_SECRET_MAX + 1], FILE *errors)
{
    struct termios shown, hidden;
    bool ok;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &shown) != 0) {
        ok = read_line(secret_out);
        if (!ok)
            fputs("wirepost ctl: the password is too long\n", errors);
        return ok;
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    ok = ask_twice(secret_out, errors);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    return ok;
}
