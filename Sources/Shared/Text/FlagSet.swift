/// A set of named bits. The standard library's `OptionSet` promises array literals, which need a heap.
public protocol FlagSet: RawRepresentable, Equatable where RawValue: FixedWidthInteger {
    init(rawValue: RawValue)
}

extension FlagSet {
    public init() { self.init(rawValue: 0) }
    public var isEmpty: Bool { rawValue == 0 }
    public var count: Int { rawValue.nonzeroBitCount }
    public func contains(_ other: Self) -> Bool { rawValue & other.rawValue == other.rawValue }
    public func union(_ other: Self) -> Self { Self(rawValue: rawValue | other.rawValue) }
    public func intersection(_ other: Self) -> Self { Self(rawValue: rawValue & other.rawValue) }
    public static func | (a: Self, b: Self) -> Self { a.union(b) }
    public mutating func insert(_ other: Self) { self = union(other) }
}
