import Testing
import X86

/// A processor that runs a guest as SVM does, as far as NMIs go: an injected event is delivered whatever is blocked, and an
/// injected NMI blocks none (AMD64 APM volume 2, section 15.20). Its guest has a handler of five instructions, the last of
/// which is IRET, and a main program that sets the interrupt shadow now and then.
private struct GuestModel {
    /// Return addresses; as many as handlers are under way.
    var stack: [UInt64] = []
    var rip: UInt64 = 0
    var deepest = 0
    var taken = 0
    var interceptsReturn = false
    var shadow = false
    /// An event of another kind that is due: its delivery was cut short.
    var event = false
    var lostEvents = 0

    static let handler: UInt64 = 1000
    var isAtReturn: Bool { rip == Self.handler + 4 }

    mutating func deliverNMI() {
        if event { lostEvents += 1 }
        stack.append(rip)
        deepest = max(deepest, stack.count)
        taken += 1
        (rip, shadow) = (Self.handler, false)
    }
    /// One instruction; true when it exits instead.
    mutating func run() -> Bool {
        if isAtReturn {
            if interceptsReturn { return true }
            rip = stack.removeLast()
            shadow = false
            return false
        }
        rip += 1
        shadow = rip < Self.handler && rip % 3 == 0
        if rip == 900 { rip = 0 }
        return false
    }
}

@Suite struct GuestNMITests {
    /// NMIs, shadows and events come in any order; whatever exits is answered as the hypervisor does.
    @Test(arguments: 0..<200 as Range<UInt64>) func noneNestsNoneIsLostNoneTakesAnothersPlace(seed: UInt64) {
        var random = Sequence(seed: seed)
        var guest = GuestModel(), nmi = GuestNMI()
        var asked = 0
        for _ in 0..<2000 {
            if random.next() % 7 == 0 {
                if !nmi.isPending { asked += 1 }
                nmi.isPending = true
            }
            if random.next() % 11 == 0 { guest.event = true }
            switch nmi.next(at: guest.rip, hasEvent: guest.event, inShadow: guest.shadow) {
            case .inject:
                #expect(!guest.shadow && !guest.event)
                guest.deliverNMI()
                guest.interceptsReturn = true
            case .exitBehindEvent: #expect(guest.event)
            case .singleStep: #expect(guest.shadow && !guest.isAtReturn)
            case .singleStepReturn: #expect(guest.isAtReturn)
            case .nothing: break
            }
            // The entry delivers what is due, then the guest runs until something exits.
            guest.event = false
            let steps = random.next() % 4
            for _ in 0...steps where guest.run() {
                nmi.leave(at: guest.rip)
                guest.interceptsReturn = false
                break
            }
        }
        #expect(guest.deepest <= 1 && guest.lostEvents == 0)
        #expect(guest.taken > 50 && guest.taken >= asked - 1)
    }

    @Test func whatHoldsItBack() {
        var nmi = GuestNMI()
        #expect(nmi.next(at: 1, hasEvent: false, inShadow: false) == .nothing)
        nmi.isPending = true
        #expect(nmi.next(at: 1, hasEvent: true, inShadow: true) == .exitBehindEvent)
        #expect(nmi.next(at: 1, hasEvent: false, inShadow: true) == .singleStep)
        #expect(nmi.next(at: 1, hasEvent: false, inShadow: false) == .inject)
        nmi.isPending = true
        #expect(nmi.next(at: 7, hasEvent: false, inShadow: false) == .nothing)
        nmi.leave(at: 9)
        #expect(nmi.next(at: 9, hasEvent: false, inShadow: false) == .singleStepReturn)
        #expect(nmi.next(at: 1, hasEvent: false, inShadow: false) == .inject)
    }
}

/// The same sequence for the same seed.
private struct Sequence {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493 }
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
