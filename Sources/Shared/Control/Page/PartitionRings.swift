/// The rings that a partition shares with the housekeeping core, from `base` on: its console, its link to the management
/// server where it has one, and what its instances of the hypervisor say.
public enum PartitionRings {
    /// Frames of 4 KiB; the first of them, with what comes for the guest, the partition's device model has too.
    public static let frames = 7
    /// Where the last ring of the first frame ends.
    public static let sharedEnd: UInt64 = 0xC20
    @unsafe public static func consoleIn(_ base: UInt64) -> ByteRing { unsafe ByteRing(at: base, capacity: 1024) }
    /// The answers to what programs of the control partition ask.
    @unsafe public static func controlOut(_ base: UInt64) -> ByteRing {
        unsafe ByteRing(at: base &+ 0x410, capacity: 2048)
    }
    @unsafe public static func consoleOut(_ base: UInt64) -> ByteRing {
        unsafe ByteRing(at: base &+ 0x1000, capacity: 16384)
    }
    /// What they ask.
    @unsafe public static func controlIn(_ base: UInt64) -> ByteRing {
        unsafe ByteRing(at: base &+ 0x5010, capacity: 2048)
    }
    @unsafe public static func log(_ base: UInt64) -> ByteRing { unsafe ByteRing(at: base &+ 0x5820, capacity: 2048) }
}
