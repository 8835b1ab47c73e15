/// Reads from memory that this core has mapped one-to-one: firmware tables, its own structures. Callers name addresses
/// that they were given by firmware or allocated themselves; nothing from a guest comes here.
@inline(__always)
func load<T: Stored>(_ address: UInt64, as: T.Type = T.self) -> T {
    unsafe UnsafeRawPointer(bitPattern: UInt(address)).unsafelyUnwrapped.loadUnaligned(as: T.self)
}

@inline(__always)
func store<T: BitwiseCopyable>(_ value: T, _ address: UInt64) {
    unsafe UnsafeMutableRawPointer(bitPattern: UInt(address)).unsafelyUnwrapped.storeBytes(of: value, as: T.self)
}

/// Bytes that this core owns, as a buffer.
@inline(__always)
func bytes(_ address: UInt64, _ count: UInt64) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(address)), count: Int(count))
}

/// What memory holds: never an optional, whose flag would be the byte behind the value.
protocol Stored: BitwiseCopyable {}
extension UInt8: Stored {}
extension UInt16: Stored {}
extension UInt32: Stored {}
extension UInt64: Stored {}
