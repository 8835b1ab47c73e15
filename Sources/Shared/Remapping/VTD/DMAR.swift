import Text

/// The firmware's DMA remapping table (VT-d specification, section 8).
public enum DMAR {
    /// - Parameters:
    ///   - table: the table with its header.
    ///   - secondaryBus: the bus behind a bridge (bus, device and function as a requester id has them), for device scopes
    ///     whose path crosses bridges; nil when there is no such bridge.
    public static func parse(
        _ table: Span<UInt8>, secondaryBus: (UInt16) -> UInt8?
    ) throws(TopologyError) -> RemappingTopology {
        let reader = try TableReader(table)
        var topology = RemappingTopology()
        topology.forbidsInterrupts = try reader.byte(37) & 3 != 1
        try reader.forEachStructure { (at: Int, length: Int) throws(TopologyError) in
            switch try reader.half(at) {
            case 0: try readUnit(reader, at, length, &topology, secondaryBus)
            case 1: try readReserved(reader, at, length, &topology, secondaryBus)
            default: break
            }
        }
        guard topology.units.count > 0 else { throw .noUnits }
        return topology
    }

    /// A DRHD structure (section 8.3).
    private static func readUnit(
        _ reader: borrowing TableReader, _ at: Int, _ length: Int, _ topology: inout RemappingTopology,
        _ secondaryBus: (UInt16) -> UInt8?
    ) throws(TopologyError) {
        guard length >= 16 else { throw .malformed }
        var unit = RemappingUnitDescription()
        unit.registers = try reader.value(at + 8, 8)
        unit.flags = try reader.byte(at + 4)
        guard unit.registers != 0, unit.registers & 0xFFF == 0 else { throw .malformed }
        guard topology.units.append(unit) else { throw .tooMany }
        guard try reader.half(at + 6) == 0 else { return topology.hasOtherSegments = true }
        try forEachScope(reader, at + 16, at + length, secondaryBus) { (scope: Scope) throws(TopologyError) in
            // Type 3: an I/O APIC, with its ACPI id; type 4: a timer.
            if scope.type == 3 || scope.type == 4, let function = scope.function {
                let source = (scope.enumeration, function, scope.type == 3)
                guard topology.interruptSources.append(source) else { throw .tooMany }
            }
        }
    }

    /// An RMRR structure (section 8.4).
    private static func readReserved(
        _ reader: borrowing TableReader, _ at: Int, _ length: Int, _ topology: inout RemappingTopology,
        _ secondaryBus: (UInt16) -> UInt8?
    ) throws(TopologyError) {
        guard length >= 24 else { throw .malformed }
        guard try reader.half(at + 6) == 0 else { return topology.hasOtherSegments = true }
        guard try reader.value(at + 8, 8) <= reader.value(at + 16, 8) else { throw .malformed }
        try forEachScope(reader, at + 24, at + length, secondaryBus) { (scope: Scope) throws(TopologyError) in
            guard let function = scope.function else { return }
            guard topology.reserved.append((function, function)) else { throw .tooMany }
        }
    }

    private static func forEachScope(
        _ reader: borrowing TableReader, _ start: Int, _ end: Int, _ secondaryBus: (UInt16) -> UInt8?,
        _ found: (Scope) throws(TopologyError) -> Void
    ) throws(TopologyError) {
        var at = start
        while at < end {
            let scope = try Scope(reader, at, end: end, secondaryBus)
            try found(scope)
            at += scope.length
        }
    }

    /// A device scope (section 8.3.1): from a bus on, a path of device and function numbers across bridges.
    private struct Scope {
        let type: UInt8
        let length: Int
        let enumeration: UInt8
        /// nil where the path leads nowhere.
        var function: UInt16?

        init(
            _ reader: borrowing TableReader, _ at: Int, end: Int, _ secondaryBus: (UInt16) -> UInt8?
        ) throws(TopologyError) {
            type = try reader.byte(at)
            length = Int(try reader.byte(at + 1))
            guard length >= 8, length & 1 == 0, length <= end - at else { throw .malformed }
            enumeration = try reader.byte(at + 4)
            var bus = try reader.byte(at + 5)
            for step in 0..<(length - 6) / 2 {
                if let bridge = function {
                    guard let next = secondaryBus(bridge) else {
                        function = nil
                        return
                    }
                    bus = next
                }
                let device = UInt16(try reader.byte(at + 6 + step * 2) & 0x1F)
                let number = UInt16(try reader.byte(at + 7 + step * 2) & 7)
                function = UInt16(bus) << 8 | device << 3 | number
            }
        }
    }
}
