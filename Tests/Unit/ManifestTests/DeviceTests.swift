import Manifest
import ManifestRules
import PCI
import Testing

func address(_ text: StaticString) -> FunctionAddress {
    FunctionAddress(text.description) ?? FunctionAddress(requester: .max)
}

func spec(_ pci: StaticString, _ change: (inout DeviceSpec) -> Void = { _ in }) -> DeviceSpec {
    var spec = DeviceSpec()
    spec.address = address(pci)
    change(&spec)
    return spec
}

func function(
    _ pci: StaticString, _ vendor: UInt16, _ device: UInt16, class code: UInt32 = 0x020000, group: StaticString? = nil,
    _ change: (inout FunctionDescription) -> Void = { _ in }
) -> FunctionDescription {
    var facts = FunctionDescription()
    facts.address = address(pci)
    (facts.vendor, facts.device, facts.classCode) = (vendor, device, code)
    facts.group = address(group ?? pci).requester
    facts.reset = .functionLevel
    change(&facts)
    return facts
}

/// A machine as it comes with QEMU's q35: two threads a core, an igb with virtual functions, two endpoints that share a
/// group, one that only its bus can reset.
func machineWithDevices(_ change: (inout MachineFacts) -> Void = { _ in }) -> MachineFacts {
    machine { facts in
        facts.usableIOMMU = true
        facts.functions.append(function("00:00.0", 0x8086, 0x29C0, class: 0x060000))
        facts.functions.append(function("00:01.0", 0x1B36, 0x000C, class: 0x060400) { $0.isBridge = true })
        facts.functions.append(function("00:02.0", 0x8086, 0x10D3))
        facts.functions.append(function("00:1f.2", 0x8086, 0x2922, class: 0x010601, group: "00:1f.0"))
        facts.functions.append(function("00:1f.3", 0x8086, 0x2930, class: 0x0C0500, group: "00:1f.0"))
        facts.functions.append(function("00:1f.0", 0x8086, 0x2918, class: 0x060100))
        facts.functions.append(
            function("01:00.0", 0x8086, 0x10C9) {
                ($0.virtualTotal, $0.virtualOffset, $0.virtualStride, $0.virtualDevice) = (8, 0x80, 2, 0x10CA)
            })
        facts.functions.append(function("02:00.0", 0x1234, 0x11E8) { $0.reset = .none })
        facts.functions.append(function("03:00.0", 0x1234, 0x11E8) { $0.reset = .bus })
        facts.functions.append(function("03:01.0", 0x1234, 0x11E8))
        facts.functions.append(function("04:00.0", 0x8086, 0x1533) { $0.isReserved = true })
        change(&facts)
    }
}

@Suite struct DeviceTests {
    /// The sample with these devices in its first and second partition.
    static func owning(_ first: [DeviceSpec], _ second: [DeviceSpec] = []) -> Manifest {
        sample {
            $0.partitions[1].memoryBase = 0
            for device in first { _ = $0.partitions[0].devices.append(device) }
            for device in second { _ = $0.partitions[1].devices.append(device) }
        }
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let words: String
        let first: [DeviceSpec]
        var second: [DeviceSpec] = []
        var machine: @Sendable (inout MachineFacts) -> Void = { _ in }
        var testDescription: String { words }
    }

    static let accepted: [Case] = [
        Case(words: "an endpoint", first: [spec("00:02.0") { ($0.vendor, $0.device) = (0x8086, 0x10D3) }]),
        Case(words: "a whole group", first: [spec("00:1f.2"), spec("00:1f.3")]),
        Case(words: "half a group that nobody else wants", first: [spec("00:1f.2")]),
        Case(
            words: "virtual functions of two partitions",
            first: [spec("01:00.0") { $0.virtualFunctions = 2 }, spec("01:10.0")],
            second: [spec("01:10.2") { ($0.vendor, $0.device) = (0x8086, 0x10CA) }]),
        Case(words: "no reset, accepted", first: [spec("02:00.0") { $0.acceptsNoReset = true }]),
        Case(words: "a bus reset that hits nobody else", first: [spec("03:00.0"), spec("03:01.0")]),
    ]

    @Test(arguments: accepted) func isAccepted(_ this: Case) throws {
        let manifest = Self.owning(this.first, this.second)
        try manifest.validate()
        try manifest.check(against: machineWithDevices(this.machine))
        // Nothing of it without an IOMMU.
        let bare = machineWithDevices { $0.usableIOMMU = false }
        let error = #expect(throws: ManifestError.self) { try manifest.check(against: bare) }
        #expect(
            error.map { sentence($0, manifest) } == "partition \"control-loop\" has devices, "
                + "but this machine has no usable IOMMU: none, or switched off in its firmware")
    }

    static let refused: [Case] = [
        Case(
            words: "function 05:00.0 of partition \"control-loop\" is not in this machine", first: [spec("05:00.0")]),
        Case(
            words: "function 00:02.0 of partition \"control-loop\" is 8086:10d3 in this machine; "
                + "the manifest says 8086:10c9", first: [spec("00:02.0") { ($0.vendor, $0.device) = (0x8086, 0x10C9) }]),
        Case(
            words: "function 00:01.0 of partition \"control-loop\" is part of the machine itself "
                + "(a bridge or an IOMMU): nobody can own it", first: [spec("00:01.0")]),
        Case(
            words: "function 00:00.0 of partition \"control-loop\" is part of the machine itself "
                + "(a bridge or an IOMMU): nobody can own it", first: [spec("00:00.0")]),
        Case(
            words: "function 00:1f.3 of partition \"workload\" is in one isolation group with 00:1f.2 of partition "
                + "\"control-loop\"; the group is 00:1f.2 00:1f.3 00:1f.0", first: [spec("00:1f.2")],
            second: [spec("00:1f.3")]),
        Case(
            words: "function 02:00.0 of partition \"control-loop\" cannot be reset between two guests; "
                + "\"reset: none\" would accept that", first: [spec("02:00.0")]),
        Case(
            words: "function 03:00.0 of partition \"control-loop\" can only be reset together with its bus, "
                + "and with it 03:01.0 of partition \"workload\"", first: [spec("03:00.0")], second: [spec("03:01.0")]),
        Case(
            words: "function 04:00.0 of partition \"control-loop\" cannot be owned: "
                + "the firmware goes on using it for its own purposes", first: [spec("04:00.0")]),
        Case(
            words: "function 01:00.0 of partition \"control-loop\" has 8 virtual functions in this machine; "
                + "the manifest wants more", first: [spec("01:00.0") { $0.virtualFunctions = 9 }]),
        Case(
            words: "function 01:10.4 of partition \"workload\" exists only if function 01:00.0 belongs to a partition, "
                + "with virtual-functions: 3 or more", first: [spec("01:00.0") { $0.virtualFunctions = 2 }],
            second: [spec("01:10.4")]),
        Case(
            words: "function 01:10.0 of partition \"control-loop\" exists only if function 01:00.0 belongs to a "
                + "partition, with virtual-functions: 1 or more", first: [spec("01:10.0")]),
        Case(
            words: "function 01:10.1 of partition \"control-loop\" is not in this machine", first: [spec("01:10.1")]),
        // Virtual functions on the bus beyond the one that is reset, behind the same bridge.
        Case(
            words: "function 03:00.0 of partition \"control-loop\" can only be reset together with its bus, "
                + "and with it 04:08.0 of partition \"workload\"", first: [spec("03:00.0")], second: [spec("04:08.0")]
        ) { facts in
            let old = facts.functions
            facts.functions = FunctionList()
            for i in 0..<old.count {
                var function = old.functions[i]
                if function.address.bus == 3 { function.lastBus = 4 }
                facts.functions.append(function)
            }
            facts.functions.append(function("04:08.0", 1, 2))
        },
        // Virtual functions behind a port that cannot tell requests apart.
        Case(
            words: "function 01:10.0 of partition \"workload\" is in one isolation group with 01:00.0 of partition "
                + "\"control-loop\"; the group is 00:01.0 01:00.0",
            first: [spec("01:00.0") { $0.virtualFunctions = 2 }],
            second: [spec("01:10.0")]
        ) { facts in
            let old = facts.functions
            facts.functions = FunctionList()
            for i in 0..<old.count {
                var function = old.functions[i]
                if function.address.bus == 1 { function.group = address("00:01.0").requester }
                function.virtualGroup = function.group
                facts.functions.append(function)
            }
        },
    ]

    @Test(arguments: refused) func isRefused(_ this: Case) throws {
        var manifest = Self.owning(this.first, this.second)
        try manifest.validate()
        let facts = machineWithDevices(this.machine)
        let error = #expect(throws: ManifestError.self) { try manifest.check(against: facts) }
        guard let error else { return }
        #expect(error.sentence(manifest, on: facts) == this.words)
        // It stands on one line of the hypervisor's, however long the names.
        for i in 0..<2 { manifest.partitions[i].name = "a-name-of-thirty-one-characters" }
        #expect(error.sentence(manifest).utf8.count + "R111 ".utf8.count <= 181)
    }

    @Test func largeGroupsAreCutShort() throws {
        let manifest = Self.owning([spec("10:00.0")], [spec("10:00.1")])
        let facts = machineWithDevices { facts in
            for i in UInt8(0)..<20 {
                var found = function("10:00.0", 1, 1)
                found.address = FunctionAddress(bus: 0x10, device: i >> 3, function: i)
                facts.functions.append(found)
            }
        }
        let error = try #require(throws: ManifestError.self) { try manifest.check(against: facts) }
        #expect(error.sentence(manifest, on: facts).hasSuffix("10:00.6 10:00.7 ..."))
    }

    @Test func siblings() throws {
        func refusal(_ change: (inout Manifest) -> Void, _ pairs: [UInt8]) -> String? {
            var manifest = Self.owning([])
            change(&manifest)
            var facts = machine()
            for (core, lowest) in pairs.enumerated() { facts.siblings[core] = lowest }
            do throws(ManifestError) { try manifest.check(against: facts) } catch { return sentence(error, manifest) }
            return nil
        }
        // 0 housekeeping, 1 control-loop, 2 and 3 workload.
        #expect(refusal({ _ in }, [0, 1, 2, 2]) == nil)
        #expect(
            refusal({ _ in }, [0, 1, 1, 3]) == "core 1 of partition \"control-loop\" and core 2 of partition "
                + "\"workload\" are threads of one core; \"accept: [split-smt]\" would allow it")
        #expect(
            refusal({ _ in }, [0, 0, 2, 2]) == "core 1 of partition \"control-loop\" and core 0, for housekeeping, "
                + "are threads of one core; \"accept: [split-smt]\" would allow it")
        let one = refusal({ $0.partitions[0].accepts = .splitSMT }, [0, 1, 1, 3])
        #expect(one?.hasPrefix("core 2 of partition \"workload\" and core 1") == true)
        #expect(refusal({ for i in 0..<2 { $0.partitions[i].accepts = .splitSMT } }, [0, 1, 1, 3]) == nil)
        // A thread that nobody has harms nobody.
        #expect(refusal({ $0.partitions[1].cores = CoreSet(core: 2) }, [0, 1, 2, 1]) == nil)
    }
}
