/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/log/log_config.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "control/log/log.h"

/* In the order of the words of log.facility. */
static const int facilities[] = {LOG_DAEMON, LOG_MAIL,   LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2,
                                 LOG_LOCAL3, LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7};

bool log_config(const struct config *config)
{
    struct log_options options = {.target = (enum log_target)config->log.target,
                                  .path = config->log.path,
                                  .facility = facilities[config->log.facility],
                                  .json = config->log.format == CONFIG_LOG_FORMAT_JSON};

    log_set_level((enum log_level)config->log_level);
    if (log_open(&options))
        return true;
    LOG(ERROR, "log %s: %s", config->log.path, strerror(errno));
    return false;
}

bool log_config_refused(struct span reasons)
{
    while (reasons.len) {
        ptrdiff_t end = span_find(reasons, '\n');
        struct span line = span_head(reasons, end < 0 ? reasons.len : (size_t)end);

        LOG(ERROR, "%.*s", (int)line.len, (const char *)line.data);
        reasons = span_skip(reasons, line.len + (end >= 0));
    }
    return false;
}
