import Platform
import WireSeal

// The sealed end of a wire. A frame is made and read in memory of this end's own: the other one reads the wire's, and writes there.
extension VirtioChain {
    /// Sends the frame in these buffers, sealed.
    @inline(never)
    func seal(to wire: inout Wire, _ seal: inout WireSeal, _ memory: borrowing GuestMemory) throws(VirtioError) {
        var buffer = SealBuffer(repeating: 0)
        var length = 0
        try unsafe withUnsafeMutableBytes(of: &buffer) { frame throws(VirtioError) in
            try unsafe forEachPart(memory) { part in
                // Too long to be sent; nothing of it is.
                guard part.count <= frame.count - SealLayout.plain - length else { return length = frame.count }
                let place = unsafe UnsafeMutableRawBufferPointer(rebasing: frame[(SealLayout.plain + length)...])
                unsafe place.copyMemory(from: part)
                length += part.count
            }
            guard let count = unsafe seal.seal(frame, count: length) else { return }
            unsafe wire.append(UnsafeRawBufferPointer(rebasing: frame[..<count]))
        }
    }

    /// Puts into these buffers what a sealed frame holds.
    @inline(never)
    func open(
        _ sealed: UnsafeRawBufferPointer, _ seal: inout WireSeal, _ memory: borrowing GuestMemory
    ) -> ReceivedFrame {
        var buffer = SealBuffer(repeating: 0)
        return unsafe withUnsafeMutableBytes(of: &buffer) { frame in
            unsafe frame.copyMemory(from: sealed)
            switch unsafe seal.open(frame, count: sealed.count) {
            case .refused: return .dropped
            case .taken: return .taken
            case .frame(let range): return unsafe fill(UnsafeRawBufferPointer(rebasing: frame[range]), memory)
            }
        }
    }
}

extension Wire {
    /// Sends what the other end is to be told of a session, if anything.
    @inline(never)
    mutating func greet(_ seal: inout WireSeal, _ mayPass: (Int) -> Bool) {
        var buffer = SealBuffer(repeating: 0)
        unsafe withUnsafeMutableBytes(of: &buffer) { frame in
            let count = unsafe seal.takeGreeting(frame)
            guard count > 0 else { return }
            begin()
            unsafe append(UnsafeRawBufferPointer(rebasing: frame[..<count]))
            end(mayPass)
        }
    }
}
