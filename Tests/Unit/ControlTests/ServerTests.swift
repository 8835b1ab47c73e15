import CBOR
import Control
import ControlClient
import Manifest
import PCI
import Testing

@Suite struct ServerTests {
    @Test func helloDescribesTheMachine() throws {
        let bench = Bench()
        _ = bench.feed([0x7E, 1, 2, 3])
        let reply = try #require(bench.ask(ControlRequest(.hello), sequence: 99))
        #expect(reply.header == FrameHeader(kind: .reply, sequence: 99))
        let machine = try ReceivedReply(reply.payload).message(MachineInfo.self)
        #expect(string(machine.version) == "0.1.0")
        #expect(string(machine.name) == "model")
        #expect(machine.cores == 5 && machine.memory == 4 << 30 && machine.imageBytes == 123_456)
        #expect(machine.hypervisorMemory == 777_216 && machine.startMicroseconds == 41_000)
        #expect(machine.uptimeMicroseconds == 1_000_000 && machine.partitions == 3)
        #expect(machine.damagedFrames == 1 && machine.trust.rawValue == 3)
    }

    @Test func listTellsAll() throws {
        let bench = Bench()
        bench.machine.partitions[1].info.state = .crashed
        bench.machine.partitions[1].info.cause = .tripleFault
        bench.machine.partitions[1].info.starts = 4
        bench.machine.partitions[1].info.uptimeMicroseconds = .max
        bench.machine.partitions[1].info.hypervisorMemory = 99
        bench.machine.partitions[1].info.startsInMicroseconds = 6_400_000
        for byte in "linux-rt".utf8 { bench.machine.partitions[1].info.image.append(byte) }
        let reply = try #require(bench.ask(ControlRequest(.list)))
        let list = try ReceivedReply(reply.payload).partitions()
        #expect(list.count == 3)
        #expect(list.map { string($0.name) } == ["control-loop", "workload", "sealed"])
        let workload = list[1]
        #expect(workload.state == .crashed && workload.cause == .tripleFault && workload.starts == 4)
        #expect(workload.cores == CoreSet(rawValue: 0b1100) && workload.memory == 256 << 20)
        #expect(workload.uptimeMicroseconds == .max && workload.hypervisorMemory == 99)
        #expect(workload.startsInMicroseconds == 6_400_000 && list[0].startsInMicroseconds == 0)
        #expect(workload.permits == .all && list[2].permits.isEmpty)
        #expect(string(workload.image) == "linux-rt")
    }

    @Test func theLargestListFitsAFrame() throws {
        let bench = Bench()
        bench.machine.partitions = []
        for i in 0..<8 {
            bench.machine.add("p" + String(repeating: "x", count: 29) + "\(i)", cores: .max, vcpus: 1, permits: .all)
            var info = bench.machine.partitions[i].info
            (info.memory, info.starts, info.uptimeMicroseconds, info.hypervisorMemory) = (.max, .max, .max, .max)
            info.startsInMicroseconds = .max
            info.permits = ControlOperations(rawValue: 0xFFFF)
            for _ in 0..<63 { info.image.append(0x61) }
            bench.machine.partitions[i].info = info
        }
        let reply = try #require(bench.ask(ControlRequest(.list)))
        let parsed = try ReceivedReply(reply.payload)
        #expect(parsed.status == .ok)
        #expect(try parsed.partitions().count == 8)
    }

    @Test func statisticsOfManyVCPUsComeInParts() throws {
        let bench = Bench()
        bench.machine.partitions[0].info.cores = CoreSet(rawValue: 1 << 30 - 1)
        bench.machine.partitions[0].exits = (0..<30).map { vcpu in
            var exits = ExitCounters()
            for i in 0..<14 { exits[ExitReason(rawValue: UInt8(i)) ?? .other] = .max - UInt64(vcpu * 14 + i) }
            return exits
        }
        // As many channels as there can be, each counter at its largest.
        for i in 0..<7 {
            var end = ChannelCounters()
            end.name = label(String(repeating: "x", count: 30) + "\(i)")
            (end.link, end.frames, end.bytes, end.dropped, end.kicks) = (.max, .max, .max, .max, .max)
            bench.machine.channels.append(end)
        }
        (bench.machine.counted.total, bench.machine.counted.wrap) = (.max, .max - 1)
        var next = 0
        while next < 30 {
            var request = ControlRequest(.statistics)
            request.partition = label("control-loop")
            request.vcpu = next
            let reply = try #require(bench.ask(request))
            let parsed = try ReceivedReply(reply.payload)
            let page = try parsed.message(StatisticsPage.self), vcpus = try parsed.exits()
            #expect(page.vcpus == 30 && page.first == next && !vcpus.isEmpty)
            #expect(try parsed.channels().map { string($0.name) } == bench.machine.channels.map { string($0.name) })
            #expect(try parsed.channels().allSatisfy { $0.kicks == .max && $0.dropped == .max })
            #expect(page.clockMicroseconds == 1_000_000)
            for (i, exits) in vcpus.enumerated() {
                #expect(exits[.cpuid] == .max - UInt64((next + i) * 14))
                #expect(exits[.other] == .max - UInt64((next + i) * 14 + 13))
            }
            next += vcpus.count
        }
        #expect(next == 30)
        var beyond = ControlRequest(.statistics)
        beyond.partition = label("control-loop")
        beyond.vcpu = 30
        #expect(bench.ask(beyond)?.status == .malformed)
    }

    @Test func trafficFollowsTheExits() throws {
        let bench = Bench()
        var request = ControlRequest(.statistics)
        request.partition = label("control-loop")
        let plain = try ReceivedReply(try #require(bench.ask(request)).payload)
        #expect(try plain.traffic() == nil)
        (bench.machine.counted.total, bench.machine.counted.wrap) = (4096, 1 << 30)
        let counted = try ReceivedReply(try #require(bench.ask(request)).payload)
        #expect(try counted.traffic() == bench.machine.counted && counted.exits().count == plain.exits().count)
    }

    @Test func aSelfCheckTakesWhatIsThereAndAsksAnew() throws {
        let bench = Bench()
        bench.machine.partitions[0].info.cores = CoreSet(rawValue: 0b110)
        var request = ControlRequest(.selfCheck)
        request.partition = label("control-loop")
        let reports = try (0..<2).map { _ in try ReceivedReply(try #require(bench.ask(request)).payload).protection() }
        #expect(reports[0].vcpus == [0, 0] && reports[0].housekeeping == 0xFF)
        #expect(reports[1].vcpus == [0xFFF, 0x1_0FFF])
        bench.machine.partitions[0].info.permits = ControlOperations(rawValue: 0xFF)
        #expect(bench.ask(request)?.status == .notPermitted)
    }

    @Test func consoleReadCountsWhatWasLost() throws {
        let bench = Bench()
        bench.machine.guestWrites(1, String(repeating: "0123456789", count: 500))
        var request = ControlRequest(.consoleRead)
        request.partition = label("workload")
        request.position = 100
        var text: [UInt8] = []
        var first: UInt64?
        while true {
            let reply = try #require(bench.ask(request))
            let chunk = try ReceivedReply(reply.payload).console()
            if first == nil { first = chunk.position }
            #expect(chunk.end == 5000)
            if chunk.bytes.count == 0 { break }
            text += chunk.bytes
            request.position = chunk.position + UInt64(chunk.bytes.count)
        }
        #expect(first == 904)
        #expect(text == Array(bench.machine.partitions[1].console[904...]))
    }

    @Test func theLogIsReadInPartsWhereItMayBe() throws {
        let bench = Bench()
        var request = ControlRequest(.log)
        request.position = 14
        let part = try ReceivedReply(try #require(bench.ask(request)).payload).console()
        #expect(part.position == 14 && part.bytes == Array("bulkhead: two\n".utf8) && part.end == 28)
        request.position = .max
        #expect(try ReceivedReply(try #require(bench.ask(request)).payload).console().bytes.isEmpty)
        bench.machine.mayReadLog = false
        #expect(bench.ask(request)?.status == .notPermitted)
    }

    @Test func consoleWriteTakesWhatTheGuestTakes() throws {
        let bench = Bench()
        var request = ControlRequest(.consoleWrite)
        request.partition = label("workload")
        let data = (0..<1024).map { UInt8($0 & 0xFF) }
        var taken: [Int] = []
        for sequence in 0..<3 {
            let reply = try #require(bench.ask(request, data: data, sequence: UInt32(sequence)))
            taken.append(try ReceivedReply(reply.payload).accepted())
        }
        #expect(taken == [1024, 476, 0])
        #expect(bench.machine.partitions[1].input == data + data[..<476])
    }

    @Test func lifecycleFollowsTheStates() {
        let bench = Bench()
        #expect(bench.ask(.resume, "workload", sequence: 1) == .wrongState)
        #expect(bench.ask(.start, "workload", sequence: 2) == .wrongState)
        #expect(bench.ask(.pause, "workload", sequence: 3) == .ok)
        #expect(bench.machine.partitions[1].info.state == .paused)
        #expect(bench.ask(.pause, "workload", sequence: 4) == .wrongState)
        #expect(bench.ask(.resume, "workload", sequence: 5) == .ok)
        #expect(bench.ask(.stop, "workload", sequence: 6) == .ok)
        #expect(bench.ask(.stop, "workload", sequence: 7) == .wrongState)
        #expect(bench.ask(.start, "workload", sequence: 8) == .ok)
        #expect(bench.ask(.restart, "workload", sequence: 9) == .ok)
        bench.machine.partitions[1].info.state = .stopping
        #expect(bench.ask(.start, "workload", sequence: 10) == .busy)
        #expect(bench.machine.calls == ["pause 1", "resume 1", "stop 1", "start 1", "restart 1"])
    }

    @Test func aRepeatedChangeIsAnsweredAgainButNotDoneAgain() {
        let bench = Bench()
        #expect(bench.ask(.restart, "workload", sequence: 5) == .ok)
        #expect(bench.ask(.restart, "workload", sequence: 5) == .ok)
        #expect(bench.machine.partitions[1].info.starts == 2)
        #expect(bench.ask(.restart, "control-loop", sequence: 5) == .ok)
        #expect(bench.machine.partitions[0].info.starts == 2)
        #expect(bench.ask(.restart, "workload", sequence: 5) == .ok)
        #expect(bench.machine.partitions[1].info.starts == 3)
    }

    @Test func nothingUnauthorisedReachesTheMachine() {
        let bench = Bench()
        for request in Wire.requests() where !request.operation.description.permission.isEmpty {
            var request = request
            request.partition = label("sealed")
            #expect(bench.ask(request, data: [1])?.status == .notPermitted, "\(request.operation)")
            request.partition = label("nobody")
            #expect(bench.ask(request, data: [1])?.status == .unknownPartition, "\(request.operation)")
        }
        #expect(bench.machine.calls.isEmpty)
    }

    @Test(arguments: 0..<8) func eachPermissionAllowsItsOperationAlone(bit: Int) {
        let bench = Bench()
        let permits = ControlOperations(rawValue: 1 << UInt16(bit))
        bench.machine.partitions[1].info.permits = permits
        for (i, request) in Wire.requests().enumerated() {
            let allowed = permits.contains(request.operation.description.permission)
            let status = bench.ask(request, data: [1], sequence: UInt32(i))?.status
            #expect((status == .notPermitted) == !allowed, "\(request.operation)")
        }
    }

    @Test func eventsAreNumberedAndOnlyForThoseWhoAsked() throws {
        let bench = Bench()
        #expect(bench.ask(.pause, "workload") == .ok)
        var subscribe = ControlRequest(.events)
        subscribe.on = true
        let answers = bench.feed(Wire.frame(Wire.payload(subscribe), sequence: 20))
        #expect(answers.map(\.header.kind) == [.reply, .event])
        let more = bench.feed(Wire.frame(Wire.payload(request(.resume)), sequence: 21))
        #expect(more.map(\.header.kind) == [.reply, .event])
        #expect([answers[1], more[1]].map(\.header.sequence) == [0, 1])
        let event = try more[1].event()
        #expect(string(event.partition) == "workload" && event.state == .running && event.cause == .manager)
        subscribe.on = false
        _ = bench.ask(subscribe)
        #expect(bench.feed(Wire.frame(Wire.payload(request(.pause)), sequence: 22)).count == 1)
    }

    @Test func lostEventsAreCounted() throws {
        let bench = Bench()
        for _ in 0..<13 { bench.machine.push(0, .reboot) }
        var subscribe = ControlRequest(.events)
        subscribe.on = true
        let events = bench.feed(Wire.frame(Wire.payload(subscribe))).filter { $0.header.kind == .event }
        #expect(events.count == 8)
        bench.machine.push(0, .reboot)
        let last = try #require(bench.settle().first)
        #expect(try last.event().lost == 5)
    }

    @Test func faultsTellWhere() throws {
        var event = ControlEvent(.fault)
        (event.partition, event.state, event.cause) = (label("workload"), .crashed, .violation)
        (event.vcpu, event.code, event.address) = (3, 0x400, 0xFEE0_0000)
        let back = try ControlEvent(try Wire.payload(event))
        #expect(back.kind == .fault && back.vcpu == 3 && back.code == 0x400 && back.address == 0xFEE0_0000)
    }

    @Test func refusedDevicesTellWhichAndWhat() throws {
        var event = ControlEvent(.device)
        let access = RefusedAccess(requester: 0x0110, isWrite: true, isInterrupt: false, reason: 5)
        (event.code, event.address) = (access.rawValue, 0xFEE0_0000)
        let back = try ControlEvent(try Wire.payload(event))
        let told = RefusedAccess(rawValue: back.code)
        #expect(back.kind == .device && back.partition.isEmpty && back.address == 0xFEE0_0000)
        #expect(told.function == FunctionAddress(bus: 1, device: 2, function: 0))
        #expect(told.isWrite && !told.isInterrupt && told.reason == 5)
    }

    @Test func aFloodOfRequestsDoesNotHoldEventsBack() {
        let bench = Bench()
        var subscribe = ControlRequest(.events)
        subscribe.on = true
        _ = bench.ask(subscribe)
        for _ in 0..<8 { bench.machine.push(0, .reboot) }
        let flood = (0..<40).flatMap { Wire.frame(Wire.payload(ControlRequest(.list)), sequence: UInt32($0)) }
        let kinds = bench.feed(flood).map(\.header.kind)
        #expect(kinds.filter { $0 == .reply }.count == 40)
        #expect(kinds.prefix(20).filter { $0 == .event }.count == 8)
    }

    @Test func stateIsSmall() { #expect(MemoryLayout<ControlServer>.size < 16 << 10) }

    func request(_ operation: ControlOperation) -> ControlRequest {
        var request = ControlRequest(operation)
        request.partition = label("workload")
        return request
    }
}
