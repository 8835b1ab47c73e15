import Platform
import Text
import WireSeal

/// The virtio functions of one guest's bus.
public struct VirtioFunctions: ~Copyable, Sendable {
    public let count: Int
    private var functions: InlineArray<8, VirtioFunction>

    /// - Parameter count: how many of them there are, 0 to 8.
    public init(_ descriptions: [8 of ModelFunction], count: Int) {
        self.count = min(max(count, 0), 8)
        functions = InlineArray { VirtioFunction(descriptions[$0], index: $0) }
    }

    /// Carries out a guest's access.
    /// - Returns: what is read, in the low bytes.
    public mutating func access(_ call: ModelCall) -> UInt64 {
        let index = Int(call.index), offset = Int(call.offset), size = Int(call.size)
        guard index < count, size == 1 || size == 2 || size == 4 || size == 8 else { return .max }
        switch ModelCall.Place(rawValue: call.place) {
        case .configuration: return UInt64(accessConfiguration(index, offset, size, call))
        case .ports:
            guard size <= 4, functions[index].command & Command.ports != 0, offset & (size - 1) == 0 else {
                return .max
            }
            if !call.isWrite { return UInt64(functions[index].read(offset, size: size)) }
            functions[index].write(offset, size: size, UInt32(truncatingIfNeeded: call.value))
        case .page: return functions[index].access(page: offset, size: size, value: call.isWrite ? call.value : nil)
        case .queues, nil: break
        }
        return 0
    }

    /// One access to configuration space; ones where it is not inside one double word.
    private mutating func accessConfiguration(_ index: Int, _ offset: Int, _ size: Int, _ call: ModelCall) -> UInt32 {
        guard size <= 4, offset & 3 + size <= 4 else { return .max }
        let shift = UInt32(offset & 3) * 8, ones = UInt32.max >> UInt32(32 - size * 8)
        guard call.isWrite else {
            return functions[index].readConfiguration(offset & ~3, hasOthers: count > 1) >> shift & ones
        }
        functions[index].writeConfiguration(
            offset & ~3, UInt32(truncatingIfNeeded: call.value) << shift, mask: ones << shift)
        return 0
    }

    // What the function with this index, below `count`, has to say of itself, or does: see `VirtioFunction`.
    public func isLive(_ index: Int) -> Bool { functions[index].isLive }
    public func isInUse(_ index: Int) -> Bool { functions[index].isInUse }
    public func kind(_ index: Int) -> VirtioKind { functions[index].kind }
    public func hasOutput(_ index: Int, _ memory: borrowing GuestMemory) -> Bool { functions[index].hasOutput(memory) }
    public mutating func nextInterrupt(_ index: Int) -> GuestMessage? { functions[index].nextInterrupt() }
    public mutating func serve(
        _ index: Int, console: inout some VirtioStream, limit: Int, _ memory: borrowing GuestMemory
    ) -> VirtioProgress { functions[index].serve(console: &console, limit: limit, memory) }
    public mutating func serve(
        _ index: Int, port peer: inout some VirtioPeer, name: Text<31>, limit: Int, _ memory: borrowing GuestMemory
    ) -> VirtioProgress { functions[index].serve(port: &peer, name: name, limit: limit, memory) }
    public mutating func serve(
        _ index: Int, wire: inout Wire, seal: inout WireSeal, mayBeUp: Bool, _ memory: borrowing GuestMemory,
        mayPass: (Int) -> Bool
    ) -> VirtioProgress { functions[index].serve(&wire, &seal, mayBeUp: mayBeUp, memory, mayPass: mayPass) }
}
