import Platform
import Text
import Virtio
import WireSeal

/// A guest's bus and the functions that its device model stands for.
struct TestBus: ~Copyable {
    private var bus: GuestBus
    private var functions = VirtioFunctions([8 of ModelFunction](repeating: .none), count: 0)

    init(memorySize: UInt64) { bus = GuestBus(hostBridge: 0x29C0_8086, memorySize: memorySize) }

    mutating func append(_ function: ModelFunction) throws(GuestBusError) {
        try bus.append(function)
        reset()
    }
    /// As when a guest starts.
    mutating func reset() { functions = VirtioFunctions(bus.model, count: bus.modelCount) }

    /// Nil where no function has the port.
    mutating func access(_ port: PortAccess, value: UInt32) -> UInt32? {
        guard let call = bus.call(for: port, value: value) else { return nil }
        return UInt32(truncatingIfNeeded: functions.access(call))
    }
    /// Nil where nothing is trapped.
    mutating func access(memory address: UInt64, size: Int, value: UInt64?) -> UInt64? {
        bus.call(memory: address, size: size, value: value).map { functions.access($0) }
    }
    mutating func traps(_ address: UInt64) -> Bool { bus.traps(address) }
    func memory(_ index: Int) -> UInt64? { bus.memory(model: index) }
    func isLive(_ index: Int) -> Bool { functions.isLive(index) }
    func isInUse(_ index: Int) -> Bool { functions.isInUse(index) }
    func hasOutput(_ index: Int, _ memory: borrowing GuestMemory) -> Bool { functions.hasOutput(index, memory) }
    mutating func nextInterrupt(_ index: Int) -> GuestMessage? { functions.nextInterrupt(index) }
    mutating func serve(
        console: inout some VirtioStream, limit: Int, _ memory: borrowing GuestMemory
    ) -> VirtioProgress { functions.serve(0, console: &console, limit: limit, memory) }
    mutating func serve(
        port: inout PortWire, name: Text<31>, _ limit: Int, _ memory: borrowing GuestMemory
    ) -> VirtioProgress { functions.serve(0, port: &port, name: name, limit: limit, memory) }
    mutating func serve(
        _ wire: inout Wire, _ memory: borrowing GuestMemory, mayPass: (Int) -> Bool
    ) -> VirtioProgress {
        var seal = WireSeal(Text(), address: 0)
        return functions.serve(0, wire: &wire, seal: &seal, mayBeUp: true, memory, mayPass: mayPass)
    }
}
