import Text
import WireSeal

/// Two ends of one sealed wire, and whoever is between them.
final class TestEnds {
    private var first = WireSeal("lan", address: 0x0100_0000_0002)
    private var second = WireSeal("lan", address: 0x0200_0000_0002)
    private var isLive = [false, false]
    private var draws: UInt64 = 0
    /// Whether the processor gives random numbers.
    var hasRandom = true
    /// Whether frames are looked at.
    var looks = true

    /// - Parameter secrets: of each end; nil where it has none.
    init(_ secrets: [[UInt8]?] = [secret, secret]) {
        for end in 0..<2 {
            if let secret = secrets[end] {
                let key = secret.withUnsafeBytes { SealKey(secret: $0) }
                for i in 0..<8 { _ = access(end, SealRegister.key + i * 4, key.word(i)) }
            }
            _ = access(end, SealRegister.state, 0)
        }
    }
    static let secret = (0..<32).map { UInt8($0) &* 5 }

    /// Does something with one end.
    @discardableResult
    func with<T>(_ end: Int, _ body: (inout WireSeal) -> T) -> T { end == 0 ? body(&first) : body(&second) }
    func access(_ end: Int, _ offset: Int, _ value: UInt32?) -> UInt32? { with(end) { $0.access(offset, value) } }

    /// As each call of the device model begins.
    @discardableResult
    func update(_ end: Int) -> Bool {
        let live = isLive[end], has = hasRandom, looks = looks
        return with(end) { seal in
            seal.update(
                isLive: live,
                random: {
                    self.draws += 1
                    return has ? self.draws &* 0x9E37_79B9_7F4A_7C15 : nil
                }, now: 7, looks: looks)
        }
    }
    /// The guest's driver comes; where one was there, another one.
    func start(_ end: Int) {
        isLive[end] = false
        update(end)
        isLive[end] = true
        update(end)
    }

    /// What leaves an end for a frame of its guest's; nil where nothing does.
    func seal(_ end: Int, _ frame: [UInt8]) -> [UInt8]? {
        update(end)
        var buffer = [UInt8](repeating: 0, count: SealLayout.bufferSize)
        buffer.replaceSubrange(SealLayout.plain..<SealLayout.plain + frame.count, with: frame)
        let count = with(end) { seal in buffer.withUnsafeMutableBytes { seal.seal($0, count: frame.count) } }
        return count.map { Array(buffer[..<$0]) }
    }

    enum Found: Equatable {
        case frame([UInt8])
        case taken, refused
    }

    func open(_ end: Int, _ frame: [UInt8]) -> Found {
        update(end)
        var buffer = [UInt8](repeating: 0xA5, count: SealLayout.bufferSize)
        buffer.replaceSubrange(0..<frame.count, with: frame)
        let found = with(end) { seal in buffer.withUnsafeMutableBytes { seal.open($0, count: frame.count) } }
        return switch found {
        case .frame(let range): .frame(Array(buffer[range]))
        case .taken: .taken
        case .refused: .refused
        }
    }

    /// The greeting that an end owes.
    func greeting(_ end: Int) -> [UInt8]? {
        update(end)
        var buffer = [UInt8](repeating: 0, count: SealLayout.bufferSize)
        let count = with(end) { seal in buffer.withUnsafeMutableBytes { seal.takeGreeting($0) } }
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// Lets greetings through until nobody owes one.
    /// - Returns: all that were sent, each with its end.
    @discardableResult
    func settle() -> [(end: Int, frame: [UInt8])] {
        var all: [(end: Int, frame: [UInt8])] = []
        for _ in 0..<20 {
            let before = all.count
            for end in 0..<2 {
                guard let frame = greeting(end) else { continue }
                all.append((end, frame))
                _ = open(1 - end, frame)
            }
            if all.count == before { break }
        }
        return all
    }

    /// Both drivers come and the ends find each other.
    @discardableResult
    func connect() -> [(end: Int, frame: [UInt8])] {
        for end in 0..<2 { start(end) }
        with(0) { $0.greet() }
        return settle()
    }

    /// Whether a frame of `end` reaches the other one's guest as it was.
    func passes(from end: Int) -> Bool {
        let frame = TestEnds.frame(100, UInt8(end))
        return seal(end, frame).map { open(1 - end, $0) } == .frame(frame)
    }

    /// Of so many bytes, with another content for each seed.
    static func frame(_ count: Int, _ seed: UInt8 = 1) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0) &* 7 &+ seed &* 31 }
    }
}
