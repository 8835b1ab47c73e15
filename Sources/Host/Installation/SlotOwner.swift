import Foundation
import Machines

/// Whose key the systems of a disk carry (`OwnerSection`). One without a key starts any manifest: nobody gets it in the place of one
/// that has a key by leaving a word out of a command.
extension SlotContent {
    /// The public key that its hypervisor carries; nil without one.
    public var owner: [UInt8]? {
        files.first { $0.path == LoaderEntry.program }.flatMap { OwnerSection.key(of: $0.source) }
    }

    /// That of the slot of a volume; nil without one, and where there is no hypervisor.
    static func owner(in image: String) throws -> [UInt8]? {
        let path = LoaderEntry.program
        return try SlotVolume.read([(path, OwnerSection.most)], from: image)[path].flatMap { OwnerSection.key(in: $0) }
    }
}

extension [SlotDisk.State] {
    /// - Throws: `MachineError.impossible` where a slot carries an owner's key and the content none, unless that is meant.
    public func requireOwner(of content: SlotContent) throws {
        guard let owned = first(where: { $0.owner != nil }), !content.mayBeUnsigned, content.owner == nil else {
            return
        }
        throw MachineError.impossible(
            "slot \(owned.slot.rawValue) starts nothing but what its owner has signed; the new system is not signed, and would start "
                + "any manifest. Sign it with --keys, or say --unsigned. Nothing was changed")
    }

    /// Whether the owner changes: for people.
    public func changesOwner(to content: SlotContent) -> Bool {
        guard let new = content.owner else { return false }
        return contains { $0.owner != nil && $0.owner != new }
    }
}

extension SlotDisk {
    /// As of the slots' states; a disk without slots has no owner.
    public static func requireOwner(on device: any SectorDevice, of content: SlotContent) throws {
        guard let slots = try? SlotDisk(device) else { return }
        try slots.states().requireOwner(of: content)
    }
}
