import Foundation
import Machines
import Reports

/// What `bench --compare --json` writes; `Documentation/bench.md` describes every field.
struct CompareReport: Encodable {
    let schema = 1
    let emulated = true
    let processor: String
    let windowSeconds: Int
    let guestKernel: String
    /// Always bare, Bulkhead, KVM.
    let peers: [CompareSession.Peer]

    init(_ session: CompareSession) {
        processor = String(Emulator().processor.prefix { $0 != "," })
        windowSeconds = session.seconds
        guestKernel = session.peers.first?.start.kernel ?? ""
        peers = session.peers
    }

    func json() throws -> Data {
        try Data((jsonText(self) + "\n").utf8)
    }
}
