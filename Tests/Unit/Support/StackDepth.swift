import Foundation

private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

/// Bytes of stack that `body` takes: it runs on a thread whose stack is filled with a pattern before. A frame counts as far as
/// something below it was written.
public func stackDepth(_ body: @escaping @Sendable () -> Void) -> Int {
    let size = 4 << 20, pattern: UInt8 = 0xA5
    let stack = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 1 << 16)
    defer { stack.deallocate() }
    memset(stack, CInt(pattern), size)
    var attributes = pthread_attr_t(), thread = pthread_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    guard pthread_attr_setstack(&attributes, stack, size) == 0 else { return .max }
    let argument = Unmanaged.passRetained(Body(body)).toOpaque()
    let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
    }
    guard pthread_create(&thread, &attributes, start, argument) == 0 else { return .max }
    pthread_join(thread, nil)
    let bytes = UnsafeRawBufferPointer(start: stack, count: size)
    return size - (bytes.firstIndex { $0 != pattern } ?? size)
}
