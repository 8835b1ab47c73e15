/// How memory is cached: the encoding that MTRRs, PAT and EPT share (Intel SDM volume 3A, table 12-8; 11-8 in editions
/// before 2023).
public enum MemoryType: UInt8, Sendable {
    case uncacheable = 0, writeCombining = 1, writeThrough = 4, writeProtected = 5, writeBack = 6
}
