/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/cli/cli.h"
#include "tests/harness/check.h"

#define GOOD                                                                                       \
    "hostname: mx.example.test\nengine: {interface: e}\nnetwork: {addresses: [198.18.0.2/24]}\n"   \
    "listeners: [{port: 110, protocol: pop3}]\nstore: {path: a}\n"

static struct {
    int runs;
    bool profile, refuse;
} seen;

static int fake_run(void *context, const struct cli_run *run)
{
    seen.runs++;
    seen.profile = run->profile;
    CHECK_TEXT(span_text(run->config->hostname), "mx.example.test");
    CHECK_TEXT(span_text(run->program), "wirepost");
    return CLI_FAILED;
}

static void fake_check(void *context, const struct config *config, struct config_errors *errors)
{
    if (seen.refuse) {
        errors->count++;
        writer_text(&errors->text, "rules.yaml:3: rule 'a': what\n");
    }
}

static char path[] = "/tmp/wirepost-control-cli-XXXXXX";
static char output[65536];

/* Runs a command line ("@" stands for the file) with both streams caught; the text is in `output`.
 */
static int run_line(const char *line)
{
    struct cli_actions actions = {.version = "1.2.3", .run = fake_run, .check = fake_check};
    char words[512], *argv[16], name[] = "/tmp/wirepost-control-out-XXXXXX";
    int argc = 0, caught = mkstemp(name), out = dup(1), err = dup(2), status;
    ssize_t n;

    unlink(name);
    snprintf(words, sizeof(words), "wirepost %s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "@") == 0 ? path : word;
    argv[argc] = NULL;
    fflush(stdout);
    dup2(caught, 1);
    dup2(caught, 2);
    status = cli_main(argc, argv, &actions);
    fflush(stdout);
    dup2(out, 1);
    dup2(err, 2);
    n = pread(caught, output, sizeof(output) - 1, 0);
    output[n > 0 ? n : 0] = 0;
    close(caught);
    close(out);
    close(err);
    return status;
}

static void put_config(const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

    CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void help_is_everywhere(void)
{
    static const char *const lines[] = {
        "--help",      "-h",         "help",          "run --help",
        "check -h",    "ctl --help", "config --help", "version --help",
        "mime --help", "address -h"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        CHECK(run_line(lines[i]) == CLI_OK);
        CHECK(strstr(output, "Usage:") && strstr(output, "Exit status:"));
    }
    CHECK(run_line("ctl --help") == CLI_OK && strstr(output, "message export ID [ACCOUNT]"));
    CHECK(run_line("version") == CLI_OK);
    CHECK_TEXT(span_text(output), "wirepost 1.2.3\n");
}

static void wrong_lines_are_refused(void)
{
    static const char *const lines[] = {
        "",
        "nonsense",
        "run",
        "check",
        "run -c",
        "run --config",
        "run -c @ more",
        "run -c @ -x",
        "run -c @ --nope",
        "run -c @ --json",
        "check -c @ --profile",
        "version now",
        "config",
        "config --markdown x",
        "ctl",
        "ctl -s",
        "ctl -s /tmp/a -c @ status",
        "ctl -s /tmp/a nonsense",
        "ctl -s /tmp/a mailbox list",
        "ctl --profile status",
        "mime",
        "mime --json",
        "mime --null @",
        "address @",
        "address --markdown",
    };

    put_config(GOOD);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!CHECK(run_line(lines[i]) == CLI_USAGE && output[0]))
            CHECK_TEXT(span_text(lines[i]), "is refused");
    CHECK(seen.runs == 0);
}

static void faults_of_the_file_stop_a_start(void)
{
    put_config(GOOD "smtp: {errors: 0}\n");
    CHECK(run_line("check -c @") == CLI_USAGE);
    CHECK(strstr(output, ":6: smtp.errors: expected a number from 1 to 1000; found \"0\"\n") !=
          NULL);
    CHECK(run_line("run -c @") == CLI_USAGE && seen.runs == 0);
    CHECK(run_line("check -c /nowhere/a.yaml") == CLI_USAGE && strstr(output, "cannot be read"));
    put_config(GOOD);
    seen.refuse = true;
    CHECK(run_line("check -c @") == CLI_USAGE && strstr(output, "rules.yaml:3:"));
    CHECK(run_line("run -c @") == CLI_USAGE && seen.runs == 0);
    seen.refuse = false;
    CHECK(run_line("check --config @") == CLI_OK && strstr(output, "nothing is wrong"));
    CHECK(!strstr(output, "store.reserve"));
    CHECK(run_line("run -c @") == CLI_FAILED && seen.runs == 1 && !seen.profile);
    CHECK(run_line("run --profile -c @") == CLI_FAILED && seen.runs == 2 && seen.profile);
}

static void what_may_surprise_is_a_warning(void)
{
    put_config("hostname: mx.example.test\nengine: {interface: e}\n"
               "network: {addresses: [198.18.0.2/24]}\n"
               "listeners: [{port: 110, protocol: pop3}]\nstore: {path: a, reserve: none}\n");
    CHECK(run_line("check -c @") == CLI_OK && strstr(output, "nothing is wrong"));
    CHECK(strstr(output, "store.reserve: without one, a disk that is full may end the engine") !=
          NULL);
}

static void ctl_takes_the_socket_from_the_file(void)
{
    put_config(GOOD "ctl: {socket: /tmp/wirepost-control-cli-nobody}\n");
    CHECK(run_line("ctl -c @ status") == CLI_FAILED);
    CHECK(strstr(output, "no engine answers at /tmp/wirepost-control-cli-nobody") != NULL);
    CHECK(run_line("ctl -s /tmp/wirepost-control-cli-none status --json") == CLI_FAILED);
    CHECK(strstr(output, "/tmp/wirepost-control-cli-none") != NULL);
}

#define MESSAGE                                                                                    \
    "Subject: =?iso-8859-2?q?=B1?=\r\nDate: 3 Mar 2001 1:02 GMT\r\nContent-Type: "                 \
    "multipart/mixed; "                                                                            \
    "boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; "                                   \
    "filename*=koi8-r''%F0\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--b--\r\n"

static void a_message_is_shown(void)
{
    put_config(MESSAGE);
    CHECK(run_line("mime --json @") == CLI_OK);
    CHECK(strstr(output, "\"path\":\"1.1\"") && strstr(output, "\"value\":\"\xc4\x85\""));
    CHECK(strstr(output, "\"date\":\"2001-03-03T01:02:00+00:00\"") != NULL);
    CHECK(strstr(output, "\"filename\":\"\xd0\x9f\"") && strstr(output, "\"size\":3"));
    CHECK(strstr(output, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") !=
          NULL);
    CHECK(run_line("mime @ @") == CLI_OK);
    CHECK(strstr(output, "\n  1.1 text/plain\n") && strstr(output, "| Subject: \xc4\x85\n"));
    CHECK(run_line("mime @ /nowhere/a --json") == CLI_FAILED);
    CHECK(strstr(output, "\"path\":\"1.1\"") && strstr(output, "/nowhere/a: No such file"));
}

static void addresses_are_judged(void)
{
    int in = dup(0), fd;

    put_config("A@B.Example\n(x)a@b\n\na@[198.18.00.1]");
    fd = open(path, O_RDONLY);
    dup2(fd, 0);
    close(fd);
    CHECK(run_line("address --json") == CLI_OK);
    CHECK(strstr(output, "\"key\":\"a@b.example\"") && strstr(output, "\"why\":\"comment\""));
    CHECK(strstr(output, "\"why\":\"at_none\"") && strstr(output, "\"key\":\"a@[198.18.0.1]\""));
    fd = open(path, O_RDONLY);
    dup2(fd, 0);
    close(fd);
    clearerr(stdin);
    CHECK(run_line("address -0") == CLI_OK && strncmp(output, "invalid A@B.Example?", 20) == 0);
    dup2(in, 0);
    close(in);
    clearerr(stdin);
}

/* The page in docs is what the table says; `wirepost config --markdown` makes it. */
static void the_reference_is_up_to_date(void)
{
    static char page[65536];
    const char *root = getenv("WIREPOST_SOURCE");
    char name[512];
    size_t n;
    FILE *f;

    if (!root) {
        check_skip("WIREPOST_SOURCE does not name the source tree");
        return;
    }
    snprintf(name, sizeof(name), "%s/docs/configuration.md", root);
    f = fopen(name, "r");
    if (!CHECK(f != NULL))
        return;
    n = fread(page, 1, sizeof(page) - 1, f);
    fclose(f);
    CHECK(run_line("config --markdown") == CLI_OK);
    CHECK(n > 1000 && span_equal(span_of(page, n), span_text(output)));
}

/* The example in the page, as a reader would copy it. */
static void the_example_is_a_configuration(void)
{
    const char *begin, *end;

    CHECK(run_line("config --markdown") == CLI_OK);
    begin = strstr(output, "```yaml\n");
    end = begin ? strstr(begin + 8, "```") : NULL;
    if (!CHECK(end != NULL))
        return;
    output[end - output] = 0;
    put_config(begin + 8);
    CHECK(run_line("check -c @") == CLI_OK);
    CHECK_TEXT(span_head(span_text(output), strlen(path)), path);
}

int main(void)
{
    int fd = mkstemp(path);

    close(fd);
    check_begin();
    CHECK_CASE(help_is_everywhere);
    CHECK_CASE(wrong_lines_are_refused);
    CHECK_CASE(faults_of_the_file_stop_a_start);
    CHECK_CASE(what_may_surprise_is_a_warning);
    CHECK_CASE(ctl_takes_the_socket_from_the_file);
    CHECK_CASE(a_message_is_shown);
    CHECK_CASE(addresses_are_judged);
    CHECK_CASE(the_reference_is_up_to_date);
    CHECK_CASE(the_example_is_a_configuration);
    unlink(path);
    return check_end();
}
