import Foundation

/// A generic port of a virtio console, as a control partition has one for its management link: bytes as they are, for one program at a
/// time.
enum VirtioPortDevice {
    /// Whether a character device is one.
    /// - Parameter root: where the kernel lists character devices by their numbers.
    static func isPort(_ device: dev_t, root: String = "/sys/dev/char") -> Bool {
        // glibc's major and minor number, of which a program sees no macros here.
        let major = device >> 8 & 0xFFF | device >> 32 & ~0xFFF, minor = device & 0xFF | device >> 12 & ~0xFF
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/\(major):\(minor)/subsystem")
        return link?.split(separator: "/").last == "virtio-ports"
    }

    static func open(_ path: String) throws(LinkError) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreachable(path: path, reason: systemError()) }
        return descriptor
    }
}
