import Manifest
import ManifestRules
import PCI
import Text

/// What root mode takes for granted of every manifest that was decoded, and which of it does not hold. It is written
/// down here a second time, and plainly, so that a check that gets lost is noticed: unit tests and the fuzzer hold
/// whatever decodes against it.
func brokenInvariants(_ manifest: Manifest) -> [String] {
    var broken: [String] = []
    func demand(_ holds: Bool, _ what: String) { if !holds { broken.append(what) } }
    func isPrintable<let n: Int>(_ text: Text<n>) -> Bool {
        text.count <= n && (0..<text.count).allSatisfy { 0x20...0x7E ~= text.bytes[$0] }
    }
    let partitions = (0..<manifest.partitionCount).map { manifest.partitions[$0] }
    demand(1...8 ~= partitions.count, "1 to 8 partitions")
    demand(isPrintable(manifest.name), "the machine's name is printable")
    demand(manifest.machineCores >= 0 && manifest.housekeeping >= 0, "no core number below 0")
    demand(manifest.requires.rawValue <= 3, "only what a machine can have is required")
    demand(partitions.count(where: \.tpm) <= 1, "one partition at most has the TPM")
    var cores: Set<Int> = []
    var functions: Set<UInt16> = []
    var memory: [(base: UInt64, end: UInt64)] = []
    for spec in partitions {
        let own = (0..<64).filter { spec.cores.rawValue >> UInt64($0) & 1 == 1 }
        demand(1...16 ~= own.count, "1 to 16 cores")
        demand(cores.isDisjoint(with: own), "no core has two owners")
        cores.formUnion(own)
        demand(spec.memorySize >= 16 << 20 && spec.memorySize % (2 << 20) == 0, "memory is whole and large enough")
        demand(spec.memorySize <= 1 << 52 && spec.memoryBase <= 1 << 52, "memory is addressable")
        if spec.memoryBase != 0 {
            let (end, overflow) = spec.memoryBase.addingReportingOverflow(spec.memorySize)
            demand(!overflow && end <= 1 << 52 && spec.memoryBase % (2 << 20) == 0, "fixed memory is addressable")
            demand(memory.allSatisfy { $0.end <= spec.memoryBase || end <= $0.base }, "no memory has two owners")
            memory.append((spec.memoryBase, end))
        }
        demand(!spec.image.isEmpty, "an image is named")
        demand(isPrintable(spec.name) && isPrintable(spec.image) && isPrintable(spec.initrd), "texts are printable")
        demand(isPrintable(spec.commandLine), "the command line is printable")
        demand(
            spec.permits.rawValue <= 0x1FF && spec.accepts.rawValue <= 3 && spec.virtio.rawValue <= 1,
            "every bit is known")
        demand(spec.devices.count <= 8, "at most 8 functions")
        for k in 0..<spec.devices.count {
            let device = spec.devices[k]
            demand(functions.insert(device.address.requester).inserted, "no function has two owners")
            demand(device.virtualFunctions <= 64, "at most 64 virtual functions")
        }
    }
    return broken
}

/// What root mode takes for granted of a manifest and a plan that passed `check(against:)`.
func brokenInvariants(_ manifest: Manifest, _ plan: MemoryPlan, on machine: MachineFacts) -> [String] {
    var broken: [String] = []
    func demand(_ holds: Bool, _ what: String) { if !holds { broken.append(what) } }
    func exists(_ core: Int) -> Bool { 0..<64 ~= core && machine.cores.rawValue >> UInt64(core) & 1 == 1 }
    demand(exists(manifest.housekeeping), "the housekeeping core exists")
    demand(manifest.requires.rawValue & ~machine.trust.rawValue == 0, "what is required is there")
    let functions = (0..<machine.functions.count).map { machine.functions.functions[$0] }
    var owners: [UInt16: Int] = [:]
    for i in 0..<manifest.partitionCount {
        let spec = manifest.partitions[i], method = machine.tpm.startMethod, area = machine.tpm.controlArea
        let isAllRegisters = method == 6 || method == 7 && area == 0xFED4_0040
        demand(!spec.tpm || machine.trust.contains(.tpm) && isAllRegisters, "the TPM has nothing in memory")
        demand(spec.cores.rawValue & ~machine.cores.rawValue == 0, "every core exists")
        let range = plan.ranges[i]
        demand(range.size == spec.memorySize && range.base % (2 << 20) == 0, "memory is of its size and aligned")
        demand(spec.memoryBase == 0 || range.base == spec.memoryBase, "fixed memory is where it was to be")
        let free = (0..<machine.free.count).map { machine.free.ranges[$0] }
        demand(free.contains { $0.base <= range.base && range.end <= $0.end }, "memory was free")
        for j in 0..<i {
            demand(plan.ranges[j].end <= range.base || range.end <= plan.ranges[j].base, "no memory has two owners")
        }
        for k in 0..<spec.devices.count {
            demand(machine.usableIOMMU, "a function has an IOMMU")
            let device = spec.devices[k]
            guard let found = functions.first(where: { $0.address == device.address }) else { continue }
            demand(!found.isBridge && !found.isReserved, "nobody owns the machine's own functions")
            demand(found.reset != .none || device.acceptsNoReset, "a function is reset, or its owner accepts that")
            demand(UInt16(device.virtualFunctions) <= found.virtualTotal, "virtual functions exist")
            demand(owners[found.group] == nil || owners[found.group] == i, "an isolation group has one owner")
            owners[found.group] = i
        }
    }
    return broken
}

/// A machine that may satisfy `manifest`: a function for each that it names, in groups of a device's.
func machineFacts(for manifest: Manifest, groups: Bool) -> MachineFacts {
    var machine = MachineFacts(coreCount: 64, installedMemory: manifest.machineMemory)
    machine.usableIOMMU = true
    machine.trust = groups ? .secureBoot : .secureBoot | .tpm
    machine.free.add(MemoryRange(base: 0x10_0000, end: 0xC000_0000))
    machine.free.add(MemoryRange(base: 0x1_0000_0000, end: max(manifest.machineMemory, 1 << 40)))
    for i in 0..<manifest.partitionCount {
        for k in 0..<manifest.partitions[i].devices.count {
            let device = manifest.partitions[i].devices[k]
            var function = FunctionDescription()
            function.address = device.address
            (function.vendor, function.device) = (device.vendor, device.device)
            function.group = groups ? device.address.requester & ~7 : device.address.requester
            function.reset = device.address.function == 7 ? .bus : .functionLevel
            function.virtualTotal = UInt16(device.virtualFunctions)
            machine.functions.append(function)
        }
    }
    return machine
}
