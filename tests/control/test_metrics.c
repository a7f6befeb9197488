/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/config/config.h"
#include "control/metrics/metrics_page.h"
#include "control/metrics/metrics_server.h"
#include "tests/harness/check.h"

static void page_has_help_type_and_samples(void)
{
    struct metrics_page page = {0};
    struct metric m = {.name = "a", .text = "what", .worker = 0, .value = 1};
    struct counter_sink names = metrics_page_named(&page);

    metrics_page_metric(&page, &m);
    m.worker = 1;
    m.labels = "class=\"small\"";
    m.value = UINT64_MAX;
    metrics_page_metric(&page, &m);
    m = (struct metric){
        .name = "b", .text = "more", .type = METRIC_GAUGE, .worker = METRIC_NO_WORKER, .value = 3};
    metrics_page_metric(&page, &m);
    names.put(names.user, "ready", 1);
    names.put(names.user, "nobody_knows", 2);
    CHECK(!page.failed);
    CHECK_TEXT(span_of(page.text, page.len),
               "# HELP wirepost_a_total what\n# TYPE wirepost_a_total counter\n"
               "wirepost_a_total{worker=\"0\"} 1\n"
               "wirepost_a_total{worker=\"1\",class=\"small\"} 18446744073709551615\n"
               "# HELP wirepost_b more\n# TYPE wirepost_b gauge\nwirepost_b 3\n"
               "# HELP wirepost_ready 1 when all addresses are usable\n"
               "# TYPE wirepost_ready gauge\nwirepost_ready 1\n"
               "# HELP wirepost_nobody_knows not described\n"
               "# TYPE wirepost_nobody_knows untyped\nwirepost_nobody_knows 2\n");
    free(page.text);
}

static void histogram_is_cumulative(void)
{
    static struct metrics_histogram h;
    struct metrics_page page = {0};

    metrics_histogram_add(&h, 50);
    metrics_histogram_add(&h, 51);
    metrics_histogram_add(&h, 100000000);
    metrics_page_histogram(&page, "x", "what", &h);
    page.text[page.len] = 0;
    CHECK(strstr(page.text, "# TYPE wirepost_x_seconds histogram\n") != NULL);
    CHECK(strstr(page.text, "wirepost_x_seconds_bucket{le=\"5e-05\"} 1\n") != NULL);
    CHECK(strstr(page.text, "wirepost_x_seconds_bucket{le=\"0.0001\"} 2\n") != NULL);
    CHECK(strstr(page.text, "wirepost_x_seconds_bucket{le=\"60\"} 2\n") != NULL);
    CHECK(strstr(page.text, "wirepost_x_seconds_bucket{le=\"+Inf\"} 3\n") != NULL);
    CHECK(strstr(page.text, "wirepost_x_seconds_sum 100.000101\n") != NULL);
    CHECK(strstr(page.text, "wirepost_x_seconds_count 3\n") != NULL);
    free(page.text);
}

static void page_grows_to_its_bound(void)
{
    struct metrics_page page = {0};
    struct metric m = {.name = "a", .text = "what", .worker = 0};
    uint32_t n = 0;

    for (; !page.failed && n < METRICS_PAGE_MAX; n++)
        metrics_page_metric(&page, &m);
    CHECK(page.failed && page.cap == METRICS_PAGE_MAX && n > 400000);
    free(page.text);
}

static void endpoints_are_read(void)
{
    static const char *const wrong[] = {
        "",      "127.0.0.1",       ":9109",     "127.0.0.1:0", "a:9109",     "::1:9109",
        "[::1]", "127.0.0.1:65536", "1.2.3.4:x", "[::1]9109:",  "[::1:9109]", "127.0.0.1:123456"};
    struct ip_address address;
    uint16_t port;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(!config_endpoint(wrong[i], &address, &port));
    CHECK(config_endpoint("127.0.0.1:9109", &address, &port) && port == 9109);
    CHECK(ip_address_is_v4(&address) && address.bytes[15] == 1);
    CHECK(config_endpoint("[::1]:65535", &address, &port) && port == 65535);
    CHECK(!ip_address_is_v4(&address));
}

/* ---- the server ---- */

static bool healthy;

static bool is_healthy(void *context)
{
    return healthy;
}

static void put_engine(void *context, const struct metric_sink *sink)
{
    struct metric m = {.name = "net_test", .text = "of the packet side", .worker = 0, .value = 7};

    sink->put(sink->user, &m);
}

static void put_names(void *context, const struct counter_sink *sink)
{
    sink->put(sink->user, "store_commits", 5);
}

/* Status line, fields and body of one request. */
static const char *ask(uint16_t port, const char *request)
{
    static char answer[1 << 20];
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t n = 0;
    ssize_t more;

    CHECK(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    CHECK(write(fd, request, strlen(request)) == (ssize_t)strlen(request));
    while (n < sizeof(answer) - 1 && (more = read(fd, answer + n, sizeof(answer) - 1 - n)) > 0)
        n += (size_t)more;
    answer[n] = 0;
    close(fd);
    return answer;
}

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(bind(fd, (struct sockaddr *)&at, len) == 0 &&
          getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    close(fd);
    return ntohs(at.sin_port);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void server_answers(void)
{
    static struct metrics_latency latency;
    struct handoff *h =
        handoff_new(&(struct handoff_options){.workers = 2, .jobs = 16, .records = 16});
    struct metrics_source source = {.handoff = h,
                                    .store = "/tmp",
                                    .engine = put_engine,
                                    .named = put_names,
                                    .healthy = is_healthy,
                                    .latency = &latency};
    uint16_t port = free_port();
    struct metrics_server *s;
    const char *answer;
    char listen[32];

    snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
    handoff_counters(handoff_port_of(h, 1))->messages_accepted = 42;
    CHECK(job_take(handoff_port_of(h, 0)) != NULL);
    s = metrics_server_start(listen, &source);
    if (!CHECK(s != NULL))
        return;
    answer = ask(port, GET("/metrics"));
    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
    CHECK(strstr(answer, "text/plain; version=0.0.4") != NULL);
    CHECK(strstr(answer, "\nwirepost_messages_accepted_total{worker=\"1\"} 42\n") != NULL);
    CHECK(strstr(answer, "\nwirepost_jobs_out{worker=\"0\"} 1\n") != NULL);
    CHECK(strstr(answer, "\nwirepost_jobs_most{worker=\"0\"} 1\n") != NULL);
    CHECK(strstr(answer, "\nwirepost_records_free{worker=\"1\"} 16\n") != NULL);
    CHECK(strstr(answer, "\nwirepost_net_test_total{worker=\"0\"} 7\n") != NULL);
    CHECK(strstr(answer, "\nwirepost_store_commits_total 5\n") != NULL);
    CHECK(strstr(answer, "\nwirepost_store_free_bytes ") != NULL);
    CHECK(strstr(answer, "{worker=\"0\",reply=\"ready\",code=\"220\"} 0\n") != NULL);
    CHECK(strncmp(ask(port, GET("/health")), "HTTP/1.1 503 ", 13) == 0);
    healthy = true;
    CHECK(strncmp(ask(port, GET("/health")), "HTTP/1.1 200 ", 13) == 0);
    CHECK(strncmp(ask(port, GET("/else")), "HTTP/1.1 404 ", 13) == 0);
    CHECK(strncmp(ask(port, "POST /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                            "Content-Length: 3\r\n\r\nabc"),
                  "HTTP/1.1 405 ", 13) == 0);
    /* The port is taken. */
    CHECK(metrics_server_start(listen, &source) == NULL);
    metrics_server_stop(s);
    handoff_free(h);
}

int main(void)
{
    check_begin();
    CHECK_CASE(page_has_help_type_and_samples);
    CHECK_CASE(histogram_is_cumulative);
    CHECK_CASE(page_grows_to_its_bound);
    CHECK_CASE(endpoints_are_read);
    CHECK_CASE(server_answers);
    return check_end();
}
