// The network card: the end of a wire, or what QEMU and vhost make of one; Linux' virtio_net in both.
#include "wire.h"
#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int at = -1;     // a socket by which the kernel is told

static void address(struct sockaddr *to, int end) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    in.sin_addr.s_addr = htonl(0x0A090000u + (unsigned)end);
    memcpy(to, &in, sizeof in);
}

int card_up(int end) {
    struct ifreq card = {.ifr_name = "eth0"};
    if (!load_modules("virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net"))
        return 0;
    for (int tries = 0; tries < 100 && access("/sys/class/net/eth0", F_OK) != 0; tries++) sleep_ms(100);
    at = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    // Neither end asks for the other's address again in the hour that follows.
    put("/proc/sys/net/ipv4/neigh/eth0/base_reachable_time_ms", "3600000");
    address(&card.ifr_addr, end);
    if (ioctl(at, SIOCSIFADDR, &card) != 0) return 0;
    struct sockaddr_in mask = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xFFFFFF00)};
    memcpy(&card.ifr_netmask, &mask, sizeof mask);
    if (ioctl(at, SIOCSIFNETMASK, &card) != 0) return 0;
    card.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(at, SIOCSIFFLAGS, &card) != 0) return 0;
    // A wire's link comes up when both ends have a driver; the second end has it first.
    for (int tries = 0; tries < 600 && end == FIRST; tries++, sleep_ms(100))
        if (get("/sys/class/net/eth0/carrier") == 1) return 1;
    return end == SECOND;
}

int card_offloads(int on) {
    static const struct { unsigned set, get; } orders[] = {
        {ETHTOOL_STXCSUM, ETHTOOL_GTXCSUM},
        {ETHTOOL_STSO, ETHTOOL_GTSO},
    };
    for (int i = 0; i < 2; i++) {
        struct ethtool_value value = {.cmd = orders[i].set, .data = on != 0};
        struct ifreq card = {.ifr_name = "eth0"};
        card.ifr_data = (char *)&value;
        // A card that has none of it refuses either.
        ioctl(at, SIOCETHTOOL, &card);
        value.cmd = orders[i].get;
        if (!on && (ioctl(at, SIOCETHTOOL, &card) != 0 || value.data != 0)) return 0;
    }
    return 1;
}

long card_received(void) { return get("/sys/class/net/eth0/statistics/rx_packets"); }

int card_neighbour(char text[18]) {
    struct arpreq entry = {.arp_dev = "eth0"};
    address(&entry.arp_pa, SECOND);
    if (ioctl(at, SIOCGARP, &entry) != 0) return 0;
    const unsigned char *b = (const unsigned char *)entry.arp_ha.sa_data;
    snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    return 1;
}
