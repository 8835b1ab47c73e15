import Records

/// A frame that is where it should not be, or a structure that is not as it must be.
public struct AuditFinding: CustomStringConvertible, Sendable {
    public var core: Int
    /// Whose core that is.
    public var partition: String
    /// Which of the core's tables.
    public var table: String
    public var frames: Range<UInt64>
    /// What owns the frames.
    public var owner: String
    public var what: String

    public var description: String {
        "core \(core) of \(partition), \(table): \(owner) at \(hexadecimal(frames.lowerBound))..."
            + "\(hexadecimal(frames.upperBound)): \(what)"
    }
}

/// Holds what every core of a stopped machine can reach against the ownership.
public struct Audit {
    public internal(set) var findings: [AuditFinding] = []
    /// PCI functions that reach memory, by requester id, with the bytes that they reach; and the interrupts they have.
    public internal(set) var functions: [Int: (bytes: UInt64, interrupts: Int)] = [:]
    /// Page tables that were walked, by the core; each with the bytes that it maps.
    public private(set) var walked: [Int: [(table: String, bytes: UInt64)]] = [:]
    /// Cores that were in their guests, by the processor's own account, and cores that were in the hypervisor.
    public private(set) var coresInGuests: Set<Int> = []
    public private(set) var coresInRoot: Set<Int> = []
    let ownership: OwnershipReader
    let memory: PhysicalMemory
    let housekeepingCore: Int

    /// - Parameters:
    ///   - registers: every core's.
    ///   - housekeepingCore: the only one that may reach all partitions' control pages.
    public init(
        _ memory: PhysicalMemory, _ registers: [ProcessorRegisters], _ ownership: OwnershipReader, housekeepingCore: Int
    ) {
        (self.memory, self.ownership, self.housekeepingCore) = (memory, ownership, housekeepingCore)
        for core in ownership.of(.core) {
            guard core.index < registers.count else {
                find(core, "the machine", core.range, "there is no such core")
                continue
            }
            checkCore(core, registers[core.index])
        }
        for code in ownership.of(.erased) where !memory.isZero(code.range) {
            find(code, "the program", code.range, "code that should be gone after boot")
        }
    }

    mutating func find(_ core: OwnershipReader.Entry, _ table: String, _ frames: Range<UInt64>, _ what: String) {
        let owner = ownership.entry(at: frames.lowerBound).entry.map(ownership.name) ?? "no owner's memory"
        findings.append(
            AuditFinding(
                core: core.index, partition: ownership.name(owner: core.owner), table: table, frames: frames,
                owner: owner,
                what: what))
    }

    private mutating func checkCore(_ core: OwnershipReader.Entry, _ registers: ProcessorRegisters) {
        let saved = core.range.lowerBound + OwnershipEntry.hostSave
        let control = core.range.lowerBound + OwnershipEntry.controlBlock
        // What the processor translates by now, or will when the guest exits: it kept that for itself (section 15.5.1).
        let isInRoot = registers["CR3"] == core.detail
        let root = isInRoot ? core.detail : memory.load(saved + VMCBField.cr3, as: UInt64.self) ?? 0
        let interrupts = isInRoot ? registers["IDT"] ?? 0 : memory.load(saved + VMCBField.idtBase, as: UInt64.self) ?? 0
        if isInRoot { coresInRoot.insert(core.index) } else { coresInGuests.insert(core.index) }
        if root != core.detail {
            find(core, "CR3", root..<root + 0x1000, "the ownership has its tables at \(hexadecimal(core.detail))")
        }
        walkHost(core, root)
        checkInterrupts(core, interrupts)
        let control0 = isInRoot ? registers["CR0"] : memory.load(saved + VMCBField.cr0, as: UInt64.self)
        if (control0 ?? 0) >> 16 & 1 == 0 {
            find(core, "CR0", root..<root + 0x1000, "what is mapped read-only can be written: CR0.WP is clear")
        }
        let segments = isInRoot ? registers["GDT"] : memory.load(saved + VMCBField.gdtBase, as: UInt64.self)
        if let segments, !constants(core).contains(segments) {
            find(core, "segment descriptors", segments..<segments + 0x40, "they are not among the core's constants")
        }
        let nested = ownership.of(.nestedRoot, owner: core.owner).filter { $0.index == core.index }
        let roots = nested.filter { $0.detail != 2 }.map(\.range.lowerBound)
        for (i, root) in nested.enumerated() {
            if root.detail == 2 {
                walkModel(core, root.range.lowerBound)
                continue
            }
            let name = root.detail == 1 ? "the loader's nested tables" : i == 0 ? "nested tables" : "nested tables' bus"
            walkNested(core, root.range.lowerBound, name, isLoaders: root.detail == 1)
        }
        checkModelBlock(core, nested.filter { $0.detail == 2 }.map(\.range.lowerBound))
        guard let used = memory.load(control + VMCBField.nestedCR3, as: UInt64.self) else { return }
        if !isInRoot || used != 0, !roots.contains(used) {
            find(core, "nested CR3", used..<used + 0x1000, "the ownership knows no such tables of this core")
            walkNested(core, used, "nested tables in use")
        }
        if nested.contains(where: { $0.detail == 1 && $0.range.lowerBound == used }) {
            find(core, "nested CR3", used..<used + 0x1000, "the loader's tables, and the loader is done")
        }
        guard !isInRoot else { return }
        if memory.load(control + VMCBField.nestedPaging, as: UInt64.self).map({ $0 & 1 }) != 1 {
            find(core, "control block", control..<control + 0x1000, "nested paging is off")
        }
        for field in [VMCBField.portMap, VMCBField.msrMap] {
            let map = memory.load(control + field, as: UInt64.self) ?? 0
            if ownership.outer(at: map)?.kind != .constants {
                find(core, "control block", map..<map + 0x1000, "it is no permission map of the program's")
            }
        }
    }

    private mutating func walkHost(_ core: OwnershipReader.Entry, _ root: UInt64) {
        let walk = TableWalk(root, memory)
        checkTables(core, walk, "the hypervisor's tables")
        var total: UInt64 = 0
        for mapping in walk.mappings {
            total += UInt64(mapping.physical.count)
            if mapping.virtual != mapping.physical.lowerBound {
                find(
                    core, "the hypervisor's tables", mapping.physical,
                    "mapped at \(hexadecimal(mapping.virtual)) instead")
            }
            forEachOwner(mapping) { entry, part in
                if let wrong = wrongForHost(core, entry, part, mapping) {
                    find(core, "the hypervisor's tables", part, wrong)
                }
            }
        }
        note(core, "the hypervisor's tables", total)
    }

    mutating func note(_ core: OwnershipReader.Entry, _ table: String, _ bytes: UInt64) {
        walked[core.index, default: []].append((table, bytes))
    }

    private mutating func walkNested(
        _ core: OwnershipReader.Entry, _ root: UInt64, _ name: String, isLoaders: Bool = false
    ) {
        let walk = TableWalk(root, memory)
        checkTables(core, walk, name)
        var total: UInt64 = 0
        for mapping in walk.mappings {
            forEachOwner(mapping) { entry, part in
                switch entry?.kind {
                case .memory where entry?.owner == core.owner: total += UInt64(part.count)
                case .registers where entry?.owner == core.owner && !mapping.execute: break
                case .unclaimed where entry?.owner == core.owner && !mapping.execute: break
                case .wire where entry.map { isShared($0, with: core, part, mapping) } == true: break
                case .image where entry?.owner == core.owner && isLoaders && !mapping.write && !mapping.execute: break
                default: find(core, name, part, "mapped into the guest at \(hexadecimal(mapping.virtual))")
                }
            }
        }
        note(core, name, total)
    }

    /// Whether a part of a channel is the guest's to see: all but the page of numbers of one that is shared memory, and to be written by
    /// one end alone.
    private func isShared(
        _ half: OwnershipReader.Entry, with core: OwnershipReader.Entry, _ part: Range<UInt64>, _ mapping: Mapping
    ) -> Bool {
        half.detail == 1 && !mapping.execute && part.lowerBound >= half.range.lowerBound + 0x1000
            && (half.owner == core.owner || half.index == core.owner && !mapping.write)
    }

    /// The tables themselves are the partition's own private memory, which no guest reaches, and which no core writes.
    mutating func checkTables(_ core: OwnershipReader.Entry, _ walk: TableWalk, _ name: String) {
        for table in walk.missing { find(core, name, table..<table + 0x1000, "a table where there is no memory") }
        for table in walk.tables
        where !ownership.of(.constantBlock, owner: core.owner).contains(where: { $0.range.contains(table) }) {
            find(core, name, table..<table + 0x1000, "a table outside the private block's constants")
        }
    }

    /// Calls `body` with each part of a mapping that has one owner.
    func forEachOwner(_ mapping: Mapping, _ body: (OwnershipReader.Entry?, Range<UInt64>) -> Void) {
        var at = mapping.physical.lowerBound
        while at < mapping.physical.upperBound {
            let (entry, end) = ownership.entry(at: at)
            let part = at..<min(end, mapping.physical.upperBound)
            body(entry, part)
            at = part.upperBound
        }
    }

    /// Why a core's instance of the hypervisor may not have this mapped; nil when it may.
    private func wrongForHost(
        _ core: OwnershipReader.Entry, _ entry: OwnershipReader.Entry?, _ part: Range<UInt64>, _ mapping: Mapping
    ) -> String? {
        guard let entry else { return "mapped, and nobody owns it" }
        if mapping.write && mapping.execute { return "writable and executable" }
        switch entry.kind {
        case .text, .startUp: return mapping.write ? "the program is writable" : nil
        case .constants: return mapping.write || mapping.execute ? "constants are writable or executable" : nil
        case .erased: return "code that is gone after boot is mapped"
        case .ownership: return "the ownership is mapped"
        case .image: if mapping.write { return "an image is writable" }
        case .remapping: return core.index != housekeepingCore || mapping.write ? "the IOMMU's tables are mapped" : nil
        case .constantBlock, .nestedRoot, .modelProgram:
            if mapping.write { return "what never changes is writable" }
        case .core where part.overlaps(constants(entry)):
            if mapping.write { return "the core's constants are writable" }
        case .wire where entry.index == core.owner: return mapping.write ? "what the other end sends is writable" : nil
        case .memory, .block, .controlPage, .unclaimed, .core, .wire, .model: break
        case .configuration, .registers, .messages, .remappingUnit, .faultLog: break
        }
        if mapping.execute { return "executable, and no program" }
        if entry.kind == .core, part.overlaps(guardPage(entry)) { return "the page below a stack is mapped" }
        let isHousekeeping = core.index == housekeepingCore
        if entry.owner == core.owner || isHousekeeping && entry.owner == Int(OwnershipEntry.housekeeping) { return nil }
        if entry.kind == .controlPage || entry.kind == .model && entry.detail == 2, isHousekeeping { return nil }
        return "another owner's"
    }

    /// Two pages: the core's own, and where the processor keeps the host.
    private func constants(_ core: OwnershipReader.Entry) -> Range<UInt64> {
        let start = core.range.lowerBound
        return start + OwnershipEntry.constants..<start + OwnershipEntry.controlBlock
    }

    private func guardPage(_ core: OwnershipReader.Entry) -> Range<UInt64> {
        let start = core.range.lowerBound + OwnershipEntry.guardPage
        return start..<start + 0x1000
    }

    /// Every gate leads into the program, and nobody writes to the table.
    private mutating func checkInterrupts(_ core: OwnershipReader.Entry, _ base: UInt64) {
        guard ownership.outer(at: base)?.kind == .constants else {
            return find(core, "interrupt table", base..<base + 0x1000, "it is not the program's")
        }
        for vector in 0..<256 as Range<UInt64> {
            guard let low = memory.load(base + vector * 16, as: UInt64.self),
                let high = memory.load(base + vector * 16 + 8, as: UInt64.self), low >> 47 & 1 == 1
            else { continue }
            let target = low & 0xFFFF | low >> 32 & 0xFFFF_0000 | high << 32
            if ownership.outer(at: target)?.kind != .text {
                find(core, "interrupt table", target..<target + 1, "vector \(vector) leads there")
            }
        }
    }
}

/// Offsets in a virtual machine control block, and in the area where an AMD processor saves the host: QEMU writes it with
/// the layout of a control block's save area (AMD64 APM volume 2, appendix B).
enum VMCBField {
    static let portMap: UInt64 = 0x40
    static let msrMap: UInt64 = 0x48
    static let nestedPaging: UInt64 = 0x90
    static let nestedCR3: UInt64 = 0xB0
    static let gdtBase: UInt64 = 0x468
    static let idtBase: UInt64 = 0x488
    static let cr3: UInt64 = 0x550
    static let cr0: UInt64 = 0x558
}

func hexadecimal(_ value: UInt64) -> String { String(value, radix: 16, uppercase: true) + "h" }
