/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/service_counters.h"

void service_counters_put(const struct record_writer *records, const struct store_service *store,
                          const struct keeper_service *keeper,
                          const struct greylist_service *greylist, const struct handoff *handoff,
                          const struct counter_sink *sink)
{
    struct record_writer_counters c = record_writer_counters(records);
    struct keeper_stats k = keeper_service_stats(keeper);
    struct greylist_counters g = greylist_service_counters(greylist);
    struct store_service_stats s;

    sink->put(sink->user, "greylist_deferred", g.deferred);
    sink->put(sink->user, "greylist_passed", g.passed);
    sink->put(sink->user, "greylist_known", g.known);
    sink->put(sink->user, "greylist_errors", g.errors);
    sink->put(sink->user, "greylist_swept", g.swept);
    sink->put(sink->user, "records_written", c.written);
    sink->put(sink->user, "records_lost", c.dropped);
    sink->put(sink->user, "record_errors", c.errors);
    sink->put(sink->user, "record_files_removed", c.removed);
    sink->put(sink->user, "log_dropped", handoff_log_dropped(handoff));
    store_service_stats(store, &s);
    sink->put(sink->user, "store_commits", s.commits);
    sink->put(sink->user, "store_refused", s.refused);
    sink->put(sink->user, "store_deletions", s.deletions);
    sink->put(sink->user, "store_rows", s.rows);
    sink->put(sink->user, "store_batches", s.batches);
    sink->put(sink->user, "store_batch_largest", s.largest);
    sink->put(sink->user, "store_batch_us_avg", s.apply_ns_avg / 1000);
    sink->put(sink->user, "store_batch_us_p99", s.apply_ns_p99 / 1000);
    sink->put(sink->user, "store_batch_us_max", s.apply_ns_max / 1000);
    sink->put(sink->user, "collected_tombstones", k.tombstones);
    sink->put(sink->user, "collected_bodies", k.bodies);
    sink->put(sink->user, "collector_held_us_max", k.held_us);
}
