@testable import Daemon
import LibvirtWire
import NIOCore
import NIOEmbedded
import Testing

/// What connections may make the daemon keep, and for how long.
@Suite struct ConnectionTests {
    private let bench: DaemonBench

    init() throws { bench = try DaemonBench() }

    private func connect(isReadOnly: Bool = false) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(
            handler: ConnectionHandler(bench.daemon, isReadOnly: isReadOnly), loop: bench.loop)
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/client")).wait()
        return channel
    }

    private func send(_ bytes: [UInt8], to channel: EmbeddedChannel) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
    }

    /// The beginning of a packet of so many bytes.
    private func begin(_ length: Int, _ count: Int = 4) -> [UInt8] {
        let head = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        return head + [UInt8](repeating: 0, count: count - 4)
    }

    private static let open = Packet(
        PacketHeader(procedure: 1, type: .call, serial: 1),
        XDRWriter.bytes { writer in
            writer.optionalString(nil)
            writer.uint32(0)
        })

    /// Not who comes next, but who has most: the client with the small packet stays.
    @Test func theLargestHolderMakesRoom() throws {
        let large = try connect(), small = try connect()
        try send(begin(1 << 20, 300 << 10), to: large)
        bench.daemon.kept += Limits.kept - (400 << 10)
        try send(begin(1 << 20, 150 << 10), to: small)
        #expect(!large.isActive && small.isActive)
        #expect(bench.daemon.clients.count == 1)
        // What was kept for it is free again.
        #expect(bench.daemon.kept == Limits.kept - (250 << 10))
    }

    /// Those that may change nothing do not drive out those that do.
    @Test func readOnlyClientsMakeRoomFirst() throws {
        let writing = try connect(), reading = try connect(isReadOnly: true)
        try send(begin(1 << 20, 300 << 10), to: writing)
        // Of its answers much lies unread; its packets are short.
        bench.daemon.clients.values.first { $0.session.isReadOnly }?.buffered = 100 << 10
        bench.daemon.kept += Limits.kept - (350 << 10)
        try send([0], to: writing)
        #expect(writing.isActive && !reading.isActive)
    }

    /// However much the others have, each may have its share.
    @Test func nobodyIsCutOffForItsShare() throws {
        let channels = try (0..<4).map { _ in try connect() }
        bench.daemon.kept += Limits.kept
        for channel in channels { try send(begin(1 << 20, Limits.share), to: channel) }
        #expect(channels.map(\.isActive) == [true, true, true, true])
        try send([0], to: channels[2])
        #expect(channels.map(\.isActive) == [true, true, false, true])
    }

    @Test func aPacketHasAMinuteToComeWhole() throws {
        let slow = try connect(), lively = try connect()
        try send(begin(100, 10), to: slow)
        for _ in 0..<12 {
            #expect(slow.isActive)
            // A byte now and then is no progress.
            try send([0], to: slow)
            try send(Self.open.encoded, to: lively)
            bench.loop.advanceTime(by: .seconds(5))
        }
        bench.loop.advanceTime(by: .seconds(5))
        #expect(!slow.isActive && lively.isActive)
        #expect(bench.daemon.clients.count == 1)
    }

    @Test func thePacketsTimer() {
        let start = NIODeadline.uptimeNanoseconds(0)
        var timer = PacketTimer()
        timer.note(kept: 5, isNew: false, start)
        timer.note(kept: 6, isNew: false, start + .seconds(59))
        #expect(!timer.isOver(start + .seconds(59)) && timer.isOver(start + .seconds(60)))
        // Another one has begun.
        timer.note(kept: 7, isNew: true, start + .seconds(59))
        #expect(!timer.isOver(start + .seconds(118)) && timer.isOver(start + .seconds(119)))
        timer.note(kept: 0, isNew: true, start + .seconds(60))
        #expect(!timer.isOver(start + .seconds(1000)))
    }

    @Test func readOnlyClientsSendShortPackets() throws {
        for (isReadOnly, length, isTaken) in [
            (true, 64 << 10, true), (true, (64 << 10) + 1, false), (false, (64 << 10) + 1, true),
            (false, (4 << 20) + 4097, false),
        ] {
            let channel = try connect(isReadOnly: isReadOnly)
            try send(begin(length), to: channel)
            #expect(channel.isActive == isTaken, "\(isReadOnly) \(length)")
        }
    }

    /// Those that may change nothing cannot take all places.
    @Test func halfOfTheClientsAreReadOnlyAtMost() throws {
        let clients = try (0..<1000).map { _ in try bench.client(isReadOnly: true) }
        #expect(!bench.daemon.hasRoom(isReadOnly: true) && bench.daemon.hasRoom(isReadOnly: false))
        #expect(try !connect(isReadOnly: true).isActive)
        #expect(try connect().isActive)
        clients[0].connection.close()
        #expect(bench.daemon.hasRoom(isReadOnly: true))
    }

    /// Each takes a descriptor.
    @Test func thereAreAsManyPlacesAsDescriptors() throws {
        let enough = ClientPlaces(descriptors: 1 << 20)
        #expect(enough == ClientPlaces() && enough.all == 2000 && enough.readOnly == 1000)
        let few = ClientPlaces(descriptors: 164)
        #expect(few.all == 100 && few.readOnly == 50)
        for none in [0, 64, 66] {
            let places = ClientPlaces(descriptors: none)
            #expect(places.all == 2 && places.readOnly == 1)
        }
        let bench = try DaemonBench(places: ClientPlaces(descriptors: 66))
        _ = try bench.client(isReadOnly: true)
        #expect(!bench.daemon.hasRoom(isReadOnly: true) && bench.daemon.hasRoom(isReadOnly: false))
        _ = try bench.client()
        #expect(!bench.daemon.hasRoom(isReadOnly: false))
    }
}
