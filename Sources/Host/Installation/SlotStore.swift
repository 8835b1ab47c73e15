import Foundation

/// Where two slots are: a disk of their own, or the EFI system partition of another system.
public protocol SlotStore {
    func states() throws -> [SlotDisk.State]
    /// Whether what starts the slots is there as it was written; nil where that is not known, or is the firmware alone.
    func hasBootManager() throws -> Bool?
    /// Whether a machine can be started from it, and none of the slots is damaged.
    func isHealthy(_ states: [SlotDisk.State]) -> Bool
    /// - Parameters:
    ///   - tries: how often the new slot is started until it is confirmed; nil: always. The firmware's own choice is once.
    ///   - bootManager: systemd-boot's program, in case that a disk's is damaged.
    func update(_ content: SlotContent, tries: Int?, bootManager: URL?) throws -> Slot
    func confirm(_ slot: Slot?) throws -> LoaderEntry
    func rollback() throws -> Slot
}

extension SlotDisk: SlotStore {
    public func isHealthy(_ states: [State]) -> Bool { states.isHealthy }
}

extension SystemSlots: SlotStore {
    public func hasBootManager() throws -> Bool? { nil }
    /// What is started next may be the other system.
    public func isHealthy(_ states: [SlotDisk.State]) -> Bool {
        states.kept != nil && states.allSatisfy { $0.isWhole != false }
    }
    public func update(_ content: SlotContent, tries: Int?, bootManager: URL?) throws -> Slot { try update(content) }
}
