"""python3-libvirt against bulkheadd: events, definitions, streams, threads. Prints "done" at its end; else an exception."""

import sys
import threading
import time

import libvirt

URI = sys.argv[1]
XML = """<domain type='bulkhead'>
  <name>work</name>
  <!-- kept as it is -->
  <memory unit='GiB'>1</memory>
  <vcpu placement='static'>2</vcpu>
  <resource><partition>/workload</partition></resource>
  <os><type arch='x86_64'>hvm</type><kernel>vmlinux-cloud</kernel></os>
  <devices><console type='pty'/></devices>
</domain>
"""


def refused(code, call):
    try:
        call()
    except libvirt.libvirtError as error:
        assert error.get_error_code() == code, (error.get_error_code(), str(error))
        return str(error)
    raise AssertionError("not refused")


libvirt.registerErrorHandler(lambda context, error: None, None)
libvirt.virEventRegisterDefaultImpl()
threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in iter(int, 1)], daemon=True).start()

conn = libvirt.open(URI)
conn.setKeepAlive(5, 3)
assert conn.getType() == "Bulkhead" and conn.isAlive() and conn.isSecure()
seen = []
conn.domainEventRegisterAny(
    None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda c, dom, event, detail, _: seen.append((dom.name(), event, detail)), None)
conn.domainEventRegisterAny(
    None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, lambda c, dom, _: seen.append((dom.name(), "reboot")), None)


def wait(event):
    # The machine's own progress is what is waited for; the daemon has answered for it before.
    for _ in range(6000):
        if event in seen:
            seen.clear()
            return
        time.sleep(0.02)
    raise AssertionError("%s did not come: %s" % (event, seen))


# The console, and a guest that is asked to shut down.
workload = conn.lookupByName("workload")
# What virsh.txt asks as well, where virsh may lose the answer.
for name, call in (
        ("domain_save", lambda: workload.save("/tmp/nowhere")),
        ("domain_managed_save", lambda: workload.managedSave()),
        ("domain_core_dump", lambda: workload.coreDump("/tmp/nowhere")),
        ("virDomainMigrate3", lambda: workload.migrate3(libvirt.open("test:///default"), {}, 0))):
    assert name in refused(libvirt.VIR_ERR_NO_SUPPORT, call), name
stream = conn.newStream()
workload.openConsole(None, stream)
text = b""


def type_clock():
    # A guest that still boots takes no commands: typed until it answers, and given up when it never does.
    for _ in range(300):
        if b"@bulkhead clock ms=" in text:
            return
        stream.send(b"\rclock\r")
        time.sleep(1)
    stream.abort()


typist = threading.Thread(target=type_clock)
typist.start()
while b"@bulkhead clock ms=" not in text:
    got = stream.recv(4096)
    assert got, "the console ended"
    text += got
typist.join()
workload.shutdown()
wait(("workload", libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN))
while True:
    got = stream.recv(4096)
    if not got:
        break
stream.finish()

# A definition: what the partition is must agree, and the text stays as it is.
assert "<partition>" in refused(67, lambda: conn.defineXML(XML.replace("/workload", "/nowhere")))
assert "<memory>" in refused(67, lambda: conn.defineXML(XML.replace(">1<", ">2<")))
assert "<devices><disk>" in refused(67, lambda: conn.defineXML(XML.replace("<devices>", "<devices><disk/>")))
refused(27, lambda: conn.defineXML("<!DOCTYPE a [<!ENTITY b 'c'>]><domain type='bulkhead'><name>&b;</name></domain>"))
domain = conn.defineXML(XML)
wait(("work", libvirt.VIR_DOMAIN_EVENT_DEFINED, 0))
text = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
assert text == XML.replace("</name>", "</name>\n  <uuid>%s</uuid>" % domain.UUIDString()), text
assert conn.defineXML(XML).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) == text
assert conn.defineXML(text).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) == text
assert sorted(d.name() for d in conn.listAllDomains()) == ["control-loop", "work"]
assert domain.autostart() == 0
domain.setAutostart(1)
assert domain.autostart() == 1
assert [d.name() for d in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)] == ["work"]
domain.setAutostart(0)
seen.clear()
domain.create()
wait(("work", libvirt.VIR_DOMAIN_EVENT_STARTED, 0))
assert "id='%d'" % domain.ID() in domain.XMLDesc() and "console0" in domain.XMLDesc()
domain.reboot()
wait(("work", "reboot"))

# Undefined while it runs, it is gone once it stops.
domain.undefine()
assert not domain.isPersistent() and domain.isActive()
domain.destroy()
refused(42, domain.info)
assert [d.name() for d in conn.listAllDomains()] == ["control-loop"]

# A transient domain, which a definition makes persistent.
domain = conn.createXML(XML)
assert domain.isActive() and not domain.isPersistent()
again = conn.defineXML(XML)
assert again.UUIDString() == domain.UUIDString() and again.isPersistent()
domain.suspend()
assert domain.state() == [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER]
domain.resume()
domain.destroy()
refused(55, domain.destroy)


# Many at a time.
def calls():
    own = libvirt.open(URI)
    mine = own.lookupByName("control-loop")
    for _ in range(50):
        assert mine.info()[3] == 1 and mine.name() in mine.XMLDesc()
    own.close()
    finished.append(1)


finished = []
threads = [threading.Thread(target=calls) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(finished) == 8

# On the read-only connection nothing changes.
reader = libvirt.openReadOnly(URI)
refused(29, reader.lookupByName("work").create)
print("done")
