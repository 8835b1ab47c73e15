import Foundation

/// One request to a TCP port of the loopback interface.
enum LoopbackRequest {
    /// Sends it and reads until the other end closes, or the time is over.
    static func send(_ request: String, to port: UInt16, seconds: Int) throws(MachineError) -> [UInt8] {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw .program("socket", status: errno, output: "") }
        let descriptor = Descriptor(number)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        _ = unsafe setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        // The call wants a `sockaddr`; a `sockaddr_in` of the right family and size is one.
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(number, $0, size) }
        }
        guard result == 0 else { throw .program("connect", status: errno, output: "port \(port) of 127.0.0.1") }
        guard descriptor.send(Array(request.utf8)[...]) == request.utf8.count else {
            throw .program("send", status: errno, output: "port \(port) of 127.0.0.1")
        }
        var answer: [UInt8] = []
        // Nothing within the time is the end too.
        while let bytes = descriptor.receive(), !bytes.isEmpty { answer += bytes }
        return answer
    }
}
