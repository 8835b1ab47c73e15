#!/usr/bin/env python3
# tpm-pipe.py CONTROL-SOCKET: lets tpm2-tools ask an swtpm whose emulator has been killed (TPM2TOOLS_TCTI="cmd:...").
# A TPM's command comes on standard input, and its response goes to standard output. swtpm takes one connection, which is
# handed over by its control socket (command 10h, CMD_SET_DATAFD).
import os, socket, struct, sys

control = socket.socket(socket.AF_UNIX)
control.connect(sys.argv[1])
ours, theirs = socket.socketpair(socket.AF_UNIX)
socket.send_fds(control, [struct.pack('>I', 0x10)], [theirs.fileno()])
theirs.close()
if control.recv(4) != bytes(4):
    sys.exit('tpm-pipe.py: swtpm takes no connection')


def message(read):
    """Tag, size and the rest."""
    head = read(10)
    if len(head) < 10:
        sys.exit(0)
    rest = struct.unpack('>I', head[2:6])[0] - 10
    while rest > 0:
        more = read(rest)
        if not more:
            sys.exit('tpm-pipe.py: cut off')
        head, rest = head + more, rest - len(more)
    return head


while True:
    ours.sendall(message(lambda n: os.read(0, n)))
    os.write(1, message(ours.recv))
