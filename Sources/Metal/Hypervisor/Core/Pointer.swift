/// A structure at a fixed address that outlives every core's stack: it is laid out at boot and never freed. Several
/// cores may hold it, so that what changes in it is atomic or has one writer; each such field says which.
@safe
struct Pointer<Value: ~Copyable> {
    let address: UInt64

    /// `address` holds an initialized `Value`, or is about to by `initialize`.
    init(at address: UInt64) { self.address = address }

    func initialize(to value: consuming Value) { unsafe pointer.initialize(to: value) }

    private var pointer: UnsafeMutablePointer<Value> {
        unsafe UnsafeMutablePointer(bitPattern: UInt(address)).unsafelyUnwrapped
    }

    var value: Value {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }
}
