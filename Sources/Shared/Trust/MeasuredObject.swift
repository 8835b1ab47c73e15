/// What boot measures. The raw value is the id of its event in the log; a number never changes its meaning.
public enum MeasuredObject: UInt32, Sendable {
    /// The word that this program has refused to go on: whoever starts next has not the values of one that went on.
    case refused = 0x424C_4B00
    case ownerKey = 0x424C_4B01
    /// The words that there is none.
    case noOwnerKey = 0x424C_4B02
    /// The program's version, as text.
    case version = 0x424C_4B03
    /// The file as it lies on the volume, with its signature.
    case manifest = 0x424C_4B04
    /// Files as they were read, partition by partition.
    case kernel = 0x424C_4B05
    case initrd = 0x424C_4B06
    /// Where a watched kernel patches itself.
    case sites = 0x424C_4B07
    /// The word that what was sealed to who decides has been opened, and is not opened again.
    case closed = 0x424C_4B08

    /// 11 for who decides, 12 for what was decided.
    public var pcr: UInt32 {
        switch self {
        case .refused, .ownerKey, .noOwnerKey, .closed: 11
        case .version, .manifest, .kernel, .initrd, .sites: 12
        }
    }
}
