/// The rings that a partition shares with the housekeeping core, from `base` on: its console, and its link to the management
/// server where it has one. The partition's device model has them mapped too.
public enum PartitionRings {
    /// Frames of 4 KiB.
    public static let frames = 6
    @unsafe public static func consoleOut(_ base: UInt64) -> ByteRing { unsafe ByteRing(at: base, capacity: 16384) }
    @unsafe public static func consoleIn(_ base: UInt64) -> ByteRing {
        unsafe ByteRing(at: base &+ 0x4010, capacity: 1024)
    }
    /// What programs of the control partition ask, and the answers.
    @unsafe public static func controlIn(_ base: UInt64) -> ByteRing {
        unsafe ByteRing(at: base &+ 0x4420, capacity: 2048)
    }
    @unsafe public static func controlOut(_ base: UInt64) -> ByteRing {
        unsafe ByteRing(at: base &+ 0x4C30, capacity: 2048)
    }
}
