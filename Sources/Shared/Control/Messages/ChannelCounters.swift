import Manifest

/// What one end of a channel has done since the machine was started: `statistics` has {6: array of these} of the partition's.
public struct ChannelCounters: ControlMessage, Sendable {
    /// The channel's.
    public var name = Label()
    /// `link` of a channel that is shared memory, of which nothing is counted.
    public static let memory: UInt64 = 2
    /// 1 while both ends have a driver, or `memory`.
    public var link: UInt64 = 0
    /// Frames that this end has sent, and their bytes.
    public var frames: UInt64 = 0
    public var bytes: UInt64 = 0
    /// Frames that it was to send, or that found no room in a buffer of its guest's, and that were dropped.
    public var dropped: UInt64 = 0
    /// How often it has interrupted the other end's guest.
    public var kicks: UInt64 = 0

    public init() {}

    public static var fieldCount: Int { 6 }

    public mutating func fields<C: FieldCoder & ~Copyable & ~Escapable>(_ coder: inout C) {
        coder.field(1, &name)
        coder.field(2, &link)
        coder.field(3, &frames)
        coder.field(4, &bytes)
        coder.field(5, &dropped)
        coder.field(6, &kicks)
    }
}
