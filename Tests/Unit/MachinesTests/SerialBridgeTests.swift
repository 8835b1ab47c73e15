import ControlClient
import Foundation
import Synchronization
import Testing

@testable import Machines

/// Real sockets: a TCP client in the emulator's place, and UNIX socket clients as tools are.
@Suite final class SerialBridgeTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-tests-\(UUID().uuidString.prefix(8))")
    let path: String
    let bridge: SerialBridge

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appending(path: "link").path
        bridge = try SerialBridge(path: path)
    }
    deinit {
        bridge.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    private func emulator() throws -> ByteStream {
        ByteStream(descriptor: try connectLoopback(bridge.port), path: "emulator")
    }

    /// Exactly so many bytes; fewer when they do not come.
    private func receive(_ line: ByteStream, _ count: Int, seconds: Double = 20) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let deadline = ContinuousClock.now + .seconds(seconds)
        while bytes.count < count, ContinuousClock.now < deadline {
            bytes += try line.receive(timeout: .milliseconds(200))
        }
        return bytes
    }

    /// Says something until the bridge passes it on: what comes before a client is accepted is lost by design.
    private func greet(_ machine: ByteStream, _ client: ByteStream) throws {
        for _ in 0..<200 {
            try machine.send([0x21])
            if try !client.receive(timeout: .milliseconds(50)).isEmpty {
                while try !client.receive(timeout: .milliseconds(100)).isEmpty {}
                return
            }
        }
        Issue.record("the client was never served")
    }

    /// Connects after a flood: what of it is still on its way overruns the first clients.
    private func connectAfterFlood(_ machine: ByteStream) throws {
        for attempt in 1... {
            do { return try greet(machine, try ByteStream.open(path)) } catch {
                guard case .closed = error as? LinkError, attempt < 100 else { throw error }
            }
        }
    }

    @Test func bytesPassUnchangedBothWays() throws {
        let machine = try emulator(), client = try ByteStream.open(path)
        try greet(machine, client)
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 13 >> 2) }
        for (from, to) in [(machine, client), (client, machine)] {
            var got: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: 4096) {
                let piece = Array(bytes[start..<min(start + 4096, bytes.count)])
                try from.send(piece)
                got += try receive(to, piece.count)
            }
            #expect(got == bytes)
        }
    }

    @Test func oneClientAfterTheOther() throws {
        let machine = try emulator()
        for number in 0..<5 as Range<UInt8> {
            let client = try ByteStream.open(path)
            try greet(machine, client)
            try client.send([number])
            #expect(try receive(machine, 1) == [number])
            try machine.send([number, 100])
            #expect(try receive(client, 2) == [number, 100])
        }
    }

    @Test func theNextClientWaitsForTheFirstToLeave() throws {
        let machine = try emulator()
        var first: ByteStream? = try ByteStream.open(path)
        try greet(machine, try #require(first))
        let second = try ByteStream.open(path)
        try second.send([2])
        #expect(try machine.receive(timeout: .milliseconds(300)).isEmpty)
        try first?.send([1])
        #expect(try receive(machine, 1) == [1])
        first = nil
        #expect(try receive(machine, 1) == [2])
    }

    @Test func theMachineIsNotHeldWhenNobodyIsConnected() throws {
        let machine = try emulator()
        // Far more than sockets keep: `send` would fail after its limit.
        for _ in 0..<200 { try machine.send([UInt8](repeating: 7, count: 65536)) }
        try connectAfterFlood(machine)
    }

    @Test func aClientThatDoesNotReadIsHungUpOn() throws {
        let machine = try emulator(), client = try ByteStream.open(path)
        try greet(machine, client)
        for _ in 0..<200 { try machine.send([UInt8](repeating: 7, count: 65536)) }
        let error = #expect(throws: LinkError.self) {
            while true { _ = try client.receive(timeout: .seconds(20)) }
        }
        guard case .closed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        try connectAfterFlood(machine)
    }

    @Test func whatAClientSendsBeforeTheEmulatorConnectsIsKept() throws {
        let client = try ByteStream.open(path)
        try client.send([1, 2, 3])
        Thread.sleep(forTimeInterval: 0.2)
        #expect(try receive(emulator(), 3) == [1, 2, 3])
    }

    @Test func theEndOfTheEmulatorEndsTheBridge() throws {
        var machine: ByteStream? = try emulator()
        let client = try ByteStream.open(path)
        try greet(try #require(machine), client)
        machine = nil
        #expect(throws: LinkError.self) { while true { _ = try client.receive(timeout: .seconds(20)) } }
        bridge.stop()
        #expect(!FileManager.default.fileExists(atPath: path))
        bridge.stop()
    }
}

@Suite struct LoopbackPortTests {
    private final class Taken: Sendable {
        let bytes = Mutex<[UInt8]>([])
        let ended = DispatchSemaphore(value: 0)
        @Sendable func take(_ new: [UInt8]) {
            bytes.withLock { $0 += new }
            if new.isEmpty { ended.signal() }
        }
    }

    @Test func everythingArrivesAndThenTheEnd() throws {
        let port = try LoopbackPort(), taken = Taken()
        port.forward(to: taken.take)
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 5) }
        var line: ByteStream? = ByteStream(descriptor: try connectLoopback(port.number), path: "emulator")
        try line?.send(bytes)
        line = nil
        port.programEnded()
        #expect(taken.ended.wait(timeout: .now() + 20) == .success)
        #expect(taken.bytes.withLock { $0 } == bytes)
    }

    @Test func aProgramThatNeverConnectsIsTheEndToo() throws {
        let port = try LoopbackPort(), taken = Taken()
        port.forward(to: taken.take)
        port.programEnded()
        #expect(taken.ended.wait(timeout: .now() + 20) == .success)
        #expect(taken.bytes.withLock { $0.isEmpty })
    }
}

/// A TCP connection to a port of the loopback interface.
private func connectLoopback(_ port: UInt16) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    let result = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard result == 0 else { throw MachineError.program("connect", status: errno, output: "") }
    return descriptor
}
