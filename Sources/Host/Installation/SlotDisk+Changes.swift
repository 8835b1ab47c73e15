import Foundation
import Machines

extension SlotDisk {
    /// Puts content into the slot that the machine does not fall back to, and makes it the next one, for `tries` starts at the
    /// most unless `confirm` comes in between.
    /// - Parameter tries: nil: not counted.
    /// - Returns: the slot.
    @discardableResult
    public func update(_ content: SlotContent, tries: Int?) throws -> Slot {
        let states = try states(), slot = states.target
        guard let volume = volumes[slot] else { return slot }
        let size = try content.size()
        guard size + (4 << 20) < UInt64(volume.range.count) else {
            throw MachineError.impossible(
                "slot \(slot.rawValue) has \(volume.range.count >> 20) MiB; \((size >> 20) + 4) MiB are needed. Nothing was "
                    + "written")
        }
        let version = try states.nextVersion()
        try set(slot, nil)
        try volume.change(.remove) { try SlotContent.remove(from: $0) }
        try volume.change(.add) { try content.add(to: $0) }
        guard try volume.withCopy({ try SlotContent.isWhole($0) }) == true else {
            throw MachineError.impossible(
                "slot \(slot.rawValue) does not read back as it was written; the other one stays")
        }
        try set(slot, LoaderEntry(slot, version: version, tries: tries))
        return slot
    }

    /// Ends the counting of the slot that is being tried: it is healthy. Where none is, nothing changes.
    /// - Parameter slot: the one that runs. Needed where the disk alone does not tell.
    /// - Returns: the slot.
    public func confirm(_ slot: Slot? = nil) throws -> Slot {
        let entry = try states().toConfirm(slot)
        if entry.triesLeft != nil { try set(entry.slot, LoaderEntry(entry.slot, version: entry.version, tries: nil)) }
        return entry.slot
    }

    /// Makes the older slot the one that is started, without counting.
    @discardableResult
    public func rollback() throws -> Slot {
        let states = try states()
        let slot = try states.toGoBackTo(), version = try states.nextVersion()
        try set(slot, LoaderEntry(slot, version: version, tries: nil))
        return slot
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
