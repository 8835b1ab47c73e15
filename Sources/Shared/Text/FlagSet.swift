/// A set of named bits. The standard library's `OptionSet` promises array literals, which need a heap.
public protocol FlagSet: Equatable {
    associatedtype Bits: FixedWidthInteger
    var rawValue: Bits { get }
    init(rawValue: Bits)
}

extension FlagSet {
    public init() { self.init(rawValue: 0) }
    public var isEmpty: Bool { rawValue == 0 }
    public var count: Int { rawValue.nonzeroBitCount }
    public func contains(_ other: Self) -> Bool { rawValue & other.rawValue == other.rawValue }
    public func union(_ other: Self) -> Self { Self(rawValue: rawValue | other.rawValue) }
    public func intersection(_ other: Self) -> Self { Self(rawValue: rawValue & other.rawValue) }
    public mutating func insert(_ other: Self) { self = union(other) }
}
