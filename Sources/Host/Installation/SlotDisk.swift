import Foundation
import Machines

/// A disk that firmware boots, with two slots: partition 1 is the EFI system partition, with the boot manager and slot a;
/// partition 2 has slot b. Documentation/decisions/slots.md says why.
public struct SlotDisk {
    let device: any SectorDevice
    let volumes: [Slot: SlotVolume]
    /// Partitions that are none of the slots.
    let others: [GPT.Partition]
    public var hasOthers: Bool { !others.isEmpty }
    public static let names: [Slot: String] = [.a: "Bulkhead a", .b: "Bulkhead b"]

    /// What is in a slot.
    public struct State: Equatable, Sendable {
        public var slot: Slot
        /// nil: the boot manager does not know it.
        public var entry: LoaderEntry?
        /// Whether each file is there as it was written; nil: the slot is empty.
        public var isWhole: Bool?
        public var isNext: Bool
        /// The owner's public key that its hypervisor carries; nil without one.
        public var owner: [UInt8]?
    }

    /// Bytes of the largest slot.
    static let largestSlot: UInt64 = 32 << 30

    /// - Throws: `MachineError.impossible` for a disk that `create` has not made.
    public init(_ device: any SectorDevice) throws {
        self.device = device
        let sector = UInt64(GPT.sectorSize), sectors = device.size / sector
        let none = MachineError.impossible("the disk has no slots of Bulkhead's; `bulkhead install --disk` makes them")
        guard sectors > GPT.headSectors + GPT.tailSectors else { throw none }
        let first = try device.read(0, Int(GPT.headSectors * sector))
        let last = try device.read((sectors - GPT.tailSectors) * sector, Int(GPT.tailSectors * sector))
        guard let table = GPT(head: first, tail: last) else { throw none }
        var volumes: [Slot: SlotVolume] = [:]
        for (slot, name) in Self.names {
            let found = table.partitions.filter { $0.name == name }
            guard let partition = found.first else { throw none }
            guard found.count == 1, let range = partition.bytes(of: device.size), range.count <= Self.largestSlot,
                !table.partitions.contains(where: { $0 != partition && $0.sectors.overlaps(partition.sectors) })
            else {
                throw MachineError.impossible(
                    "the partition table is damaged: slot \(slot.rawValue) is there twice, meets another partition, or lies "
                        + "beyond the disk's end. Nothing was changed")
            }
            volumes[slot] = SlotVolume(device: device, range: range)
        }
        self.volumes = volumes
        others = table.partitions.filter { !$0.isOurs }
    }

    static func put(_ text: String, _ path: String, in image: String) throws {
        try PrivateFolder.with { folder in
            let file = folder.appending(path: "text")
            try Data(text.utf8).write(to: file)
            try Tool.run("mcopy", ["-o", "-i", image, file.path, "::/\(path)"])
        }
    }

    static func add(_ entry: LoaderEntry, to image: String) throws {
        try put(entry.content, "\(LoaderEntry.folder)/\(entry.fileName)", in: image)
    }

    /// The entries of a volume, with the names of their files.
    static func entries(_ image: String) throws -> [(name: String, entry: LoaderEntry)] {
        // No more than a few belong to a slot, whatever a disk has.
        let names = SlotVolume.names(in: LoaderEntry.folder, of: image).filter { LoaderEntry.isName($0) }.sorted()
        let paths = names.prefix(16).map { (name: $0, path: "\(LoaderEntry.folder)/\($0)") }
        if paths.isEmpty { return [] }
        let files = try SlotVolume.read(paths.map { ($0.path, 4096) }, from: image)
        return paths.compactMap { name, path in
            let text = files[path].map { String(decoding: $0, as: UTF8.self) }
            return text.flatMap { LoaderEntry(fileName: name, content: $0) }.map { (name, $0) }
        }
    }

    public func states() throws -> [State] {
        var states = try Slot.allCases.compactMap { slot -> State? in
            try volumes[slot]?.withCopy { image in
                let entry = LoaderEntry.chosen(try Self.entries(image).map(\.entry).filter { $0.slot == slot })
                return State(
                    slot: slot, entry: entry, isWhole: try SlotContent.isWhole(image), isNext: false,
                    owner: try SlotContent.owner(in: image))
            }
        }
        let next = LoaderEntry.chosen(states.compactMap(\.entry))
        for index in states.indices where next != nil && states[index].entry == next { states[index].isNext = true }
        return states
    }

    /// Replaces the entries of a slot by one, or by none.
    func set(_ slot: Slot, _ entry: LoaderEntry?) throws {
        guard let volume = volumes[slot] else { return }
        // The new one first: at no moment is there none.
        if let entry { try volume.change(.add) { try Self.add(entry, to: $0) } }
        try volume.change(.remove) { image in
            for old in try Self.entries(image) where old.name.lowercased() != entry?.fileName {
                try Tool.run("mdel", ["-i", image, "::/\(LoaderEntry.folder)/\(old.name)"])
            }
        }
    }
}
