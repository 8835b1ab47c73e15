"""Clients that do not keep to the protocol, against bulkheadd: each is answered with an error or cut off, memory stays bounded,
and the others do not notice. Prints "done" at its end; else an exception."""

import os
import socket
import struct
import sys

import libvirt

URI, PID = sys.argv[1], sys.argv[2]
PATH = URI.split("socket=")[1]
PROGRAM = 0x20008086
libvirt.registerErrorHandler(lambda context, error: None, None)


def packet(procedure, payload=b"", kind=0, serial=1, status=0, program=PROGRAM):
    return struct.pack(">7I", 28 + len(payload), program, 1, procedure, kind, serial, status) + payload


def text(value):
    return struct.pack(">I", len(value)) + value + b"\0" * (-len(value) % 4)


OPEN = packet(1, struct.pack(">I", 1) + text(b"bulkhead:///system") + b"\0" * 4)


def connect(first=OPEN):
    connection = socket.socket(socket.AF_UNIX)
    # Waits while the daemon has not taken those before it.
    connection.connect(PATH)
    connection.settimeout(60)
    connection.sendall(first)
    if first == OPEN:
        answer(connection)
    return connection


def exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def answer(connection):
    """(type, serial, status, payload)"""
    length = struct.unpack(">I", exactly(connection, 4))[0]
    body = exactly(connection, length - 4)
    _, _, _, kind, serial, status = struct.unpack(">6I", body[:24])
    return kind, serial, status, body[24:]


def is_cut_off(connection):
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    connection.close()
    return True


def memory():
    with open("/proc/%s/status" % PID) as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def others_are_well():
    domain = good.lookupByName("control-loop")
    assert domain.info()[3] == 1


good = libvirt.open(URI)
others_are_well()
before = memory()
domain = good.lookupByName("control-loop")
wire = text(b"control-loop") + domain.UUID() + struct.pack(">i", -1)

# Lengths that are only announced: the protocol's longest is taken as a length, and nothing is kept for it.
for length in (0, 27, (4 << 20) + 5000, 33554436, 0xFFFFFFFF):
    assert is_cut_off(connect(struct.pack(">I", length)))
waiting = [connect(struct.pack(">I", 4 << 20) + b"\0" * 20) for _ in range(300)]
others_are_well()

# Packets that end too early, byte by byte, and clients that leave in the middle of one.
for end in range(1, len(OPEN), 5):
    connect(OPEN[:end]).close()
slow = connect(b"")
for byte in OPEN:
    slow.sendall(bytes([byte]))
assert answer(slow)[2] == 0

# What clients do not send.
for kind in (1, 2, 4, 5, 6, 7):
    assert is_cut_off(connect(OPEN + packet(16, wire, kind=kind)))
odd = connect()
for bad in (packet(16, b""), packet(16, b"\xff" * 40), packet(4711), packet(16, wire, program=1),
            packet(16, text(b"x") + b"\0" * 20), packet(11, text(b"<a>" * 100)), packet(11, text(b"<!DOCTYPE a>"))):
    odd.sendall(bad)
    assert answer(odd)[2] == 1, bad
# The code of a procedure that libvirt does not have is its own daemons': VIR_ERR_RPC.
odd.sendall(packet(4711))
assert struct.unpack(">i", answer(odd)[3][:4])[0] == libvirt.VIR_ERR_RPC
# On the read-only socket nothing changes, and no long packet is taken.
PATHS = {False: PATH, True: PATH + "-ro"}
for read_only, path in PATHS.items():
    PATH = path
    other = connect()
    other.sendall(packet(29, wire + struct.pack(">i", 0)))
    status, payload = answer(other)[2:]
    assert (status == 1 and struct.unpack(">i", payload[:4])[0] == libvirt.VIR_ERR_OPERATION_DENIED) == read_only
    other.close()
assert is_cut_off(connect(struct.pack(">I", (64 << 10) + 1)))
PATH = PATHS[False]
# A domain's name may be wrong: only the UUID counts. After all that the connection still works.
odd.sendall(packet(16, wire))
assert answer(odd)[2] == 0

# More answers than a client reads: nothing more is read from it, and everything comes once it reads.
flood = connect()
flood.setblocking(False)
call, sent = packet(14, wire + b"\0" * 4), 0
try:
    while sent < 64 << 20:
        sent += flood.send(call * 1000)
    raise AssertionError("64 MiB of calls were taken from a client that reads nothing")
except BlockingIOError:
    pass
others_are_well()
flood.settimeout(60)
for _ in range(sent // len(call)):
    assert answer(flood)[2] == 0

# Streams that nobody ends, and data for streams that there are not.
streams = connect()
for serial in range(16):
    streams.sendall(packet(201, wire + b"\0" * 8, serial=serial + 10))
    while answer(streams)[0] == 3:
        pass
streams.sendall(packet(201, wire + b"\0" * 8, serial=99))
while True:
    kind, serial, status, _ = answer(streams)
    if kind == 1:
        break
assert (serial, status) == (99, 1)
for _ in range(200):
    streams.sendall(packet(201, b"x" * 60000, kind=3, serial=98, status=2))
others_are_well()

grown = memory() - before
assert grown < 48 << 10, "%d KiB more than before" % grown
for connection in waiting + [slow, odd, flood, streams]:
    connection.close()
others_are_well()
print("done")
