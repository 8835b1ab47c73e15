/// Finds the machine's functions, from bus 0 through bridges as firmware has numbered their buses (PCI Express Base 6.0,
/// section 7.5.1). Each bus is visited once, whatever bridges claim.
public struct BusScan<Space: ConfigurationSpace> {
    let space: Space
    public init(_ space: Space) { self.space = space }

    /// Calls `found` for each function, bridges included, in the order of the buses' discovery.
    public func forEach(_ found: (inout FunctionDescription) -> Void) {
        var known = InlineArray<256, Bool>(repeating: false)
        known[0] = true
        // Each bus with the bridge that leads there, and the last bus to which that one leads.
        var buses = InlineArray<256, (bus: UInt8, bridge: UInt16, last: UInt8)>(repeating: (0, 0, 0))
        buses[0].last = 255
        var count = 1
        var next = 0
        while next < count {
            let (bus, bridge, last) = buses[next]
            next += 1
            forEach(on: bus) { (function: inout FunctionDescription) in
                function.bridge = bridge
                if bus != 0 { function.lastBus = last }
                let secondary = function.secondaryBus
                // Buses are numbered downwards; what the bridge above does not pass on cannot be reached.
                if function.isBridge, !known[Int(secondary)], secondary > bus, secondary <= last {
                    known[Int(secondary)] = true
                    buses[count] = (secondary, function.requester, min(last, max(secondary, function.subordinateBus)))
                    count += 1
                }
                found(&function)
            }
        }
    }

    private func forEach(on bus: UInt8, _ found: (inout FunctionDescription) -> Void) {
        for device in UInt16(0)..<32 {
            let first = UInt16(bus) << 8 | device << 3
            guard isPresent(first) else { continue }
            let isMultifunction = space.read(first, 0x0E, size: 1) & 0x80 != 0
            for function in 0..<(isMultifunction ? UInt16(8) : 1) where isPresent(first | function) {
                var description = describe(first | function)
                found(&description)
            }
        }
    }

    /// Whether a function answers: FFFFh and 0000h are no vendors, 0001h asks to try again later (PCI Express Base 6.0,
    /// section 2.3.2).
    private func isPresent(_ function: UInt16) -> Bool {
        let vendor = space.read(function, 0, size: 2) & 0xFFFF
        return vendor != 0xFFFF && vendor > 1
    }

    /// What configuration space says of `function`, which is present.
    public func describe(_ function: UInt16) -> FunctionDescription {
        var found = FunctionDescription()
        found.address = FunctionAddress(requester: function)
        found.vendor = UInt16(truncatingIfNeeded: space.read(function, 0, size: 2))
        found.device = UInt16(truncatingIfNeeded: space.read(function, 2, size: 2))
        let classes = space.read(function, 8, size: 4)
        found.classCode = classes >> 8
        found.revision = UInt8(truncatingIfNeeded: classes)
        let header = space.read(function, 0x0E, size: 1) & 0x7F
        // Host and ISA bridges too, which have an endpoint's header.
        found.isBridge = header == 1 || classes >> 24 == 6
        if header == 1 {
            found.secondaryBus = UInt8(truncatingIfNeeded: space.read(function, 0x19, size: 1))
            found.subordinateBus = UInt8(truncatingIfNeeded: space.read(function, 0x1A, size: 1))
        } else if header == 0 {
            found.subsystemVendor = UInt16(truncatingIfNeeded: space.read(function, 0x2C, size: 2))
            found.subsystem = UInt16(truncatingIfNeeded: space.read(function, 0x2E, size: 2))
        }
        found.bars = sizeBARs(function, header: header)
        readCapabilities(&found)
        return found
    }
}
