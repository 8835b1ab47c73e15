import Foundation

/// A TCP port of the loopback interface, to which a program that was told its number connects once.
///
/// The system chooses the number, and the port is held from then on: nothing else can take it in between.
final class LoopbackPort: Sendable {
    let number: UInt16
    let listener: Descriptor
    private let wakeup: Wakeup

    init() throws(MachineError) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .program("socket", status: errno, output: "") }
        listener = Descriptor(descriptor)
        listener.makeNonblocking()
        wakeup = try Wakeup()
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // The socket calls want a `sockaddr`; a `sockaddr_in` of the right family and size is one.
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                var result = unsafe bind(descriptor, pointer, size)
                if result == 0 { result = listen(descriptor, 1) }
                return result == 0 ? unsafe getsockname(descriptor, pointer, &size) : result
            }
        }
        guard result == 0 else { throw .program("bind", status: errno, output: "no free TCP port on 127.0.0.1") }
        number = UInt16(bigEndian: address.sin_port)
    }

    /// Passes all that the program sends to `output`, on a thread of its own, and an empty array in the end.
    func forward(to output: @escaping @Sendable ([UInt8]) -> Void) {
        let thread = Thread { [listener, wakeup] in
            var peer: Descriptor?
            while peer == nil {
                var entries = [pollfd]([(listener, POLLIN), (wakeup.reader, POLLIN)])
                guard entries.wait() else { break }
                peer = listener.accept()
                if peer == nil, entries[1].revents != 0 { break }
            }
            while let peer {
                var entries = [pollfd]([(peer, POLLIN)])
                guard entries.wait() else { break }
                guard let bytes = peer.receive() else { continue }
                if bytes.isEmpty { break }
                output(bytes)
            }
            output([])
        }
        thread.name = "COM1"
        thread.start()
    }

    /// The program has ended: if it never connected, it will not any more.
    func programEnded() { wakeup.signal() }
}
