"""python3-libvirt over TLS: a client that is revoked while it is connected. Prints "done" at its end; else an exception."""

import subprocess
import sys
import threading
import time

import libvirt

URI, TOOL, AUTHORITY = sys.argv[1:]

libvirt.registerErrorHandler(lambda context, error: None, None)
libvirt.virEventRegisterDefaultImpl()
threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in iter(int, 1)], daemon=True).start()

conn = libvirt.open(URI)
conn.setKeepAlive(5, 3)
assert conn.isAlive() and conn.isSecure() and conn.isEncrypted()
seen = []
conn.domainEventRegisterAny(
    None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda c, dom, event, detail, _: seen.append((dom.name(), event)), None)
domain = conn.lookupByName("work")
# A change, and its event, pass by TLS both ways; so does a long answer.
domain.destroy()
for _ in range(300):
    if seen:
        break
    time.sleep(0.1)
assert ("work", libvirt.VIR_DOMAIN_EVENT_STOPPED) in seen, seen
domain.create()
assert domain.state()[0] == libvirt.VIR_DOMAIN_RUNNING
assert "<partition>/workload</partition>" in domain.XMLDesc()
domain.destroy()
subprocess.run([TOOL, "pki", "revoke", AUTHORITY, "alice"], check=True, stdout=subprocess.DEVNULL)
try:
    domain.create()
    raise AssertionError("not refused")
except libvirt.libvirtError as error:
    assert error.get_error_code() == libvirt.VIR_ERR_ACCESS_DENIED, str(error)
    assert "a certificate of alice is revoked" in str(error), str(error)
# And it is cut off soon, though it asks for nothing.
for _ in range(300):
    if not conn.isAlive():
        break
    time.sleep(0.1)
assert not conn.isAlive()
print("done")
