public struct PlatformDevices { public init(_ p: PlatformDescription) {}; public mutating func reset() {} }
public enum MSRPolicy { public static let passThroughCount = 0
 public struct R { public var first: UInt32 = 0; public var last: UInt32 = 0; public var read = true; public var write = true }
 public static func passThrough(_ i: Int) -> R { R() } }
