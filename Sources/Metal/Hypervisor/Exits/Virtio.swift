import Control
import Manifest
import Platform
import Silicon
import Text
import X86

/// A partition's console as the model of its virtio function reaches it.
private struct PartitionConsole: VirtioStream {
    let page: Pointer<ControlPage>
    /// Whether it leads to the management server. Then nothing gives way: what that has no room for waits in the guest.
    let isControl: Bool
    private var output: ByteRing { isControl ? page.controlIn : page.consoleOut }
    private var input: ByteRing { isControl ? page.controlOut : page.consoleIn }

    func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = isControl ? min(bytes.count, output.room) : bytes.count
        unsafe output.push(UnsafeRawBufferPointer(start: bytes.baseAddress, count: count))
        return count
    }
    func give(_ bytes: UnsafeMutableRawBufferPointer) -> Int { unsafe input.take(into: bytes) }
    var hasBytes: Bool { input.peek() != nil }
}

extension ExitContext {
    /// What the console moves at once, bytes.
    private static var pieceSize: Int { 4096 }

    @inline(never)
    mutating func accessVirtio(
        _ port: PortAccess, _ next: UInt64, _ functions: Pointer<PartitionFunctions>
    ) -> ExitOutcome {
        if port.isString { return refuse() }
        partition.value.takeLock(core.value.vcpu)
        let answer = functions.value.guest.access(virtio: port, value: UInt32(truncatingIfNeeded: cpu.rax))
        partition.value.releaseLock()
        if port.isInput {
            cpu.rax = port.merge(answer ?? .max, into: cpu.rax)
        } else if answer != nil {
            serveVirtio(functions)
        }
        cpu.finish(at: next)
        return .resume
    }

    /// Moves what waits at the partition's virtio functions, as much as one exit may; the rest by a kick to the boot vCPU.
    @inline(never)
    mutating func serveVirtio(_ functions: Pointer<PartitionFunctions>) {
        for i in 0..<functions.value.guest.virtioCount {
            openWindow()
            guard functions.value.guest.kind(virtio: i) == .console else {
                if functions.value.guest.kind(virtio: i) == .network { serveWire(i, functions) }
                continue
            }
            guard functions.value.guest.isLive(virtio: i) else { continue }
            let page = partition.value.controlPage, isControl = i > 0 || !hasConsole
            let console = PartitionConsole(page: page, isControl: isControl)
            partition.value.takeLock(core.value.vcpu)
            let wasAnswered = isControl && console.hasBytes
            if !isControl, functions.value.guest.hasOutput(virtio: i, partition.value.guestMemory) {
                partition.value.releaseLock()
                waitForReader(functions)
                partition.value.takeLock(core.value.vcpu)
            }
            let progress = functions.value.guest.serve(
                virtio: i, console: console, limit: Self.pieceSize, partition.value.guestMemory)
            sendInterrupts(functions)
            let mayBeAnswered = isControl && (wasAnswered && !console.hasBytes || page.controlIn.peek() != nil)
            partition.value.releaseLock()
            if case .more = progress { LocalAPIC.kick(partition.value.platform.apicIDs[0]) }
            // By the boot vCPU's core, of whose budget it is.
            if mayBeAnswered {
                core.value.vcpu == 0
                    ? ControlPage.kickHousekeeper() : LocalAPIC.kick(partition.value.platform.apicIDs[0])
            }
        }
    }

    /// Moves frames between the guest and a wire.
    @inline(never)
    private mutating func serveWire(_ i: Int, _ functions: Pointer<PartitionFunctions>) {
        partition.value.takeLock(core.value.vcpu)
        defer { partition.value.releaseLock() }
        guard var end = functions.value.wires[i] else { return }
        var wire = end.wire
        let progress = functions.value.guest.serve(virtio: i, wire: &wire, partition.value.guestMemory) {
            end.maySend($0)
        }
        end.wire = wire
        end.kickPeer(partition.value.controlPage)
        functions.value.wires[i] = end
        sendInterrupts(functions)
        partition.value.controlPage.value.wires[i] = end.wire.counters
        if case .more = progress { LocalAPIC.kick(partition.value.platform.apicIDs[0]) }
    }

    /// Whether a driver has the virtio console, which is the first such function; then what is typed is its, not the UART's.
    var isConsoleLive: Bool {
        guard hasConsole, let functions = partition.value.functions else { return false }
        return functions.value.guest.isLive(virtio: 0)
    }
    private var hasConsole: Bool { partition.value.spec.virtio.contains(.console) }

    /// Sends what its driver has not masked, or masks no more. With the lock.
    @inline(never)
    mutating func sendInterrupts(_ functions: Pointer<PartitionFunctions>) {
        for i in 0..<functions.value.guest.virtioCount {
            while let interrupt = functions.value.guest.nextInterrupt(virtio: i) { send(interrupt) }
        }
    }

    /// The guest's message as what it means on silicon, if it is for a core of the partition's.
    private func send(_ interrupt: GuestMessage) {
        for vcpu in 0..<partition.value.vcpuCount
        where partition.value.platform.apicIDs[vcpu] == interrupt.apicID {
            LocalAPIC.send(UInt64(interrupt.apicID) << 32 | UInt64(interrupt.vector))
        }
    }

    /// Waits for whoever reads the console, so that nothing is lost while they keep up; who does not move for a second is gone,
    /// and waited for again only when they come back.
    private mutating func waitForReader(_ functions: Pointer<PartitionFunctions>) {
        let output = partition.value.controlPage.consoleOut
        let end = cpu_rdtsc() + UInt64(partition.value.platform.tscKHz) * 1000
        while !output.hasRoom(for: UInt64(Self.pieceSize)), output.noted != functions.value.lostReader {
            guard cpu_rdtsc() < end else {
                functions.value.lostReader = output.noted
                return
            }
            // This core may be the one that answers them.
            core.value.housekeeping?.value.serve(core.value)
            openWindow()
        }
    }
}
