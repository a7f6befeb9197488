/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/capture/capture_reader.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#include "control/capture/capture_stream.h"

/* libpcap numbers this one by the platform; files have the other. */
enum { LINKTYPE_RAW = 101 };

struct capture_reader {
    pcap_t *pcap;
    struct capture_stream *stream;
    FILE *file; /* the pcap's own */
    uint32_t link;
    bool broken;
    char error[CAPTURE_ERROR];
};

uint64_t capture_reader_offset(const struct capture_reader *r)
{
    off_t at = ftello(r->file);

    return at < 0 ? 0 : (uint64_t)at;
}

struct capture_reader *capture_reader_open(const char *path, char error_out[CAPTURE_ERROR])
{
    struct capture_reader *r = calloc(1, sizeof(*r));
    char why[PCAP_ERRBUF_SIZE] = "";
    const char *damaged;

    if (!r) {
        snprintf(error_out, CAPTURE_ERROR, "no memory");
        return NULL;
    }
    r->file = capture_stream_open(path, &r->stream);
    if (!r->file) {
        snprintf(error_out, CAPTURE_ERROR, "%s", strerror(errno));
        free(r);
        return NULL;
    }
    r->pcap = pcap_fopen_offline_with_tstamp_precision(r->file, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!r->pcap) {
        damaged = capture_stream_error(r->stream);
        snprintf(error_out, CAPTURE_ERROR, "not a capture: %s, at offset %llu",
                 damaged ? damaged : why, (unsigned long long)capture_reader_offset(r));
        fclose(r->file);
        free(r);
        return NULL;
    }
    r->link = (uint32_t)pcap_datalink(r->pcap);
    if (r->link == DLT_RAW)
        r->link = LINKTYPE_RAW;
    return r;
}

void capture_reader_close(struct capture_reader *r)
{
    if (!r)
        return;
    pcap_close(r->pcap);
    free(r);
}

static enum capture_status broken(struct capture_reader *r, const char *why)
{
    snprintf(r->error, sizeof(r->error), "%s, at offset %llu", why,
             (unsigned long long)capture_reader_offset(r));
    r->broken = true;
    return CAPTURE_BROKEN;
}

enum capture_status capture_reader_next(struct capture_reader *r, struct capture_frame *frame_out)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    const char *damaged;

    if (r->broken)
        return CAPTURE_END;
    switch (pcap_next_ex(r->pcap, &header, &bytes)) {
    case 1:
        break;
    case PCAP_ERROR_BREAK: /* the end; of compressed bytes that end too early as well */
        damaged = capture_stream_error(r->stream);
        return damaged ? broken(r, damaged) : CAPTURE_END;
    default:
        damaged = capture_stream_error(r->stream);
        return broken(r, damaged ? damaged : pcap_geterr(r->pcap));
    }
    *frame_out = (struct capture_frame){
        .bytes = span_of(bytes, header->caplen),
        .wire_len = header->len > header->caplen ? header->len : header->caplen,
        .link = r->link,
        .time_ns = (uint64_t)header->ts.tv_sec * 1000000000 + (uint64_t)header->ts.tv_usec,
    };
    return CAPTURE_FRAME;
}

const char *capture_reader_error(const struct capture_reader *r)
{
    return r->error;
}
