import Foundation
import Machines

/// What the hypervisor has written to a boot volume about starts that it refused.
public struct BootLogs {
    public struct Log {
        /// nil for a volume that has no slots, or is a slot's own.
        public var slot: Slot?
        /// From the volume's root.
        public var path: String
        public var content: Data
    }
    public private(set) var found: [Log] = []
    /// Why one could not be read: a file of that name that is longer than the hypervisor makes it, or is none.
    public private(set) var problems: [String] = []

    private static let name = "boot.log", folder = "BULKHEAD"
    /// Bytes: the hypervisor begins a file of 64 KiB anew, and adds a page to one that is shorter.
    static let limit = 68 << 10

    /// Of a boot volume, a folder or an image of a file system. Beside another system each slot has a folder of its own.
    /// - Throws: `MachineError` where it cannot be read.
    public init(volume: String) throws {
        let reader = try VolumeReader(URL(filePath: volume)), slots = Slot.allCases.map { ($0, SystemSlots.folder($0)) }
        for (slot, folder) in [(nil, Self.folder)] + slots {
            let path = "\(folder)/\(Self.name)"
            read(path, slot) { try reader.read(path, atMost: Self.limit) }
        }
    }

    /// Of a disk with two slots.
    public init(_ disk: SlotDisk) {
        let path = "\(Self.folder)/\(Self.name)"
        for slot in Slot.allCases {
            read(path, slot) {
                try disk.volumes[slot]?.withCopy { image throws -> Data? in
                    if let content = try SlotVolume.read([(path, Self.limit)], from: image)[path] { return content }
                    let names = SlotVolume.names(in: Self.folder, of: image).map { $0.lowercased() }
                    if names.contains(Self.name) {
                        throw MachineError.tooLong("\(path) of slot \(slot.rawValue)", Self.limit)
                    }
                    return nil
                }
            }
        }
    }

    /// One that somebody has spoilt does not hide the others.
    private mutating func read(_ path: String, _ slot: Slot?, _ content: () throws -> Data?) {
        do {
            if let content = try content() { found.append(Log(slot: slot, path: path, content: content)) }
        } catch {
            let problem = "\(error)"
            if !problems.contains(problem) { problems.append(problem) }
        }
    }
}
