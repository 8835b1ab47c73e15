/// What an end of a wire has done, since the machine was started. Beyond 64 bits nobody counts.
public struct WireCounters: BitwiseCopyable, Sendable {
    /// Sent: frames, and their bytes.
    public var frames: UInt64 = 0
    public var bytes: UInt64 = 0
    /// Frames that were not sent: nobody there, no room, over the rate, or no frame at all. And those that came and found no room in
    /// a buffer.
    public var dropped: UInt64 = 0
    /// How often the other end was interrupted.
    public var kicks: UInt64 = 0
    /// 1 while both ends have a driver.
    public var link: UInt64 = 0
    public init() {}
}
