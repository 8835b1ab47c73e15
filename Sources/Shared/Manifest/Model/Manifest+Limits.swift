import Text
import Trust

/// The bounds that every manifest keeps.
extension Manifest {
    /// The version of the encoded form that this code writes and reads.
    public static let formatVersion: UInt64 = 1
    /// Bytes that the encoded form takes at most; more are not read.
    public static let maxEncodedSize = 36864
    /// The most bytes that the file of a manifest has, signed.
    public static var maxFileSize: Int { maxEncodedSize + COSESign1.overhead + COSESign1.maxSignature }
    /// The file's name in `\BULKHEAD` on the boot volume; no image may have it.
    public static let fileName: Text<31> = "manifest.cbor"
    /// Memory is handed out in pieces of this many bytes, aligned to as many (a large page).
    public static let memoryGranule: UInt64 = 2 << 20
    /// The least memory of a partition, bytes.
    public static let minPartitionMemory: UInt64 = 16 << 20
    /// One beyond the last byte that a processor of this architecture can address: 52 bits (AMD APM volume 2,
    /// section 5.1; Intel SDM volume 3, section 4.1.4).
    public static let addressLimit: UInt64 = 1 << 52
    /// The most cores of one partition: what the hypervisor has room for beside each partition's notice board.
    public static let maxPartitionCores = 16
    /// The most seconds that a guest has for its watchdog's first kick.
    public static let maxWatchdog: UInt64 = 3600
    /// The highest security version.
    public static let maxSecurityVersion: UInt64 = 0xFFFF_FFFF
    /// The most virtual functions that one physical function enables.
    public static let maxVirtualFunctions = 64
}
