import Foundation
import Machines

/// Two slots in the EFI system partition of another system: a folder each, and a boot entry each. The firmware starts a new one
/// once (`BootNext`), and then again what is confirmed, as its order of boot entries says. Documentation/decisions/slots.md.
public struct SystemSlots {
    public let system: SystemPartition
    /// Called before each change with what it is; a test stands in for the power that fails there.
    var willChange: (String) throws -> Void = { _ in }

    /// Bytes that are written at once.
    var pieceSize = 1 << 20

    public init(_ system: SystemPartition) { self.system = system }

    static let files = FileManager.default
    static func folder(_ slot: Slot) -> String { "BULKHEAD/\(slot.rawValue)" }
    static func program(_ slot: Slot) -> String { "EFI/BULKHEAD/\(slot.rawValue)/BULKHEAD.EFI" }
    private static func list(_ slot: Slot) -> String { folder(slot) + "/slot.txt" }
    static func version(_ slot: Slot) -> String { folder(slot) + "/version.txt" }
    /// A file that is there as soon as somebody has said that the slot runs.
    static func confirmed(_ slot: Slot) -> String { folder(slot) + "/confirmed" }

    func url(_ path: String) -> URL { system.folder.appending(path: path) }
    private func has(_ path: String) -> Bool { Self.files.fileExists(atPath: url(path).path) }

    /// Where a file of a slot lies.
    static func place(_ path: String, _ slot: Slot) -> String {
        path == LoaderEntry.program
            ? program(slot) : path.replacing("BULKHEAD/", with: folder(slot) + "/", maxReplacements: 1)
    }

    /// As of a disk. One that is still to be started for the first time has one try left, one that was started and not confirmed
    /// none.
    public func states() -> [SlotDisk.State] {
        let next = nextSlot
        return Slot.allCases.map { slot in
            let text = content(Self.version(slot), atMost: 32).map { String(decoding: $0, as: UTF8.self) }
            let version = text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
            let isConfirmed = has(Self.confirmed(slot))
            let entry = version.flatMap { 0...LoaderEntry.lastVersion ~= $0 ? $0 : nil }.map { version in
                var entry = LoaderEntry(slot, version: version, tries: isConfirmed ? nil : next == slot ? 1 : 0)
                entry.triesDone = isConfirmed || next == slot ? 0 : 1
                return entry
            }
            return SlotDisk.State(
                slot: slot, entry: entry, isWhole: isWhole(slot), isNext: next == slot,
                owner: OwnerSection.key(of: url(Self.program(slot))))
        }
    }

    private func isWhole(_ slot: Slot) -> Bool? {
        guard let list = content(Self.list(slot), atMost: 64 << 10) else {
            return has(Self.folder(slot)) || has(Self.program(slot)) ? false : nil
        }
        let lines = SlotLine.all(list)
        guard lines.count <= SlotLine.most else { return false }
        // The files of the other slot are not this one's, and without these two nothing starts.
        let names = Set(lines.compactMap { $0?.path })
        // Each file once: a list of others could have one large file read for each of its lines. FAT ignores case.
        guard Set(names.map { $0.lowercased() }).count == lines.count else { return false }
        guard names.contains(Self.program(slot)), names.contains(Self.folder(slot) + "/manifest.cbor") else {
            return false
        }
        return lines.allSatisfy { line in
            guard let line, line.path == Self.program(slot) || line.path.hasPrefix(Self.folder(slot) + "/") else {
                return false
            }
            return isThere(line)
        }
    }

    private func nextVersion(_ states: [SlotDisk.State]) throws -> Int {
        let esp = system.folder.path
        return try states.nextVersion(
            "`bulkhead uninstall --esp \(esp)` and then `bulkhead install --esp \(esp)` begin anew")
    }

    /// What the firmware starts at the next start, if that is a slot.
    private var nextSlot: Slot? {
        guard let variables = system.variables(), let number = variables.next ?? variables.order.first else {
            return nil
        }
        return Slot.allCases.first { system.numbers($0).contains(number) }
    }

    /// - Throws: `MachineError.impossible` where slots or an installation of older days are there, or there is no room.
    /// - Returns: notes for people.
    public func install(_ content: SlotContent, isDefault: Bool) throws -> [String] {
        guard states().allSatisfy({ $0.isWhole == nil }) else {
            throw MachineError.impossible(
                "\(system.folder.path) has slots already; `bulkhead update --esp` writes the one that is not in use")
        }
        guard !has(LoaderEntry.program), !has("BULKHEAD/manifest.cbor") else {
            throw MachineError.impossible(
                "\(system.folder.path) has an installation of older days, with one slot; `bulkhead uninstall --esp` first"
            )
        }
        try SafeFile.requireRoom(try content.size(), in: system.folder)
        try write(content, .a, version: 1)
        try mark(.a)
        return try system.addBootEntry(.a, isDefault: isDefault)
    }

    /// Puts content into the slot that the machine does not fall back to, and has the firmware start it once. Where there is no
    /// room, nothing has changed.
    @discardableResult
    public func update(_ content: SlotContent) throws -> Slot {
        try system.requireVariables()
        let states = states(), slot = states.target, version = try nextVersion(states.filter { $0.slot != slot })
        try states.requireOwner(of: content)
        let need = try content.size(), old = size(of: slot)
        try SafeFile.requireRoom(need > old ? need - old : 0, in: system.folder)
        try willChange("boot order")
        try system.leave(slot, for: states.kept)
        try remove(slot)
        do {
            try write(content, slot, version: version)
        } catch {
            // What is not whole is of no use to anybody.
            try? remove(slot)
            throw error
        }
        try willChange("boot entry")
        let number = try system.entry(slot)
        try willChange("next start")
        try system.startOnce(number)
        return slot
    }

    /// The slot is healthy: it takes the place of the other one in the firmware's order.
    @discardableResult
    public func confirm(_ slot: Slot?) throws -> LoaderEntry {
        var entry = try states().toConfirm(slot)
        if entry.isConfirmed { return entry }
        guard entry.triesLeft == 0 else {
            throw MachineError.impossible("slot \(entry.slot.rawValue) has not been started yet; nothing was changed")
        }
        try system.requireVariables()
        try willChange("boot order")
        try system.leave(entry.slot.other, for: entry.slot)
        try mark(entry.slot)
        entry.triesLeft = nil
        return entry
    }

    /// Back to the other slot: by the firmware's order where that has the one or the other, else once.
    @discardableResult
    public func rollback() throws -> Slot {
        try system.requireVariables()
        let states = states(), slot = try states.toGoBackTo().slot, version = try nextVersion(states)
        try willChange("boot order")
        try system.leave(slot.other, for: slot)
        try willChange("version")
        try SafeFile.write(Data("\(version)\n".utf8), to: url(Self.version(slot)).path)
        if nextSlot != slot {
            try willChange("next start")
            try system.startOnce(try system.entry(slot))
        }
        return slot
    }

    private func mark(_ slot: Slot) throws {
        try willChange("mark")
        try SafeFile.write(Data(), to: url(Self.confirmed(slot)).path)
    }
}
