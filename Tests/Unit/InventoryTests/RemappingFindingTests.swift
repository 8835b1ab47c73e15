import Foundation
import Inventory
import Testing

/// What the hypervisor will say of a recorded machine's IOMMU and PCI functions.
@Suite struct RemappingFindingTests {
    let tree: RecordedTree

    init() throws {
        tree = try RecordedTree()
        try tree.makeGood()
    }

    func iommu() throws -> Requirement {
        try #require(Doctor(linux: tree.root).diagnosis.requirements.first { $0.name == "IOMMU" })
    }

    func useDMAR(_ table: [UInt8]) throws {
        try tree.remove("sys/firmware/acpi/tables/IVRS")
        try? tree.remove("sys/class/iommu/ivhd0")
        try tree.write("sys/firmware/acpi/tables/DMAR", table)
        try tree.write("sys/class/iommu/dmar0/intel-iommu/cap", "d2008c40660462\n")
        try tree.write("sys/class/iommu/dmar0/intel-iommu/ecap", "f050da\n")
    }

    static let refused = "no usable IOMMU, partitions cannot own PCI functions: "

    @Test func usable() throws {
        #expect(try iommu().state == .met)
        #expect(Inventory(linux: tree.root).usableIommu)
        try useDMAR(RecordedTree.dmar())
        let found = try iommu()
        #expect(found.state == .met, "\(found)")
        #expect(Inventory(linux: tree.root).iommus.map(\.kind) == ["vt-d"])
    }

    static let forbidden = "the firmware forbids to remap interrupts, or x2APIC beside it"

    /// 14 of 100 recorded machines have it.
    @Test func x2APICOptOut() throws {
        try useDMAR(RecordedTree.dmar(flags: 3))
        let found = try iommu()
        #expect(found.state == .limited && found.found == Self.refused + Self.forbidden)
        #expect(found.advice?.contains("X2APIC Opt Out") == true)
        #expect(Inventory(linux: tree.root).iommuProblem == Self.forbidden)
    }

    @Test func switchedOff() throws {
        try tree.remove("sys/firmware/acpi/tables/IVRS")
        let found = try iommu()
        #expect(found.found == Self.refused + "the firmware lists none" && found.advice?.contains("switch on") == true)
    }

    @Test func weakUnits() throws {
        try tree.write("sys/class/iommu/ivhd0/amd-iommu/features", "0:0\n")
        #expect(try iommu().found.hasPrefix("the IOMMU cannot deny DMA: AMD-Vi cannot invalidate all"))
        try useDMAR(RecordedTree.dmar())
        try tree.write("sys/class/iommu/dmar0/intel-iommu/ecap", "f050d2\n")
        #expect(try iommu().found == Self.refused + "VT-d has no interrupt remapping")
    }

    @Test func theIOAPICIsNotNamed() throws {
        try tree.write("sys/firmware/acpi/tables/IVRS", RecordedTree.ivrs(ioAPIC: nil))
        #expect(
            try iommu().found == Self.refused
                + "its table does not say by which id the I/O APIC sends interrupts")
    }

    @Test func aDamagedTable() throws {
        try tree.write("sys/firmware/acpi/tables/IVRS", Array(RecordedTree.ivrs(ioAPIC: 9).dropLast(4)))
        let found = try iommu()
        #expect(found.state == .unmet && found.found == "the IOMMU cannot deny DMA: its table is malformed")
    }

    @Test func onlyRootMayRead() throws {
        try tree.remove("sys/firmware/acpi/tables/IVRS")
        try tree.remove("sys/firmware/acpi/tables/APIC")
        let found = try iommu()
        #expect(found.state == .unknown && found.advice == "run as root")
    }

    // MARK: Functions

    func problem(_ address: String) throws -> String? {
        try #require(Inventory(linux: tree.root).functions.first { $0.address == address }).problem
    }

    @Test func allCanBeOwned() throws {
        let found = Inventory(linux: tree.root)
        #expect(found.functions.allSatisfy { $0.problem == nil && $0.reserved == false }, "\(found.text)")
        #expect(found.functions.last?.interrupts == ["msi-x", "pin"] && found.functions[0].interrupts == [])
    }

    @Test(arguments: [0, 0xFFFF_FFF0, 0xFE00_8000]) func registersWithoutAnAddress(address: UInt32) throws {
        try tree.configure { name, config in
            if name == "01:00.0" { for i in 0..<4 { config[0x10 + i] = UInt8(address >> UInt32(8 * i) & 0xFF) } }
        }
        #expect(
            try problem("01:00.0") == "it has registers to which firmware has given no address that cores can reach")
        #expect(
            try Planner(Inventory(linux: tree.root)).refusal("a:memory=64M,device=01:00.0")
                == "function 01:00.0 of partition \"a\" cannot be owned: it has registers to which firmware has given no "
                + "address that cores can reach")
    }

    @Test func registersInMemory() throws {
        try tree.write("sys/firmware/memmap/0/type", "System RAM\n")
        try tree.write("sys/firmware/memmap/0/start", "0xfe000000\n")
        try tree.write("sys/firmware/memmap/0/end", "0xfe0fffff\n")
        #expect(try problem("01:00.0") == "it has registers where the machine has something else")
    }

    @Test func interruptsByPinAlone() throws {
        try tree.configure { name, config in if name == "01:00.0" { config[0x41] = 0 } }
        #expect(try problem("01:00.0")?.hasPrefix("it interrupts by a pin alone") == true)
    }

    @Test func portsAlone() throws {
        try tree.configure { name, config in
            if name == "01:00.0" { config.replaceSubrange(0x10..<0x14, with: [0, 0, 0, 0]) }
        }
        let lines = RecordedTree.resource.split(separator: "\n", omittingEmptySubsequences: false)
        let none = "0x0000000000000000 0x0000000000000000 0x0000000000000000"
        try tree.write(
            "sys/bus/pci/devices/0000:01:00.0/resource",
            ([none] + lines.dropFirst().map(String.init)).joined(separator: "\n"))
        #expect(try problem("01:00.0")?.hasPrefix("its registers are ports alone") == true)
    }

    /// Every EPYC, Threadripper and Xeon-SP has several root buses.
    @Test func aSecondRootBus() throws {
        try tree.function("40:00.0", "0x144d", "0xa808", "0x010802")
        try tree.write("sys/bus/pci/devices/0000:40:00.0/config", [UInt8](repeating: 1, count: 4096))
        #expect(try problem("40:00.0")?.hasPrefix("it is behind a root bus that the hypervisor does not scan") == true)
        #expect(
            try Planner(Inventory(linux: tree.root)).refusal("a:memory=64M,device=40:00.0")?.contains("a root bus")
                == true)
    }

    @Test func firmwareKeepsMemory() throws {
        try useDMAR(RecordedTree.dmar(reserved: [(0x14, 0)]))
        try tree.function("00:14.0", "0x8086", "0x06ed", "0x0c0330")
        try tree.write("sys/bus/pci/devices/0000:00:14.0/config", [UInt8](repeating: 0, count: 4096))
        let found = try #require(Inventory(linux: tree.root).functions.first { $0.address == "00:14.0" })
        #expect(found.reserved == true)
    }
}

extension Planner {
    /// nil when there is a plan.
    func refusal(_ demands: String...) throws -> String? {
        do { _ = try manifest(name: "rack7", demands.map { try PartitionDemand($0) }) } catch let error as Refused {
            return error.description
        }
        return nil
    }
}
