// The other end for the hostile guest where a Linux would take too long: it answers ARP (RFC 826), as that does.
#include "wires.h"

enum { ARP = 42 };
static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 2}, own_address[4] = {10, 9, 0, 2};

static bool same(const uint8_t *a, const uint8_t *b, size_t count) {
    while (count && *a == *b) a++, b++, count--;
    return count == 0;
}
static void answer(const uint8_t *frame, uint32_t length) {
    // Ethernet, IPv4, a request.
    static const uint8_t wanted[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    if (length < ARP || !same(frame + 12, wanted, sizeof wanted) || !same(frame + 38, own_address, 4)) return;
    uint8_t reply[60] = {0};
    memcpy(reply, frame + 6, 6), memcpy(reply + 6, own_mac, 6);
    memcpy(reply + 12, wanted, sizeof wanted);
    reply[21] = 2;
    memcpy(reply + 22, own_mac, 6), memcpy(reply + 28, own_address, 4);
    // Who has asked.
    memcpy(reply + 32, frame + 22, 10);
    card_send_frame(reply, sizeof reply);
}
void answer_for_ever(void) {
    print("@wires answers\n");
    for (;;) {
        card_take(answer);
        card_wait();
    }
}
