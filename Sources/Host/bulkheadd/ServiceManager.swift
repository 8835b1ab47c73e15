import Foundation

/// systemd, or whatever has started the daemon and wants to know how it is (sd_notify(3)).
struct ServiceManager {
    /// A datagram socket's path, or a name in Linux's abstract namespace, which begins with a zero (unix(7)). Empty: nobody
    /// wants to know.
    private let name: [UInt8]

    /// By the environment.
    init() {
        var bytes = Array((ProcessInfo.processInfo.environment["NOTIFY_SOCKET"] ?? "").utf8)
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        let isName = bytes.first == 0 || bytes.first == UInt8(ascii: "/")
        name = isName && bytes.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) ? bytes : []
    }

    /// Lines of `NAME=value`. Whether they arrive is not the daemon's to know.
    func tell(_ lines: String...) {
        guard !name.isEmpty else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // What wants to know may be behind; it is not waited for without end.
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        // An abstract name ends where the address does, a path with a zero.
        let end = name[0] == 0 ? 0 : 1
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count + end)
        let message = Array(lines.joined(separator: "\n").utf8)
        // The call wants a `sockaddr`; a `sockaddr_un` of the right family and size is one.
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), $0, size)
            }
        }
    }

    /// With the monotonic clock's microseconds, as `Type=notify-reload` wants them.
    func tellReloading() {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        tell("RELOADING=1", "MONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
    }
}
