import Testing
import Text

@testable import WireSeal

/// What one end of a sealed wire takes from the other, and from whoever is between them.
@Suite struct WireSealTests {
    private let frame = TestEnds.frame(200)

    @Test func whatTheOtherEndSealsArrivesAsItWas() throws {
        let ends = TestEnds()
        ends.connect()
        for count in [26, 60, 98, 1280, 1480, 1502] {
            for end in [0, 1] {
                let plain = TestEnds.frame(count, UInt8(end)), sealed = try #require(ends.seal(end, plain))
                #expect(sealed.count == count + SealLayout.overhead)
                // The addresses stay, and tell bridges the way; nothing else does.
                #expect(sealed[..<12] == plain[..<12] && sealed[12] == 0x88 && sealed[13] == 0xB5)
                #expect(!contains(sealed, Array(plain[12..<24])))
                #expect(ends.open(1 - end, sealed) == .frame(plain))
            }
        }
        // Shorter ones are filled up, as a card does: behind the tag it would be the network's to do.
        let short = TestEnds.frame(14), sealed = try #require(ends.seal(0, short))
        #expect(sealed.count == 60 && ends.open(1, sealed) == .frame(short + [UInt8](repeating: 0, count: 12)))
        for count in [0, 13, 1503, 1536 - SealLayout.plain] {
            #expect(ends.seal(0, TestEnds.frame(count)) == nil, "\(count)")
        }
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        (0...bytes.count - part.count).contains { bytes[$0..<$0 + part.count].elementsEqual(part) }
    }

    /// Nothing is sent before there is a session, and three greetings make one.
    @Test func aSessionIsMadeOfGreetings() throws {
        let ends = TestEnds()
        for end in [0, 1] { ends.start(end) }
        #expect(ends.greeting(0) == nil && ends.seal(0, frame) == nil)
        let first = try #require(ends.greeting(0))
        #expect(first.count == SealLayout.helloSize && first[..<6].allSatisfy { $0 == 0xFF })
        #expect(first[6..<12].elementsEqual([2, 0, 0, 0, 0, 1]) && ends.greeting(0) == nil)
        #expect(ends.open(1, first) == .taken)
        let second = try #require(ends.greeting(1))
        #expect(ends.seal(1, frame) == nil, "who has sent the first one may be long gone")
        #expect(ends.open(0, second) == .taken)
        let sealed = try #require(ends.seal(0, frame))
        #expect(ends.open(1, sealed) == .refused, "the other end has not heard of it")
        let third = try #require(ends.greeting(0))
        #expect(ends.open(1, third) == .taken && ends.passes(from: 0) && ends.passes(from: 1))
        #expect(ends.settle().count <= 1 && ends.greeting(0) == nil && ends.greeting(1) == nil)
    }

    @Test func bothMayBeginAtOnce() {
        let ends = TestEnds()
        for end in [0, 1] {
            ends.start(end)
            ends.with(end) { $0.greet() }
        }
        #expect(ends.settle().count <= 6)
        #expect(ends.passes(from: 0) && ends.passes(from: 1))
    }

    /// Each greeting that is lost is said again when something is sent.
    @Test(arguments: 0..<4) func aLostGreetingIsMadeUpFor(_ lost: Int) throws {
        let ends = TestEnds()
        for end in [0, 1] { ends.start(end) }
        var number = 0
        for _ in 0..<8 {
            for end in [0, 1] {
                if let sealed = ends.seal(end, frame) { _ = ends.open(1 - end, sealed) }
                guard let greeting = ends.greeting(end) else { continue }
                if number != lost { _ = ends.open(1 - end, greeting) }
                number += 1
            }
        }
        #expect(ends.passes(from: 0) && ends.passes(from: 1))
    }

    @Test func aFrameIsTakenOnceAndMayBeLate() throws {
        let ends = TestEnds()
        ends.connect()
        let sealed = try (0..<100).map { try #require(ends.seal(0, TestEnds.frame(60, UInt8($0)))) }
        #expect(Set(sealed).count == 100)
        #expect(ends.open(1, sealed[70]) == .frame(TestEnds.frame(60, 70)))
        for number in 7...69 { #expect(ends.open(1, sealed[number]) == .frame(TestEnds.frame(60, UInt8(number)))) }
        // Too late, or a second time.
        for number in 0...70 { #expect(ends.open(1, sealed[number]) == .refused, "\(number)") }
        for number in (71..<100).reversed() { #expect(ends.open(1, sealed[number]) != .refused) }
        for number in 0..<100 { #expect(ends.open(1, sealed[number]) == .refused) }
    }

    @Test func whatIsChangedIsRefused() throws {
        let ends = TestEnds()
        ends.connect()
        let sealed = try #require(ends.seal(0, TestEnds.frame(60)))
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(ends.open(1, changed) == .refused, "bit \(bit)")
        }
        for count in 0..<sealed.count { #expect(ends.open(1, Array(sealed[..<count])) == .refused) }
        for more in [1, 2, 16, 100] {
            #expect(ends.open(1, sealed + [UInt8](repeating: 0, count: more)) == .refused)
        }
        #expect(ends.open(1, TestEnds.frame(60)) == .refused, "a frame in clear")
        #expect(ends.open(1, sealed) != .refused, "none of these has counted as it")
    }

    /// What an end has sent is not for it, whoever sends it back.
    @Test func whatComesBackIsRefused() throws {
        let ends = TestEnds()
        let greetings = ends.connect()
        let sealed = try #require(ends.seal(0, frame))
        #expect(ends.open(0, sealed) == .refused)
        for (end, greeting) in greetings { #expect(ends.open(end, greeting) != .frame(greeting)) }
        ends.settle()
        #expect(ends.passes(from: 0) && ends.passes(from: 1) && ends.open(1, sealed) == .frame(frame))
        // A greeting of the one that begins.
        ends.start(0)
        ends.with(0) { $0.greet() }
        let own = try #require(ends.greeting(0))
        #expect(ends.open(0, own) == .refused && ends.greeting(0) == nil)
    }

    @Test func aGreetingIsMadeWithTheKeyOrRefused() throws {
        let ends = TestEnds(), others = TestEnds([[1, 2, 3], [1, 2, 3]])
        for pair in [ends, others] {
            pair.start(0)
            pair.start(1)
            pair.with(0) { $0.greet() }
        }
        let greeting = try #require(ends.greeting(0)), foreign = try #require(others.greeting(0))
        #expect(ends.open(1, foreign) == .refused)
        for bit in 0..<greeting.count * 8 {
            var forged = greeting
            forged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(ends.open(1, forged) == .refused, "bit \(bit)")
        }
        for count in 0..<greeting.count { #expect(ends.open(1, Array(greeting[..<count])) == .refused) }
        #expect(ends.open(1, greeting + [0]) == .refused && ends.greeting(1) == nil)
        #expect(ends.open(1, greeting) == .taken)
    }

    /// Old greetings, by which somebody who has kept them would have an old session back, and with it its keys.
    @Test func oldGreetingsSwitchNothing() throws {
        let ends = TestEnds()
        var old = ends.connect().map(\.frame)
        var frames = try [0, 1].map { try #require(ends.seal($0, frame)) }
        for _ in 0..<3 {
            ends.start(0)
            ends.with(0) { $0.greet() }
            old += ends.settle().map(\.frame)
            let session = [0, 1].map { ends.with($0) { $0.session?.sendID } }
            for (end, sealed) in frames.enumerated() { #expect(ends.open(1 - end, sealed) == .refused) }
            // What those frames ask for is answered: both are in the same session.
            ends.settle()
            for greeting in old {
                for end in [0, 1] {
                    _ = ends.open(end, greeting)
                    #expect(ends.settle().count <= 3)
                }
            }
            #expect([0, 1].map { ends.with($0) { $0.session?.sendID } } == session)
            #expect(ends.passes(from: 0) && ends.passes(from: 1))
            frames = try [0, 1].map { try #require(ends.seal($0, frame)) }
        }
        // Many at once are answered once.
        for greeting in old + old { _ = ends.open(0, greeting) }
        #expect((ends.greeting(0) == nil ? 0 : 1) + (ends.greeting(0) == nil ? 0 : 1) <= 1)
    }

    /// The other end finds out by itself, whoever speaks first.
    /// One lies behind the answer that makes a session, and hides from nobody that there is one.
    @Test func anOldGreetingDisplacesNoSession() throws {
        let ends = TestEnds()
        for end in 0..<2 { ends.start(end) }
        ends.with(1) { $0.greet() }
        let old = try #require(ends.greeting(1))
        ends.start(1)
        ends.with(0) { $0.greet() }
        #expect(ends.open(1, try #require(ends.greeting(0))) == .taken)
        #expect(ends.open(0, try #require(ends.greeting(1))) == .taken)
        _ = ends.open(0, old)
        #expect(ends.open(1, try #require(ends.greeting(0))) == .taken)
        #expect(ends.passes(from: 0) && ends.passes(from: 1))
    }

    /// What has cost a code is counted, and nothing is looked at where that was too much.
    @Test func whatIsForgedIsCounted() throws {
        let ends = TestEnds(), frame = TestEnds.frame(100)
        let greetings = ends.connect()
        let sealed = try #require(ends.seal(0, frame))
        func vain(_ frame: [UInt8]) -> Int {
            _ = ends.open(1, frame)
            return ends.with(1) { $0.vain }
        }
        var forged = sealed
        forged[sealed.count - 1] ^= 1
        #expect(vain(forged) == 1)
        ends.looks = false
        #expect(vain(forged) == 0 && ends.open(1, sealed) == .refused)
        ends.looks = true
        #expect(ends.open(1, sealed) == .frame(frame))
        // Neither a repetition nor another session's costs one; a greeting does.
        #expect(vain(sealed) == 0 && vain(greetings[0].frame) == 1)
        forged[SealLayout.session] ^= 1
        #expect(vain(forged) == 0)
    }

    @Test(arguments: [0, 1]) func whoStartsAnewHasANewSession(_ speaker: Int) throws {
        let ends = TestEnds()
        ends.connect()
        let before = ends.with(1) { $0.session?.sendID }
        ends.start(0)
        for _ in 0..<3 {
            if let sealed = ends.seal(speaker, frame) { _ = ends.open(1 - speaker, sealed) }
            ends.settle()
        }
        #expect(ends.passes(from: 0) && ends.passes(from: 1))
        #expect(ends.with(1) { $0.session?.sendID } != before)
    }

    @Test func aCounterThatIsAtItsEndMakesANewSession() throws {
        let ends = TestEnds()
        ends.connect()
        let before = ends.with(0) { $0.session?.sendID }
        ends.with(0) { $0.session?.sent = SealedSession.frames - 1 }
        #expect(ends.passes(from: 0))
        #expect(ends.seal(0, frame) == nil, "the one behind the last")
        ends.settle()
        #expect(ends.passes(from: 0) && ends.passes(from: 1) && ends.with(0) { $0.session?.sendID } != before)
        #expect(ends.with(0) { $0.session?.sent } == 1)
        // Nor is one taken from the other end.
        ends.with(0) { $0.session?.sent = SealedSession.frames }
        var buffer = [UInt8](repeating: 0, count: SealLayout.bufferSize)
        let sealed = try #require(ends.seal(1, frame))
        buffer.replaceSubrange(0..<sealed.count, with: sealed)
        let count = ends.with(0) { seal in buffer.withUnsafeMutableBytes { seal.session?.seal($0, count: 100) } }
        #expect(ends.open(1, Array(buffer[..<(count ?? 0)])) == .refused)
    }

    /// Only what the loader wrote, once, and only where there are random numbers.
    @Test func withoutAKeyOrRandomNumbersTheLinkStaysDown() {
        let ends = TestEnds([nil, TestEnds.secret])
        for end in [0, 1] { ends.start(end) }
        #expect(!ends.update(0) && ends.update(1))
        // The register is closed: not even a key of its own choice.
        for i in 0..<8 { _ = ends.access(0, SealRegister.key + i * 4, 1) }
        _ = ends.access(0, SealRegister.state, 0)
        #expect(!ends.update(0) && ends.seal(0, frame) == nil && ends.greeting(0) == nil)
        ends.with(1) { $0.greet() }
        let frame = ends.greeting(1) ?? []
        #expect(!frame.isEmpty && ends.open(0, frame) == .refused)
        let dry = TestEnds()
        dry.hasRandom = false
        dry.start(0)
        #expect(!dry.update(0))
        dry.hasRandom = true
        #expect(dry.update(0), "they may come later")
        // A processor that always says the same.
        let stuck = dry.with(0) { seal in
            _ = seal.update(isLive: false, random: { .max }, now: 1, looks: true)
            return seal.update(isLive: true, random: { .max }, now: 2, looks: true)
        }
        #expect(!stuck)
    }

    @Test func theRegisterTakesOneKeyAndShowsNone() {
        var seal = WireSeal("lan", address: 2)
        #expect(seal.access(SealRegister.state, nil) == 1 && seal.access(SealRegister.state + 4, nil) == nil)
        #expect(seal.access(SealRegister.key - 4, nil) == nil && seal.access(SealRegister.key + 2, 5) == 0)
        for i in 0..<7 { #expect(seal.access(SealRegister.key + i * 4, 0xFFFF_FFFF) == 0) }
        for i in 0..<8 { #expect(seal.access(SealRegister.key + i * 4, nil) == 0) }
        // Seven words are no key.
        _ = seal.access(SealRegister.state, 1)
        #expect(seal.keys == nil && seal.access(SealRegister.state, nil) == 0)
        var open = WireSeal("", address: 2)
        #expect(
            open.access(SealRegister.state, nil) == nil
                && open.update(isLive: true, random: { nil }, now: 0, looks: true))
    }

    /// Whose key is the same, and whose channel has another name.
    @Test func channelsOfOnePartitionAreApart() throws {
        let key = TestEnds.secret.withUnsafeBytes { SealKey(secret: $0) }
        let names: [Text<31>] = ["lan", "lan2"]
        let keys = names.map { WireKeys(key, $0) }
        #expect((0..<3).map { keys[0].pair[$0] } != (0..<3).map { keys[1].pair[$0] })
        #expect(keys[0].session.word(0) != keys[1].session.word(0))
        #expect(keys[0].greeting.word(0) != keys[1].greeting.word(0))
    }
}
