/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_PLOT_H
#define CONTROL_BLAST_BLAST_PLOT_H

#include <jansson.h>

#include "proto/base/writer.h"

/* A picture of a run: gnuplot as a child process, with all that it needs on its standard input. */

/* Whether there is a gnuplot; false, with the reason. */
bool blast_plot_can(struct writer *why);
/* What gnuplot is told, to `out`: throughput and latency over time, into the SVG file `path`. */
void blast_plot_script(FILE *out, const char *path, const json_t *timeline);
/* Draws it. False, with the reason. */
bool blast_plot_draw(const char *path, const json_t *timeline, struct writer *why);

#endif
