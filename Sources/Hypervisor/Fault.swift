import Control
import Manifest
import Platform
import Silicon
import Synchronization
import X86

/// Where every exception of the hypervisor itself ends (law 8): it is named, and the partition of this core is stopped.
/// The other partitions do not notice.
@c(hypervisor_fault)
func hypervisorFault(_ frame: UnsafePointer<exception_frame>) {
    let fault = unsafe frame.pointee
    let block = cpu_gdt_base() & ~0xFFF
    let isCore = load(block + UInt64(MemoryLayout<guest_registers>.size), as: UInt64.self) == CoreState.magicValue
    if isCore {
        Shared<CoreState>(at: block).value.program.vendor.holdInterrupts()
        Shared<CoreState>(at: block).value.recordCrash(.hypervisorFault, frame: fault)
    } else {
        CrashRegion.recordBootFault(fault)
    }
    var line = Line("bulkhead: fault in the hypervisor: ")
    if isCore {
        line.write("core ")
        line.write(decimal: UInt64(Shared<CoreState>(at: block).value.index))
        if let partition = Shared<CoreState>(at: block).value.partition {
            line.write(", partition ")
            line.write(partition.value.spec.name)
        }
    } else {
        line.write("boot")
    }
    line.write(", vector ")
    line.write(decimal: fault.vector)
    line.write(", error ")
    line.write(hexadecimal: fault.error)
    line.write(", at image+")
    line.write(hexadecimal: fault.rip &- image_address())
    if isCore, let symbols = Shared<CoreState>(at: block).value.program.symbols {
        line.write(" (")
        let into = symbols.find(UInt32(truncatingIfNeeded: fault.rip &- image_address()), limit: 80) { line.put($0) }
        line.write("+")
        line.write(hexadecimal: UInt64(into ?? 0))
        line.write(")")
    }
    if fault.vector == UInt64(Vector.pageFault) {
        line.write(", address ")
        line.write(hexadecimal: cpu_read_cr2())
    }
    guard isCore, let partition = Shared<CoreState>(at: block).value.partition else {
        SerialPort.log.print(line)
        while true { cpu_hlt() }
    }
    partition.value.board.value.post(line)
    let vcpu = Shared<CoreState>(at: block).value.vcpu
    var change = Change()
    change.isFault = true
    change.vcpu = vcpu
    change.code = fault.vector
    change.address = fault.rip &- image_address()
    partition.value.board.value.record(change)
    // A lock that this core held; another's it leaves alone.
    _ = partition.value.lock.compareExchange(expected: vcpu + 1, desired: 0, ordering: .releasing)
    partition.value.condemn(.hypervisorFault)
    LocalAPIC.kick(partition.value.platform.apicIDs[0])
    core_restart(Shared<CoreState>(at: block).value.layout.stackTop, block, coreRecover)
}
