// The console (virtio 1.2, section 5.3): port 0 on queues 0 and 1; and, with MULTIPORT, control messages on 2 and 3 and a port
// for messages on 4 and 5.
extension VirtioFunction {
    /// Bytes that one exit moves each way.
    public static let limit = 32 << 10

    /// Moves what can be moved between the guest and the console.
    public mutating func serve(
        console: borrowing some VirtioStream, limit: Int = limit, _ memory: borrowing GuestMemory
    ) -> VirtioProgress {
        guard isLive, kind == .console else { return .idle }
        do throws(VirtioError) {
            let received = try queues[0].receive(from: console, limit: limit, hasEvents: hasEvents, memory)
            let sent = try queues[1].send(to: console, limit: limit, hasEvents: hasEvents, memory)
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
