/// The encoded form: one map, keyed by small integers. A manifest has exactly one encoding, so that a signature over it
/// means one thing: every key is always there, but for those of a partition that say "none" by their absence. Keys never
/// change their meaning.
public enum ManifestKey {
    public static let version: UInt64 = 0
    public static let name: UInt64 = 1
    public static let machineCores: UInt64 = 2
    public static let machineMemory: UInt64 = 3
    public static let housekeeping: UInt64 = 4
    public static let link: UInt64 = 5
    public static let partitions: UInt64 = 6
    /// Absent when nothing is asked for.
    public static let housekeepingResources: UInt64 = 28
    /// Absent when nothing is required.
    public static let requires: UInt64 = 33
    /// Absent when there are none.
    public static let channels: UInt64 = 34
    /// Absent when there is none.
    public static let securityVersion: UInt64 = 35
}

/// The keys of one partition's map.
public enum PartitionKey {
    public static let name: UInt64 = 0
    public static let cores: UInt64 = 1
    public static let memorySize: UInt64 = 2
    public static let memoryBase: UInt64 = 3
    public static let image: UInt64 = 4
    public static let initrd: UInt64 = 5
    public static let commandLine: UInt64 = 6
    public static let console: UInt64 = 7
    public static let autostart: UInt64 = 8
    public static let onPoweroff: UInt64 = 9
    public static let onReboot: UInt64 = 10
    public static let onCrash: UInt64 = 11
    public static let permits: UInt64 = 12
    /// Absent when there are none.
    public static let devices: UInt64 = 13
    /// Absent when there are none.
    public static let accepts: UInt64 = 14
    /// Absent when there is none.
    public static let watchdog: UInt64 = 15
    /// Absent when there is none.
    public static let restartLimit: UInt64 = 16
    /// Absent when there are none.
    public static let virtio: UInt64 = 20
    /// Absent where the images are not known.
    public static let digests: UInt64 = 24
    /// Absent when nothing is asked for: an array of L3, L2, bandwidth and memory key (`ResourceDemand`).
    public static let resources: UInt64 = 28
    /// Absent where nothing is guarded.
    public static let watch: UInt64 = 32
    /// 1; absent where the partition has not the TPM.
    public static let tpm: UInt64 = 36
    /// Absent where there is none: its SHA-384.
    public static let secret: UInt64 = 37
}
