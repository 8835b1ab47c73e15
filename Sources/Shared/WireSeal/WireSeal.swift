import Text

/// One end of a wire that is sealed: what its guest sends leaves it encrypted, and nothing reaches the guest but what the other end with
/// the same key has sealed, once (decisions/sealed-wires.md). An end that is not sealed does nothing here.
///
/// Two ends agree on a session by greetings, which name a nonce of each and have a code by the key. A session begins when a greeting
/// answers this end's newest nonce, which nobody knew before: then the other is there now. Each nonce makes one session.
public struct WireSeal: ~Copyable, Sendable {
    /// What the other end is to be told next.
    enum Owed: Sendable {
        case nothing
        /// That there is no session.
        case greeting
        /// That its greeting has come.
        case answer(SealNonce)
        /// That there is one.
        case session
    }

    public let isSealed: Bool
    private let name: Text<31>
    /// Of the guest's network card.
    private let address: UInt64
    private var register: SealRegister
    private(set) var keys: WireKeys?
    /// This end's nonce for the next session.
    private(set) var nonce: SealNonce?
    /// How many were drawn.
    private var drawn: UInt64 = 0
    package var session: SealedSession?
    var owed = Owed.nothing
    private var wasLive = false
    /// Whether codes of what comes are computed in this call, and how many were for nothing: each costs as much as a frame of the other end's.
    private var looks = false
    public private(set) var vain = 0

    /// - Parameters:
    ///   - name: the channel's; empty where it is not sealed.
    ///   - address: the network card's, the first byte in bits 7:0.
    public init(_ name: Text<31>, address: UInt64) {
        isSealed = !name.isEmpty
        (self.name, self.address) = (name, address)
        register = SealRegister(isSealed: isSealed)
    }

    /// Reads or writes a double word of `SealRegister`; nil where it is none of it.
    public mutating func access(_ offset: Int, _ value: UInt32?) -> UInt32? {
        guard isSealed, SealRegister.range.contains(offset) else { return nil }
        guard let value else { return offset == SealRegister.state ? register.value : 0 }
        if let key = register.write(offset, value), AESGCMCheck.passes() { keys = WireKeys(key, name) }
        return 0
    }

    /// Before frames are moved: draws what it needs.
    /// - Parameters:
    ///   - isLive: whether the guest's driver is there. Each one that comes begins anew.
    ///   - random: 64 random bits; nil where there are none.
    ///   - looks: whether frames that come are looked at. Where too many were forged, all are refused unseen for a while.
    /// - Returns: whether the link may be up: without a key or a nonce it stays down.
    public mutating func update(isLive: Bool, random: () -> UInt64?, now: UInt64, looks: Bool) -> Bool {
        guard isSealed else { return true }
        (self.looks, vain) = (looks, 0)
        guard let keys else { return false }
        if isLive != wasLive {
            wasLive = isLive
            (session, nonce, owed) = (nil, nil, .nothing)
        }
        if nonce == nil {
            nonce = SealNonce(keys.session, random: random, now: now, count: drawn)
            drawn &+= 1
        }
        return nonce != nil || session != nil
    }

    /// The other end may have come.
    public mutating func greet() { if isSealed, session == nil { oweGreeting() } }

    /// What answers the other end goes first.
    private mutating func oweGreeting() { if !owesGreeting { owed = .greeting } }

    /// Seals a frame of the guest's in a buffer of `SealLayout.bufferSize` bytes, where it lies from `SealLayout.plain` on.
    /// - Parameter count: its bytes.
    /// - Returns: bytes of what lies from 0 on then; nil where it may not be sent: there is no session, and the other end is greeted.
    public mutating func seal(_ frame: UnsafeMutableRawBufferPointer, count: Int) -> Int? {
        guard count >= SealLayout.type + 2, count <= SealLayout.bufferSize - SealLayout.overhead else { return nil }
        if session?.isUsedUp == true { session = nil }
        guard let keys, session != nil else {
            oweGreeting()
            return nil
        }
        let start = SealLayout.plain, shortest = SealLayout.shortest - SealLayout.overhead
        // As a card does.
        for i in count..<max(count, shortest) { unsafe frame[start + i] = 0 }
        for i in 0..<SealLayout.type { unsafe frame[i] = frame[start + i] }
        unsafe keys.mark(frame, SealLayout.data)
        return unsafe session?.seal(frame, count: start + max(count, shortest))
    }

    /// What a frame that has come is.
    public enum Opened: Sendable {
        /// The guest's, in these bytes of the buffer.
        case frame(Range<Int>)
        /// For this end itself.
        case taken
        /// Nobody's: not sealed by the other end, not for this session, or not the first time.
        case refused
    }

    /// Opens a frame that has come, where it lies.
    /// - Parameter count: its bytes.
    public mutating func open(_ frame: UnsafeMutableRawBufferPointer, count: Int) -> Opened {
        guard looks, let keys, unsafe keys.areMarked(frame, count) else { return .refused }
        guard unsafe frame[SealLayout.kind] == SealLayout.data else {
            // An old one is as authentic as a new one: there are few that are not for nothing.
            vain += 1
            guard let greeting = unsafe Greeting(frame, count, keys) else { return .refused }
            return take(greeting) ? .taken : .refused
        }
        guard count >= SealLayout.content + 2 + SealLayout.tagSize else { return .refused }
        let number = unsafe UInt32(
            bigEndian: frame.loadUnaligned(fromByteOffset: SealLayout.session, as: UInt32.self))
        guard number == session?.receiveID else {
            // Of a session that this end does not know: which one does the other mean?
            oweGreeting()
            return .refused
        }
        switch unsafe session?.open(frame, count: count) {
        case .authentic: break
        case .forged:
            vain += 1
            return .refused
        case .seen, nil: return .refused
        }
        // They may overlap.
        let start = unsafe frame.baseAddress.unsafelyUnwrapped
        unsafe (start + SealLayout.plain).copyMemory(from: start, byteCount: SealLayout.type)
        return .frame(SealLayout.plain..<count - SealLayout.tagSize)
    }

    /// Takes an authentic greeting, which may be an old one.
    /// - Returns: whether it is of use.
    private mutating func take(_ greeting: Greeting) -> Bool {
        // This end's own, which came back.
        if greeting.own == nonce || greeting.own == session?.own { return false }
        // The other end has the same session.
        if greeting.session != 0, greeting.session == session?.sendID { return true }
        if greeting.own == session?.peer {
            owed = .session
        } else if let keys, let nonce, greeting.answered == nonce {
            session = SealedSession(keys.session, own: nonce, peer: greeting.own)
            // It makes no second one.
            self.nonce = nil
            owed = .session
        } else if greeting.answered == .none || session == nil {
            // What the other end of a session is owed stays: this one may be old.
            if case .session = owed { return true }
            // One that answers somebody else tells who is there all the same.
            owed = .answer(greeting.own)
        } else {
            return false
        }
        return true
    }

    public var owesGreeting: Bool {
        if case .nothing = owed { return false }
        return true
    }

    /// Writes what the other end is to be told, if anything is.
    /// - Parameter frame: `SealLayout.bufferSize` bytes.
    /// - Returns: bytes of the frame; 0 where nothing is.
    public mutating func takeGreeting(_ frame: UnsafeMutableRawBufferPointer) -> Int {
        defer { owed = .nothing }
        let number = session?.receiveID ?? 0
        var greeting: Greeting?
        switch owed {
        case .nothing: break
        case .greeting: greeting = nonce.map { Greeting(own: $0, answered: .none, session: number) }
        case .answer(let peer): greeting = nonce.map { Greeting(own: $0, answered: peer, session: number) }
        case .session: greeting = session.map { Greeting(own: $0.own, answered: $0.peer, session: number) }
        }
        guard let keys, let greeting else { return 0 }
        unsafe greeting.write(frame, keys, from: address)
        return SealLayout.helloSize
    }
}
