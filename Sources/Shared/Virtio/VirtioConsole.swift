import Platform

// The console (virtio 1.2, section 5.3): one port, on queues 0 and 1.
extension VirtioFunction {
    /// Whether the guest has sent something. A queue that cannot be what a driver means has nothing: `serve` refuses it.
    func hasOutput(_ memory: borrowing GuestMemory) -> Bool {
        isLive && kind == .console && ((try? queues[1].waiting(memory)) ?? 0) > 0
    }

    /// Moves what can be moved between the guest and the console. A guest whose programs have printed nothing there is typed nothing:
    /// a driver that is loaded is no reader yet, and the UART's may be at work.
    /// - Parameter limit: bytes, each way.
    public mutating func serve(
        console: inout some VirtioStream, limit: Int, _ memory: borrowing GuestMemory
    ) -> VirtioProgress {
        guard isLive, kind == .console else { return .idle }
        do throws(VirtioError) {
            if !hasPrinted, try queues[1].waiting(memory) > 0 { hasPrinted = true }
            var received = VirtioProgress.idle
            if hasPrinted {
                received = try queues[0].receive(from: &console, limit: limit, hasEvents: hasEvents, memory)
            }
            let sent = try queues[1].send(to: &console, limit: limit, hasEvents: hasEvents, memory)
            for i in 0..<2 where try queues[i].mustInterrupt(hasEvents: hasEvents, memory) {
                raise(queues[i].vector, 1)
            }
            if case .idle = received { return sent }
        } catch {
            fail()
            return .idle
        }
        return .more
    }
}
