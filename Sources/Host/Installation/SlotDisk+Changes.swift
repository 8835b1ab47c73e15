import Foundation
import Machines

extension SlotDisk {
    /// Puts content into the slot that the machine does not fall back to, and makes it the next one, for `tries` starts at the
    /// most unless `confirm` comes in between.
    /// - Parameters:
    ///   - tries: nil: not counted.
    ///   - bootManager: systemd-boot's program, in case that the disk's is damaged.
    /// - Returns: the slot.
    @discardableResult
    public func update(_ content: SlotContent, tries: Int?, bootManager: URL? = nil) throws -> Slot {
        let states = try states(), slot = states.target
        guard let volume = volumes[slot] else { return slot }
        let size = try content.size()
        guard size + (4 << 20) < UInt64(volume.range.count) else {
            throw MachineError.impossible(
                "slot \(slot.rawValue) has \(volume.range.count >> 20) MiB; \((size >> 20) + 4) MiB are needed. Nothing was "
                    + "written")
        }
        let version = try states.nextVersion()
        if try hasBootManager() == false { try repair(bootManager) }
        try set(slot, nil)
        try volume.change(.remove) { try SlotContent.remove(from: $0) }
        try volume.change(.add) { try content.add(to: $0) }
        guard try volume.withCopy({ try SlotContent.isWhole($0) }) == true else {
            throw MachineError.impossible(
                "slot \(slot.rawValue) does not read back as it was written; the other one stays")
        }
        try set(slot, LoaderEntry(slot, version: version, tries: tries, isUnseen: tries == nil))
        return slot
    }

    /// Ends the counting of the slot that is being tried: it is healthy. Where none is, nothing changes. One that has not been
    /// started since it was written is started without counting, but is not confirmed by that: it takes another call.
    /// - Parameter slot: the one that runs. Needed where the disk alone does not tell.
    /// - Returns: its entry.
    @discardableResult
    public func confirm(_ slot: Slot? = nil) throws -> LoaderEntry {
        let entry = try states().toConfirm(slot)
        if entry.isConfirmed { return entry }
        let wasStarted = entry.triesLeft == nil || entry.triesLeft == 0 || entry.triesDone > 0
        let new = LoaderEntry(entry.slot, version: entry.version, tries: nil, isUnseen: !wasStarted)
        try set(entry.slot, new)
        return new
    }

    /// Makes the older slot the one that is started, without counting.
    @discardableResult
    public func rollback() throws -> Slot {
        let states = try states()
        let old = try states.toGoBackTo(), version = try states.nextVersion()
        try set(old.slot, LoaderEntry(old.slot, version: version, tries: nil, isUnseen: old.isUnseen))
        return old.slot
    }

    /// Takes the slots out of both partition tables; the tables themselves too where they hold nothing else.
    public func remove() throws {
        let sector = UInt64(GPT.sectorSize)
        let size = (head: Int(GPT.headSectors * sector), tail: Int(GPT.tailSectors * sector))
        let place = (device.size / sector - GPT.tailSectors) * sector
        // The second one first: at each moment one of them is whole. What is no table is left as it is.
        if let tail = GPT.without(\.isOurs, tail: try device.read(place, size.tail)) {
            try device.write(place, others.isEmpty ? Data(count: size.tail) : tail)
            try device.flush()
        }
        if others.isEmpty {
            try device.write(0, Data(count: size.head))
        } else if let head = GPT.without(\.isOurs, head: try device.read(0, size.head)) {
            try device.write(0, head)
        }
        try device.flush()
    }
}
