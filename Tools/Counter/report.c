// The report: one JSON object. README.md describes its fields.
#include "counter.h"
#include <stdlib.h>
#include <string.h>

static void put_exits(FILE *out, const struct phase *phase, unsigned first, unsigned behind) {
    struct histogram *sum = malloc(sizeof *sum);
    const char *separator = "";
    fputs("\"exits\": {", out);
    for (unsigned reason = 0; sum && reason < REASONS; reason++) {
        memset(sum, 0, sizeof *sum);
        for (unsigned vcpu = first; vcpu < behind; vcpu++)
            if (phase->vcpus[vcpu].by_reason[reason]) histogram_merge(sum, phase->vcpus[vcpu].by_reason[reason]);
        if (sum->count == 0) continue;
        fprintf(out,
                "%s\n        \"%s\": {\"count\": %lu, \"min\": %lu, \"median\": %lu, \"p99\": %lu, \"max\": %lu, "
                "\"total\": %lu, \"long_count\": %lu, \"long_total\": %lu}",
                separator, reason_names[reason], sum->count, sum->least, histogram_quantile(sum, 0.5),
                histogram_quantile(sum, 0.99), sum->most, sum->total, sum->long_count, sum->long_total);
        separator = ",";
    }
    free(sum);
    fputs("}", out);
}

static void put_instructions(FILE *out, const struct phase *phase, const struct instructions *end, unsigned first,
                             unsigned behind) {
    uint64_t all = 0, guest = 0, held = 0, model = 0;
    for (unsigned vcpu = first; vcpu < behind; vcpu++) {
        all += end[vcpu].all - phase->begin[vcpu].all;
        guest += end[vcpu].guest - phase->begin[vcpu].guest;
        model += phase->model[vcpu];
        if (phase->held[vcpu] > held) held = phase->held[vcpu];
    }
    fprintf(out, "\"instructions\": %lu, \"guest_instructions\": %lu, \"model_instructions\": %lu, \"held\": %lu, ", all,
            guest, model, held);
}

static void put_phase(FILE *out, unsigned index, const struct instructions *now) {
    const struct phase *phase = phases[index];
    const struct instructions *end = index + 1 < phase_count ? phase->end : now;
    fprintf(out, "    {\"phase\": %u, ", phase->number);
    put_instructions(out, phase, end, 0, vcpu_count);
    put_exits(out, phase, 0, vcpu_count);
    fputs(",\n     \"vcpus\": [", out);
    for (unsigned vcpu = 0; vcpu < vcpu_count; vcpu++) {
        fprintf(out, "%s\n      {", vcpu ? "," : "");
        put_instructions(out, phase, end, vcpu, vcpu + 1);
        put_exits(out, phase, vcpu, vcpu + 1);
        fputs("}", out);
    }
    fputs("]}", out);
}

void report(FILE *out) {
    struct instructions now[VCPUS_MAX];
    instructions_now(now);
    fprintf(out, "{\"schema\": 1, \"unreadable\": %lu, \"phases\": [\n", unreadable);
    for (unsigned i = 0; i < phase_count; i++) {
        if (i) fputs(",\n", out);
        put_phase(out, i, now);
    }
    fputs("\n]}\n", out);
}

void report_to(const char *path) {
    char new[4096];
    snprintf(new, sizeof new, "%s.new", path);
    FILE *out = fopen(new, "w");
    if (!out) return perror(new);
    report(out);
    if (fclose(out) == 0) rename(new, path);
}
