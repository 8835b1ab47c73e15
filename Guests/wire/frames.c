// Frames by the kernel's own packet generator, which gives a driver `burst` of them with one notification.
#include "wire.h"
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/// Bytes of a frame, addresses and type included.
enum { LENGTH = 1500 };

/// - Returns: 0 when the generator refused something.
static int prepare(const char *card, const char *neighbour, long batch, long count) {
    char file[64], text[64];
    snprintf(text, sizeof text, "add_device %s", card);
    if (!put("/proc/net/pktgen/kpktgend_0", "rem_device_all") || !put("/proc/net/pktgen/kpktgend_0", text)) return 0;
    snprintf(file, sizeof file, "/proc/net/pktgen/%s", card);
    // Behind a batch the sender sleeps, so that the receiver does, too: the more frames, the longer.
    struct { const char *what; long value; } orders[] = {
        {"count", count}, {"burst", batch}, {"pkt_size", LENGTH}, {"delay", (batch == 64 ? 30 : batch == 8 ? 10 : 5) * 1000000},
        {"udp_dst_min", 9}, {"udp_dst_max", 9},
    };
    for (unsigned i = 0; i < sizeof orders / sizeof *orders; i++) {
        snprintf(text, sizeof text, "%s %ld", orders[i].what, orders[i].value);
        if (!put(file, text)) return 0;
    }
    // An address that is nobody's: the receiver's stack drops it.
    snprintf(text, sizeof text, "dst_mac %s", neighbour);
    return put(file, "dst 10.9.0.77") && put(file, text);
}

static int send_to(const char *card, const char *neighbour, long batch, long count, struct window *w) {
    if (!load_modules("pktgen")) return 0;
    int done = prepare(card, neighbour, batch, count);
    if (done) {
        long start = now_ms();
        MARK(1);
        // It comes back when all are sent.
        done = put("/proc/net/pktgen/pgctrl", "start\n");
        // What was held back is through by then.
        sleep_ms(100);
        MARK(0);
        w->ms = now_ms() - start;
    }
    w->count = count;
    // Its thread would look ten times a second whether there is something to do.
    put("/proc/net/pktgen/kpktgend_0", "rem_device_all");
    unload_module("pktgen");
    return done;
}

int frames(long batch, long count, struct window *w) {
    char neighbour[18];
    long before = ask();
    if (before < 0 || !card_neighbour(neighbour) || !send_to("eth0", neighbour, batch, count, w)) return 0;
    long now = ask();
    // The last question is a frame too.
    w->received = now - before - 1;
    return now >= 0;
}

int rests(long batch, long count, struct window *w) {
    if (!load_modules("dummy")) return 0;
    struct ifreq card = {.ifr_name = "dummy0", .ifr_flags = IFF_UP};
    int at = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int done = ioctl(at, SIOCSIFFLAGS, &card) == 0;
    close(at);
    return done && send_to("dummy0", "02:00:00:00:00:01", batch, count, w);
}
