/// Where the parts of a sealed wire's frames are. Numbers have their most significant byte first.
public enum SealLayout {
    // The Ethernet header: both addresses, as the guest has written them, and IEEE's type for local experiments.
    static let type = 12
    static let etherType: UInt16 = 0x88B5
    /// Which of the two kinds.
    static let kind = 14
    static let hello: UInt8 = 1
    static let data: UInt8 = 2
    /// Three bytes by which ends with the same key know each other's frames.
    static let pair = 15
    /// The number of the session, four bytes.
    static let session = 18

    // A frame of the guest's: its number in the session, eight bytes; then its type and content, encrypted, and the tag, which is of all
    // that is before.
    static let counter = 22
    static let content = 30
    static let tagSize = 16
    /// Bytes by which a frame grows.
    public static let overhead = content - type + tagSize
    /// Where a frame lies before it is sealed, so that its content need not be moved.
    public static let plain = content - type

    // A greeting: the sender's nonce, that of whom it answers, and the code of all that is before.
    static let own = 22
    static let answered = 38
    static let code = 54
    static let codeSize = 32
    static let helloSize = code + codeSize

    /// Bytes of Ethernet's shortest frame without its check sequence: cards fill up what is shorter, behind the tag.
    static let shortest = 60
    /// Bytes of a buffer in which a frame is sealed or opened.
    public static let bufferSize = MemoryLayout<SealBuffer>.size
}

/// Room for the largest frame of a wire, and for where it lies before it is sealed.
public typealias SealBuffer = [1536 of UInt8]
