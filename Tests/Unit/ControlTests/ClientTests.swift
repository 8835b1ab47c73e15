import Control
import Foundation
import Manifest
import Testing

@testable import ControlClient

@Suite struct ClientTests {
    func client(_ machine: MachineThread) -> ControlClient {
        let client = ControlClient(ByteStream(descriptor: machine.descriptor, path: "test"))
        client.resendAfter = .milliseconds(50)
        return client
    }

    @Test func asksAndIsAnswered() throws {
        let machine = MachineThread()
        defer { machine.end() }
        let client = client(machine)
        #expect(try client.hello().name.string == "model")
        #expect(try client.list().map { $0.name.string } == ["control-loop", "workload", "sealed"])
        let statistics = try client.statistics("workload")
        #expect(statistics.vcpus.count == 2 && statistics.exits(.cpuid) == 201 && statistics.total == 201)
        try client.change(.pause, "workload")
        #expect(try client.list()[1].state == .paused)
    }

    @Test func statisticsOfAllVCPUs() throws {
        let machine = MachineThread()
        defer { machine.end() }
        machine.with {
            $0.partitions[0].info.cores = CoreSet(rawValue: 1 << 40 - 1)
            $0.partitions[0].exits = (0..<40).map { vcpu in
                var exits = ExitCounters()
                exits[.icr] = UInt64(vcpu)
                return exits
            }
        }
        #expect(try client(machine).statistics("control-loop").vcpus.map { $0[.icr] } == (0..<40).map { UInt64($0) })
    }

    @Test func refusalsAreNamed() {
        let machine = MachineThread()
        defer { machine.end() }
        let client = client(machine)
        #expect(throws: LinkError.refused(.notPermitted, .stop, partition: "sealed")) {
            try client.change(.stop, "sealed")
        }
        #expect(throws: LinkError.refused(.unknownPartition, .statistics, partition: "nobody")) {
            try client.statistics("nobody")
        }
        #expect(throws: LinkError.refused(.wrongState, .resume, partition: "workload")) {
            try client.change(.resume, "workload")
        }
        #expect(throws: LinkError.self) { try client.change(.stop, String(repeating: "x", count: 32)) }
        #expect(machine.with { $0.calls }.isEmpty)
    }

    @Test func consoleIsReadToItsEndAndWritten() throws {
        let machine = MachineThread()
        defer { machine.end() }
        let client = client(machine)
        let text = (0..<600).map { "line \($0)\n" }.joined()
        machine.with { $0.guestWrites(1, text) }
        let console = Array(text.utf8)
        var read: [UInt8] = []
        var position: UInt64 = 0
        var lost: UInt64 = 0
        while true {
            let chunk = try client.readConsole("workload", from: position)
            lost += chunk.lost
            if chunk.bytes.isEmpty { break }
            read += chunk.bytes
            position = chunk.next
        }
        #expect(lost == UInt64(console.count - 4096))
        #expect(read == Array(console.suffix(4096)))
        #expect(try client.writeConsole("workload", Array("uname -r\n".utf8)) == 9)
        #expect(machine.with { $0.partitions[1].input } == Array("uname -r\n".utf8))
    }

    @Test func eventsComeInOrderAndGapsAreCounted() throws {
        let machine = MachineThread()
        defer { machine.end() }
        let client = client(machine)
        try client.subscribe()
        try client.change(.stop, "workload")
        try client.change(.start, "workload")
        let first = try #require(try client.nextEvent(timeout: .seconds(5)))
        let second = try #require(try client.nextEvent(timeout: .seconds(5)))
        #expect(first.event.state == .stopped && second.event.state == .running)
        #expect(second.sequence == first.sequence + 1 && second.missed == 0)
        machine.with { $0.lostEvents = 3 }
        machine.with { $0.push(0, .tripleFault) }
        let third = try #require(try client.nextEvent(timeout: .seconds(5)))
        #expect(third.missed == 3 && third.event.cause == .tripleFault)
        #expect(try client.nextEvent(timeout: .milliseconds(20)) == nil)
    }

    @Test func aLostRequestIsSentAgain() throws {
        let machine = MachineThread(.init(loseRequests: 5))
        defer { machine.end() }
        #expect(try client(machine).hello().cores == 5)
    }

    @Test func aLostReplyDoesNotDoTheThingTwice() throws {
        let machine = MachineThread(.init(loseReplies: 6))
        defer { machine.end() }
        try client(machine).change(.restart, "workload")
        #expect(machine.with { $0.calls } == ["restart 1"])
    }

    @Test func aDamagedLineIsSlowButRight() throws {
        let machine = MachineThread(.init(flipEach: 401))
        defer { machine.end() }
        let client = client(machine)
        for round in 0..<10 {
            #expect(try client.list().count == 3)
            #expect(try client.writeConsole("workload", [UInt8(round)]) == 1)
        }
        #expect(machine.with { $0.partitions[1].input } == (0..<10).map { UInt8($0) })
    }

    @Test func silenceAndHangUpAreToldApart() throws {
        let silent = MachineThread(.init(loseRequests: .max))
        let waiting = client(silent)
        waiting.timeout = .milliseconds(200)
        #expect(throws: LinkError.noAnswer(path: "test", seconds: 0.2)) { try waiting.hello() }
        silent.end()
        #expect(throws: LinkError.closed(path: "test")) { try waiting.hello() }
    }

    /// A pseudo-terminal starts in line mode with echo, as a serial device may: opening it must make it raw.
    /// As a control partition's kernel lists its devices.
    @Test func aPortIsKnownByItsClass() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "devices-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        for (number, classOf) in [("251:1", "virtio-ports"), ("4:64", "tty"), ("251:70000", "virtio-ports")] {
            let folder = root.appending(path: number)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: "subsystem").path, withDestinationPath: "../../../../class/\(classOf)")
        }
        func isPort(_ device: dev_t) -> Bool { VirtioPortDevice.isPort(device, root: root.path) }
        #expect(isPort(251 << 8 | 1) && !isPort(4 << 8 | 64) && !isPort(251 << 8 | 2))
        // A minor number of more than eight bits: 70000 is 11170h.
        #expect(isPort(251 << 8 | 0x70 | 0x111 << 20))
    }

    @Test func aSerialLineCarriesEveryByte() throws {
        let own = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var locked: CInt = 0
        var number: CInt = 0
        // TIOCSPTLCK and TIOCGPTN of ioctl_tty(2), which the C library's module leaves out.
        let isReady = ioctl(own, 0x4004_5431, &locked) == 0 && ioctl(own, 0x8004_5430, &number) == 0
        try #require(own >= 0 && isReady)
        let client = try ControlClient(path: "/dev/pts/\(number)")
        let machine = MachineThread(own: own)
        defer { machine.end() }
        let bytes = (0..<1024).map { UInt8($0 & 0xFF) }
        machine.with { $0.partitions[1].console = bytes }
        #expect(try client.readConsole("workload", from: 0).bytes == bytes)
        #expect(try client.writeConsole("workload", bytes) == 1024)
        #expect(machine.with { $0.partitions[1].input } == bytes)
    }

    @Test func pathsThatLeadNowhere() {
        #expect(throws: LinkError.unreachable(path: "/nowhere/link.sock", reason: "No such file or directory")) {
            try ControlClient(path: "/nowhere/link.sock")
        }
        #expect(throws: LinkError.notALink(path: "/etc/passwd")) { try ControlClient(path: "/etc/passwd") }
        #expect(throws: LinkError.notALink(path: "/dev/null")) { try ControlClient(path: "/dev/null") }
    }
}
