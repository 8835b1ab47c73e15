// Exact distributions of small numbers.
#include "counter.h"

void histogram_add(struct histogram *h, uint64_t value) {
    if (h->count == 0 || value < h->least) h->least = value;
    if (value > h->most) h->most = value;
    h->count++;
    h->total += value;
    if (value < DENSE) h->dense[value]++;
    else h->long_count++, h->long_total += value;
}

void histogram_merge(struct histogram *to, const struct histogram *from) {
    if (from->count == 0) return;
    if (to->count == 0 || from->least < to->least) to->least = from->least;
    if (from->most > to->most) to->most = from->most;
    to->count += from->count;
    to->total += from->total;
    to->long_count += from->long_count;
    to->long_total += from->long_total;
    for (unsigned i = 0; i < DENSE; i++) to->dense[i] += from->dense[i];
}

uint64_t histogram_quantile(const struct histogram *h, double share) {
    uint64_t seen = 0;
    for (unsigned i = 0; i < DENSE; i++) {
        seen += h->dense[i];
        if (h->dense[i] && (double)seen >= share * (double)h->count) return i;
    }
    return h->most;
}
