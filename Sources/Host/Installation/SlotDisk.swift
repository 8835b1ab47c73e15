import Foundation
import Machines

/// A disk that firmware boots, with two slots: partition 1 is the EFI system partition, with the boot manager and slot a;
/// partition 2 has slot b. Documentation/decisions/slots.md says why.
public struct SlotDisk {
    let device: any SectorDevice
    let volumes: [Slot: SlotVolume]
    public static let names: [Slot: String] = [.a: "Bulkhead a", .b: "Bulkhead b"]

    /// What is in a slot.
    public struct State: Equatable, Sendable {
        public var slot: Slot
        /// nil: the boot manager does not know it.
        public var entry: LoaderEntry?
        /// Whether each file is there as it was written; nil: the slot is empty.
        public var isWhole: Bool?
        public var isNext: Bool
    }

    /// - Throws: `MachineError.impossible` for a disk that `create` has not made.
    public init(_ device: any SectorDevice) throws {
        self.device = device
        let sector = UInt64(GPT.sectorSize)
        let tail = device.size / sector * sector - GPT.tailSectors * sector
        let first = try device.read(0, Int(GPT.headSectors * sector))
        let last = try device.read(tail, Int(GPT.tailSectors * sector))
        let table = GPT(head: first) ?? GPT(tail: last)
        var volumes: [Slot: SlotVolume] = [:]
        for (slot, name) in Self.names {
            guard let partition = table?.partitions.first(where: { $0.name == name }) else {
                throw MachineError.impossible(
                    "the disk has no slots of Bulkhead's; `bulkhead install --disk` makes them")
            }
            let range = partition.sectors.lowerBound * sector..<(partition.sectors.upperBound + 1) * sector
            guard range.upperBound <= device.size else {
                throw MachineError.impossible("the disk is smaller than its partition table says")
            }
            volumes[slot] = SlotVolume(device: device, range: range)
        }
        self.volumes = volumes
    }

    /// The least size of a disk for such content, bytes: each slot has room for as much again.
    public static func size(for content: SlotContent) throws -> UInt64 {
        let slot = max((try content.size()) * 2, 64 << 20)
        return ((slot * 2 + (3 << 20)) >> 20) << 20
    }

    /// Makes a disk anew, with content in slot a. Everything on it is lost.
    /// - Parameter bootManager: systemd-boot's program.
    @discardableResult
    public static func create(
        on device: any SectorDevice, _ content: SlotContent, bootManager: URL
    ) throws -> SlotDisk {
        let mebibyte: UInt64 = 1 << 20, sector = UInt64(GPT.sectorSize)
        let least = (try content.size() + 4 * mebibyte) * 2 + 2 * mebibyte
        guard device.size >= least else {
            throw MachineError.impossible(
                "the disk has \(device.size >> 20) MiB; \((least >> 20) + 1) MiB are needed. Nothing was written")
        }
        // No larger than of use: the rest of a large disk stays free.
        let most = max((try size(for: content)) / 2, 512 * mebibyte)
        let slot = min((device.size - 2 * mebibyte) / 2, most) / mebibyte * mebibyte
        let table = GPT(
            disk: UUID(),
            partitions: Slot.allCases.enumerated().map { index, name in
                let first = (mebibyte + UInt64(index) * slot) / sector
                return GPT.Partition(
                    type: index == 0 ? GPT.systemPartition : GPT.extendedBootPartition, id: UUID(),
                    sectors: first...first + slot / sector - 1, name: names[name] ?? "")
            })
        let (head, tail) = table.encoded(sectors: device.size / sector)
        // No table until the volumes are whole: a disk on which this stopped boots nothing rather than half.
        try device.write(0, Data(count: head.count))
        try device.flush()
        for (index, name) in Slot.allCases.enumerated() {
            let start = mebibyte + UInt64(index) * slot
            let volume = SlotVolume(device: device, range: start..<start + slot)
            try device.write(start, Data(count: 512))
            try volume.change(.add) { image in
                // Clusters such that it is FAT16 up to 2 GiB, then FAT32.
                let sizes: [(UInt64, [String])] = [
                    (60, ["-c", "2"]), (480, ["-c", "16"]), (2000, ["-c", "64"]), (.max, ["-F", "-c", "64"]),
                ]
                let format = sizes.first { slot / mebibyte < $0.0 }?.1 ?? []
                let label = "BULKHEAD \(name.rawValue.uppercased())"
                try Tool.run("mformat", ["-i", image] + format + ["-v", label, "::"])
                try Tool.run("mmd", ["-i", image, "::/loader", "::/loader/entries", "::/EFI"])
                guard name == .a else { return }
                try Self.addBootManager(bootManager, to: image)
                try content.add(to: image)
                try Self.add(LoaderEntry(.a, version: 1, tries: nil), to: image)
            }
        }
        try device.write((device.size / sector - GPT.tailSectors) * sector, tail)
        try device.flush()
        try device.write(0, head)
        try device.flush()
        return try SlotDisk(device)
    }

    private static func addBootManager(_ program: URL, to image: String) throws {
        try Tool.run("mmd", ["-i", image, "::/EFI/BOOT"])
        try Tool.run("mcopy", ["-i", image, program.path, "::/EFI/BOOT/BOOTX64.EFI"])
        try put("timeout 0\neditor no\n", "loader/loader.conf", in: image)
    }

    private static func put(_ text: String, _ path: String, in image: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "bulkhead-text-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(text.utf8).write(to: file)
        try Tool.run("mcopy", ["-o", "-i", image, file.path, "::/\(path)"])
    }

    private static func add(_ entry: LoaderEntry, to image: String) throws {
        try put(entry.content, "\(LoaderEntry.folder)/\(entry.fileName)", in: image)
    }

    /// The entries of a volume, with the names of their files.
    private static func entries(_ image: String) -> [(name: String, entry: LoaderEntry)] {
        SlotVolume.extract(["loader"], from: image) { folder in
            let place = folder.appending(path: LoaderEntry.folder)
            let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
            return names.sorted().compactMap { name in
                guard let text = try? String(contentsOf: place.appending(path: name), encoding: .utf8) else {
                    return nil
                }
                return LoaderEntry(fileName: name, content: text).map { (name, $0) }
            }
        }
    }

    public func states() throws -> [State] {
        var states = try Slot.allCases.compactMap { slot -> State? in
            try volumes[slot]?.withCopy { image in
                let entry = LoaderEntry.chosen(Self.entries(image).map(\.entry).filter { $0.slot == slot })
                return State(slot: slot, entry: entry, isWhole: SlotContent.isWhole(image), isNext: false)
            }
        }
        let next = LoaderEntry.chosen(states.compactMap(\.entry))
        for index in states.indices where next != nil && states[index].entry == next { states[index].isNext = true }
        return states
    }

    /// Replaces the entries of a slot by one, or by none.
    private func set(_ slot: Slot, _ entry: LoaderEntry?) throws {
        guard let volume = volumes[slot] else { return }
        // The new one first: at no moment is there none.
        if let entry { try volume.change(.add) { try Self.add(entry, to: $0) } }
        try volume.change(.remove) { image in
            for old in Self.entries(image) where old.name.lowercased() != entry?.fileName {
                try Tool.run("mdel", ["-i", image, "::/\(LoaderEntry.folder)/\(old.name)"])
            }
        }
    }

    /// Puts content into the slot that is not started next, and makes it the next one, for `tries` starts at the most unless
    /// `confirm` comes in between.
    /// - Parameter tries: nil: not counted.
    /// - Returns: the slot.
    @discardableResult
    public func update(_ content: SlotContent, tries: Int?) throws -> Slot {
        let states = try states()
        let slot = states.first { $0.isNext }?.slot.other ?? .a
        guard let volume = volumes[slot] else { return slot }
        let size = try content.size()
        guard size + (4 << 20) < UInt64(volume.range.count) else {
            throw MachineError.impossible(
                "slot \(slot.rawValue) has \(volume.range.count >> 20) MiB; \((size >> 20) + 4) MiB are needed. Nothing was "
                    + "written")
        }
        let version = (states.compactMap(\.entry?.version).max() ?? 0) + 1
        try set(slot, nil)
        try volume.change(.remove) { try SlotContent.remove(from: $0) }
        try volume.change(.add) { try content.add(to: $0) }
        guard try volume.withCopy({ SlotContent.isWhole($0) }) == true else {
            throw MachineError.impossible(
                "slot \(slot.rawValue) does not read back as it was written; the other one stays")
        }
        try set(slot, LoaderEntry(slot, version: version, tries: tries))
        return slot
    }

    /// Ends the counting of the slot that is being tried, also on its last start: it is healthy. Where none is, nothing changes.
    /// - Parameter slot: another one than that; who runs by himself should say which he runs in.
    /// - Returns: the slot.
    public func confirm(_ slot: Slot? = nil) throws -> Slot {
        let states = try states()
        let tried = states.compactMap(\.entry).filter { entry in
            slot.map { $0 == entry.slot } ?? (entry.triesLeft != nil && entry.triesDone > 0)
        }
        if let slot, tried.isEmpty { throw MachineError.impossible("slot \(slot.rawValue) is empty") }
        guard let entry = tried.max(by: { $0.version < $1.version }) ?? states.first(where: \.isNext)?.entry else {
            throw MachineError.impossible("no slot is started")
        }
        if entry.triesLeft != nil { try set(entry.slot, LoaderEntry(entry.slot, version: entry.version, tries: nil)) }
        return entry.slot
    }

    /// Makes the older slot the one that is started, without counting.
    public func rollback() throws -> Slot {
        let states = try states()
        let entries = states.compactMap(\.entry)
        guard entries.count == 2, let older = entries.min(by: { $0.version < $1.version }),
            let newest = entries.map(\.version).max()
        else { throw MachineError.impossible("there is no other slot to go back to") }
        guard states.first(where: { $0.slot == older.slot })?.isWhole == true else {
            throw MachineError.impossible("slot \(older.slot.rawValue) is not whole; nothing was changed")
        }
        try set(older.slot, LoaderEntry(older.slot, version: newest + 1, tries: nil))
        return older.slot
    }

    /// Takes the partition tables away.
    public func erase(_ device: any SectorDevice) throws {
        let sector = UInt64(GPT.sectorSize)
        try device.write(0, Data(count: Int(GPT.headSectors * sector)))
        try device.write(
            (device.size / sector - GPT.tailSectors) * sector, Data(count: Int(GPT.tailSectors * sector)))
        try device.flush()
    }
}
