import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// The network between two emulated machines' cards, with somebody in it who sees each frame and sends what he likes: the machines connect to
/// it, and each frame of QEMU's `socket` network has its length, four bytes, in front.
final class FramePath: @unchecked Sendable {
    let ports: [Int]
    private let listeners: [Int32]
    /// Of what is sent to each side: frames do not get into each other.
    private let senders = [NSLock(), NSLock()]
    private let lock = NSLock()
    // Guarded by the lock.
    private var connections: [Int32?] = [nil, nil]
    private var captured: [(from: Int, frame: [UInt8])] = []
    private var isOpen = true

    init() throws {
        var listeners: [Int32] = [], ports: [Int] = []
        for _ in 0..<2 {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, $0, &size) == 0
                }
            }
            guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
            listeners.append(listener)
            ports.append(Int(UInt16(bigEndian: address.sin_port)))
        }
        (self.listeners, self.ports) = (listeners, ports)
        for side in 0..<2 { Thread.detachNewThread { self.carry(from: side) } }
    }

    /// Nobody is connected any more.
    func close() {
        lock.withLock { isOpen = false }
        for side in listeners + lock.withLock({ connections.compactMap { $0 } }) { shutdown(side, Int32(SHUT_RDWR)) }
    }

    /// All that has come, in order, and from which side.
    var frames: [(from: Int, frame: [UInt8])] { lock.withLock { captured } }

    /// Sends a frame to a side's machine, whoever made it.
    func inject(_ frame: [UInt8], to side: Int) {
        guard let connection = lock.withLock({ connections[side] }) else { return }
        let size = UInt32(frame.count)
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: size >> UInt32(24 - $0 * 8)) } + frame
        senders[side].withLock {
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    /// Passes on what one side sends, machine after machine.
    private func carry(from side: Int) {
        while lock.withLock({ isOpen }) {
            let connection = accept(listeners[side], nil, nil)
            guard connection >= 0 else { return }
            // No emulator has it.
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            lock.withLock { connections[side] = connection }
            while let header = read(connection, 4) {
                let size = header.reduce(0) { $0 << 8 | Int($1) }
                guard size <= 1 << 16, let frame = read(connection, size) else { break }
                lock.withLock { captured.append((side, frame)) }
                inject(frame, to: 1 - side)
            }
            lock.withLock { connections[side] = nil }
            Glibc.close(connection)
        }
    }

    private func read(_ connection: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count), done = 0
        while done < count {
            let found = bytes[done...].withUnsafeMutableBytes { recv(connection, $0.baseAddress, $0.count, 0) }
            guard found > 0 else { return nil }
            done += found
        }
        return bytes
    }
}
