/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/ctl/ctl_client.h"
#include "control/ctl/ctl_print.h"
#include "control/ctl/ctl_request.h"
#include "tests/harness/check.h"

#define ID "01ARYZ6S410000000000000001"
enum { EXPORT = 3000000 };

/* ---- an engine that does nothing but remember ---- */

static struct {
    _Atomic uint32_t seconds, stops, open, closed;
    _Atomic bool short_export;
    _Atomic bool slow; /* the slow command does not come to its end */
} seen;

static json_t *fake_list(struct span account, struct writer *why)
{
    if (!span_equal(account, span_text("alice@example.test"))) {
        writer_text(why, "no such account");
        return NULL;
    }
    return json_pack("[{s:i, s:s}, {s:i, s:s}]", "uid", 1, "subject", "one", "uid", 20, "subject",
                     "tw\x1b[31mo");
}

static json_t *fake_answer(void *context, const struct ctl_request *request, struct writer *why)
{
    struct span account = request->arguments[1];

    CHECK(context == &seen);
    switch (request->command) {
    case CTL_STATUS:
        return json_pack("{s:s, s:{s:i}}", "state", "running", "store", "messages", 5);
    case CTL_RELOAD:
        writer_text(why, "rules.yaml:3: rule 'a': what");
        return NULL;
    case CTL_MAILBOX_LIST:
        while (atomic_load(&seen.slow))
            usleep(1000);
        return fake_list(request->arguments[0], why);
    case CTL_MESSAGE_SHOW:
        return json_pack("{s:s%}", "account", account.len ? (const char *)account.data : "",
                         account.len);
    case CTL_DRAIN:
        seen.seconds = request->seconds;
        return json_object();
    case CTL_STOP:
        seen.stops++;
        return json_object();
    default:
        return NULL;
    }
}

static void *fake_open(void *context, const struct ctl_request *request, uint64_t *length_out,
                       struct writer *why)
{
    static uint8_t bytes[EXPORT];

    for (uint32_t i = 0; i < EXPORT; i++)
        bytes[i] = (uint8_t)(i * 7 ^ i >> 8);
    seen.open++;
    *length_out = EXPORT;
    return bytes;
}

static bool fake_read(void *context, void *export, uint64_t offset, struct span *bytes_out)
{
    /* In pieces, the last of which says more than there is. */
    *bytes_out =
        span_of((uint8_t *)export + offset, EXPORT - offset < 65536 ? EXPORT - offset : 65536);
    return !seen.short_export || offset < 100000;
}

static void fake_close(void *context, void *export)
{
    seen.closed++;
}

#define FAKE                                                                                       \
    {                                                                                              \
        .context = &seen, .answer = fake_answer, .open = fake_open, .read = fake_read,             \
        .close = fake_close                                                                        \
    }
static const struct ctl_subject subjects[CTL_SUBJECTS] = {
    [CTL_SUBJECT_ENGINE] = FAKE, [CTL_SUBJECT_STORE] = FAKE};

static char path[64];

static struct ctl_server *start(void)
{
    struct ctl_server *server;

    memset(&seen, 0, sizeof(seen));
    snprintf(path, sizeof(path), "/tmp/wirepost-control-ctl-%d/s", (int)getpid());
    server = ctl_server_start(path, subjects);
    CHECK(server != NULL);
    return server;
}

static void stop(struct ctl_server *server)
{
    char directory[64];

    ctl_server_stop(server);
    CHECK(access(path, F_OK) != 0 && errno == ENOENT);
    snprintf(directory, sizeof(directory), "%.*s", (int)(strrchr(path, '/') - path), path);
    rmdir(directory);
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memcpy(address.sun_path, path, strlen(path));
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

/* One line of the answer; empty when the connection has ended. */
static struct span read_line(int fd)
{
    static char line[8192];
    size_t n = 0;

    while (n < sizeof(line) && recv(fd, line + n, 1, 0) == 1)
        if (line[n++] == '\n')
            return span_of(line, n - 1);
    return span_of(line, n);
}

static void answers(const char *request, const char *answer)
{
    int fd = dial();

    CHECK(write(fd, request, strlen(request)) == (ssize_t)strlen(request));
    CHECK_TEXT(span_head(read_line(fd), strlen(answer)), answer);
    close(fd);
}

static void requests_are_answered(void)
{
    struct ctl_server *server = start();
    struct stat st;

    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    answers("status\n",
            "{\"ok\":true,\"result\":{\"state\":\"running\",\"store\":{\"messages\":5}}}");
    answers("  status \r\n", "{\"ok\":true,");
    answers("{\"command\":\"status\"}\n", "{\"ok\":true,");
    answers("{\"command\":\"mailbox list\",\"arguments\":[\"alice@example.test\"]}\n",
            "{\"ok\":true,\"result\":[{\"uid\":1,");
    answers("mailbox list bob@example.test\n", "{\"ok\":false,\"error\":\"no such account\"}");
    answers("reload\n", "{\"ok\":false,\"error\":\"rules.yaml:3: rule 'a': what\"}");
    answers("message show " ID " bob@example.test\n",
            "{\"ok\":true,\"result\":{\"account\":\"bob@example.test\"}}");
    answers("drain\n", "{\"ok\":true");
    CHECK(seen.seconds == CTL_DRAIN_DEFAULT);
    answers("drain 7\n", "{\"ok\":true");
    CHECK(seen.seconds == 7);
    answers("stop\n", "{\"ok\":true");
    CHECK(seen.stops == 1);
    stop(server);
}

static void hostile_requests_are_refused(void)
{
    static const char *const rows[] = {
        "nonsense\n",
        "\n",
        " \n",
        "mailbox\n",
        "mailbox list\n",
        "mailbox list a b\n",
        "statuses\n",
        "status now\n",
        "message show x\n",
        "message export\n",
        "drain -1\n",
        "drain 9999999999999999999\n",
        "drain 1s\n",
        "a b c d e f g h\n",
        "mailbox list 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
        "mailbox list a b c d e f g h\n",
        "{\n",
        "{}\n",
        "{\"command\":5}\n",
        "{\"command\":\"status\",\"x\":1}\n",
        "{\"command\":\"status\",\"command\":\"stop\"}\n",
        "{\"command\":\"mailbox list\",\"arguments\":\"a\"}\n",
        "{\"command\":\"mailbox list\",\"arguments\":[1]}\n",
        "{\"command\":\"status\",\"arguments\":[\"a\"]}\n",
        "{\"command\":\"mailbox "
        "list\",\"arguments\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\","
        "\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]}\n",
        "[\"status\"]\n",
        "{\"command\":\"\\u0000status\"}\n",
        "\xff\xfe\n",
        "status\x01\n",
    };
    struct ctl_server *server = start();
    char *deep = malloc(CTL_REQUEST_MAX);
    int fd;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        answers(rows[i], "{\"ok\":false,\"error\":\"");
    memset(deep, '[', CTL_REQUEST_MAX);
    memcpy(deep, "{\"command\":", 11);
    deep[CTL_REQUEST_MAX - 2] = '\n';
    deep[CTL_REQUEST_MAX - 1] = 0;
    answers(deep, "{\"ok\":false,");
    /* Too long: told once, then closed. */
    fd = dial();
    memset(deep, 'a', CTL_REQUEST_MAX);
    CHECK(write(fd, deep, CTL_REQUEST_MAX) == CTL_REQUEST_MAX);
    CHECK_TEXT(read_line(fd), "{\"ok\":false,\"error\":\"the request is too long\"}");
    CHECK(read_line(fd).len == 0);
    close(fd);
    free(deep);
    CHECK(seen.stops == 0);
    stop(server);
}

static void requests_may_come_in_pieces_and_in_heaps(void)
{
    static const char two[] = "status\nmailbox list alice@example.test\n";
    struct ctl_server *server = start();

    for (size_t cut = 1; cut < sizeof(two) - 1; cut++) {
        int fd = dial();

        CHECK(send(fd, two, cut, 0) == (ssize_t)cut);
        usleep(200);
        CHECK(send(fd, two + cut, sizeof(two) - 1 - cut, 0) > 0);
        CHECK_TEXT(span_head(read_line(fd), 22), "{\"ok\":true,\"result\":{\"");
        CHECK_TEXT(span_head(read_line(fd), 22), "{\"ok\":true,\"result\":[{");
        close(fd);
    }
    stop(server);
}

/* More connections than there are places, most of them silent; then all leave and others are
 * served. */
static void silent_clients_take_only_their_place(void)
{
    struct ctl_server *server = start();
    int fds[CTL_CLIENTS_MAX];

    for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
        fds[i] = dial();
        CHECK(write(fds[i], "stat", 4) == 4);
    }
    CHECK(write(fds[5], "us\n", 3) == 3);
    CHECK_TEXT(span_head(read_line(fds[5]), 11), "{\"ok\":true,");
    for (int i = 0; i < CTL_CLIENTS_MAX; i++)
        close(fds[i]);
    answers("status\n", "{\"ok\":true,");
    stop(server);
}

/* The client's output and messages, and its status. */
static struct span client(const char *command, bool json, int *status_out)
{
    static char text[EXPORT + 4096];
    char words[256], *argv[8];
    struct ctl_client_options o = {.socket = path, .argv = argv, .json = json};
    FILE *out = fmemopen(text, sizeof(text), "w");
    size_t n;

    snprintf(words, sizeof(words), "%s", command);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[o.argc++] = word;
    o.out = out;
    o.errors = out;
    *status_out = ctl_client_run(&o);
    n = (size_t)ftell(out);
    fclose(out);
    return span_of(text, n);
}

static void exports_are_the_bytes(void)
{
    struct ctl_server *server = start();
    struct span got;
    int status, fd;
    bool same = true;

    got = client("message export " ID, false, &status);
    CHECK(status == 0 && got.len == EXPORT);
    for (uint32_t i = 0; i < got.len; i++)
        same = same && got.data[i] == (uint8_t)(i * 7 ^ i >> 8);
    CHECK(same && seen.open == 1 && seen.closed == 1);
    /* A client that asks and does not read holds up nobody, and leaves nothing behind. */
    fd = dial();
    CHECK(write(fd, "message export " ID "\n", 42) == 42);
    usleep(20000);
    answers("status\n", "{\"ok\":true,");
    CHECK(seen.open == 2 && seen.closed == 1);
    close(fd);
    for (int i = 0; i < 2000 && seen.closed < 2; i++)
        usleep(1000);
    CHECK(seen.closed == 2);
    /* Bytes that cannot be read end the connection short, and the client says so. */
    seen.short_export = true;
    got = client("message export " ID, false, &status);
    CHECK(status == 1);
    CHECK(memmem(got.data, got.len, "the message ends before its length", 34) != NULL);
    stop(server);
}

static void slow_commands_hold_up_nobody(void)
{
    static const char list[] = "mailbox list alice@example.test\nstatus\n";
    struct ctl_server *server = start();
    int fds[3];

    atomic_store(&seen.slow, true);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
        CHECK(write(fds[i], list, sizeof(list) - 1) == sizeof(list) - 1);
    }
    answers("status\n", "{\"ok\":true,");
    close(fds[2]); /* hangs up while its command is under way */
    answers("status\n", "{\"ok\":true,");
    atomic_store(&seen.slow, false);
    for (int i = 0; i < 2; i++) {
        CHECK_TEXT(span_head(read_line(fds[i]), 22), "{\"ok\":true,\"result\":[{");
        CHECK_TEXT(span_head(read_line(fds[i]), 22), "{\"ok\":true,\"result\":{\"");
        close(fds[i]);
    }
    stop(server);
}

/* What follows the name of the command goes as it was given. */
static void arguments_may_hold_blanks(void)
{
    char *argv[] = {(char *)"mailbox", (char *)"list", (char *)""},
         *two[] = {(char *)"message", (char *)"show", (char *)ID, (char *)"a b \"c\""};
    struct ctl_server *server = start();
    char text[256] = "";
    struct ctl_client_options o = {.socket = path, .argv = argv, .argc = 3};

    o.out = o.errors = fmemopen(text, sizeof(text), "w");
    CHECK(ctl_client_run(&o) == 1);
    o.argv = two;
    o.argc = 4;
    CHECK(ctl_client_run(&o) == 0);
    fclose(o.out);
    CHECK_TEXT(span_text(text), "wirepost ctl: no such account\naccount  a b \"c\"\n");
    stop(server);
}

static void people_get_tables(void)
{
    struct ctl_server *server = start();
    int status;

    CHECK_TEXT(client("status", false, &status), "state  running\nstore:\n  messages  5\n");
    CHECK(status == 0);
    CHECK_TEXT(client("mailbox list alice@example.test", false, &status),
               "uid  subject\n1    one\n20   tw?[31mo\n");
    CHECK_TEXT(client("status", true, &status),
               "{\"ok\":true,\"result\":{\"state\":\"running\",\"store\":{\"messages\":5}}}\n");
    CHECK_TEXT(client("reload", false, &status), "wirepost ctl: rules.yaml:3: rule 'a': what\n");
    CHECK(status == 1);
    CHECK_TEXT(client("mailbox list", false, &status),
               "wirepost ctl: expected mailbox list ACCOUNT\n");
    CHECK(status == 2);
    stop(server);
    CHECK_TEXT(span_head(client("status", false, &status), 31), "wirepost ctl: no engine answers");
    CHECK(status == 1);
}

static void the_socket_is_taken_over_only_from_the_dead(void)
{
    struct ctl_server *server = start(), *second;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char other[80];
    int fd;

    second = ctl_server_start(path, subjects);
    CHECK(second == NULL && errno == EADDRINUSE);
    answers("status\n", "{\"ok\":true,");
    snprintf(other, sizeof(other), "%s.stale", path);
    memcpy(address.sun_path, other, strlen(other));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    close(fd);
    second = ctl_server_start(other, subjects);
    CHECK(second != NULL);
    if (second)
        ctl_server_stop(second);
    fd = creat(other, 0600);
    CHECK(ctl_server_start(other, subjects) == NULL && errno == ENOTSOCK);
    CHECK(access(other, F_OK) == 0);
    close(fd);
    unlink(other);
    stop(server);
}

static void values_are_printed_whatever_they_are(void)
{
    static char text[4096];
    json_t *value = json_loads("{\"a\":[],\"b\":{},\"c\":[1,2],\"d\":null,\"e\":[{\"x\":1},{\"y\":"
                               "2},3],\"f\":{\"g\":{\"h\":{\"i\":{\"j\":{\"k\":1}}}}}}",
                               0, NULL);
    FILE *out = fmemopen(text, sizeof(text), "w");

    CHECK(value != NULL);
    ctl_print(out, value);
    fclose(out);
    CHECK_TEXT(span_text(text), "a  []\nb  {}\nc  [1,2]\nd  -\ne:\n  x\n  1\n  -\n  -\nf:\n  g:\n  "
                                "  h:\n      i:\n        j  {\"k\":1}\n");
    json_decref(value);
}

int main(void)
{
    check_begin();
    CHECK_CASE(requests_are_answered);
    CHECK_CASE(hostile_requests_are_refused);
    CHECK_CASE(requests_may_come_in_pieces_and_in_heaps);
    CHECK_CASE(silent_clients_take_only_their_place);
    CHECK_CASE(exports_are_the_bytes);
    CHECK_CASE(slow_commands_hold_up_nobody);
    CHECK_CASE(arguments_may_hold_blanks);
    CHECK_CASE(people_get_tables);
    CHECK_CASE(the_socket_is_taken_over_only_from_the_dead);
    CHECK_CASE(values_are_printed_whatever_they_are);
    return check_end();
}
