import Foundation

/// A serial line as the hypervisor expects it: 115200 bit/s, 8 data bits, no parity, 1 stop bit, no flow control, raw.
enum SerialLine {
    static func open(_ path: String) throws(LinkError) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreachable(path: path, reason: systemError()) }
        guard isatty(descriptor) == 1 else {
            close(descriptor)
            throw .notALink(path: path)
        }
        var settings = termios()
        var result = unsafe tcgetattr(descriptor, &settings)
        unsafe cfmakeraw(&settings)
        settings.c_cflag &= ~tcflag_t(CSTOPB | PARENB) & ~tcflag_t(CRTSCTS)
        settings.c_cflag |= tcflag_t(CLOCAL | CREAD)
        unsafe cfsetspeed(&settings, speed_t(B115200))
        if result == 0 { result = unsafe tcsetattr(descriptor, TCSANOW, &settings) }
        guard result == 0 else {
            let reason = systemError()
            close(descriptor)
            throw .unreachable(path: path, reason: reason)
        }
        tcflush(descriptor, TCIOFLUSH)
        return descriptor
    }
}
