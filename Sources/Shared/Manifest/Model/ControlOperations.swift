import Text

/// The operations that a manager may ask of a partition.
public struct ControlOperations: FlagSet, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    public static let start = ControlOperations(rawValue: 1 << 0)
    public static let stop = ControlOperations(rawValue: 1 << 1)
    public static let pause = ControlOperations(rawValue: 1 << 2)
    public static let resume = ControlOperations(rawValue: 1 << 3)
    public static let restart = ControlOperations(rawValue: 1 << 4)
    public static let consoleRead = ControlOperations(rawValue: 1 << 5)
    public static let consoleWrite = ControlOperations(rawValue: 1 << 6)
    public static let statistics = ControlOperations(rawValue: 1 << 7)
    public static let selfCheck = ControlOperations(rawValue: 1 << 8)
    public static let all = ControlOperations(rawValue: 0x1FF)
}
