// The wire that Bulkhead's is compared with: two taps at a bridge, and vhost workers that move frames between them and the guests.
#include "host.h"
#include <linux/sockios.h>

/// struct ifreq, as far as it is used here.
struct card {
    char name[16];
    union { short flags; int index; char all[24]; };
};
enum { AF_INET = 2, DATAGRAM = 2, UP = 1 };

static word at;     // a socket by which the kernel is told; 0 before the first wire

static word order(const char *name, unsigned long what, struct card *card) {
    memset(card->name, 0, sizeof card->name);
    append(card->name, name);
    return call3(__NR_ioctl, at, what, card);
}

static int raise(const char *name) {
    struct card card = {.flags = UP};
    return order(name, SIOCSIFFLAGS, &card) == 0;
}

int wire_prepare(void) {
    static const char *const drivers[] = {"llc", "stp", "bridge", "tun", "tap", "vhost_iotlb", "vhost", "vhost_net"};
    if (at > 0) return 1;
    for (size i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (!load_driver(drivers[i], "")) return 0;
    at = call3(__NR_socket, AF_INET, DATAGRAM, 0);
    return at > 0 && call3(__NR_ioctl, at, SIOCBRADDBR, "br0") == 0 && raise("br0");
}

int wire_connect(struct vm *vm) {
    struct card tap = {.index = 0};
    if (order(vm->tap, SIOCGIFINDEX, &tap) != 0) return 0;
    if (order("br0", SIOCBRADDIF, &tap) != 0 || !raise(vm->tap)) return 0;
    // The worker is a thread of the kernel's, named by the process for which it works.
    char name[24];
    unsigned long core = 1UL << IO_CORE;
    append(append_number(append(name, "vhost-"), vm->process), "\n");
    word worker = find_task("/proc", name);
    return worker && call3(__NR_sched_setaffinity, worker, sizeof core, &core) == 0;
}
