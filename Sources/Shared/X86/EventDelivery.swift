/// What comes of an exception that was raised while another event was being delivered (Intel SDM volume 3A, section 6.15, table
/// 6-5; AMD64 APM volume 2, section 8.2.9). The processor decides so by itself; where it exits for the exception instead, this
/// does.
public enum EventDelivery: Equatable, Sendable {
    /// The exception. An instruction that brought the other event about runs again and brings it again.
    case exception
    /// The exception; the interrupt or NMI, which nothing brings again, is due behind it.
    case exceptionBeforeInterrupt
    case doubleFault
    case shutdown

    /// - Parameters:
    ///   - vector: the exception's.
    ///   - event: what was being delivered; both vendors write it down in the same form (APM volume 2, section 15.20).
    public init(_ vector: UInt8, during event: InterruptionInfo) {
        self = .exception
        guard event.isValid else { return }
        switch event.kind {
        case .externalInterrupt, .nmi: self = .exceptionBeforeInterrupt
        case .hardwareException:
            let isPageFault = vector == Vector.pageFault
            guard isPageFault || Self.isContributory(vector) else { return }
            if event.vector == Vector.doubleFault {
                self = .shutdown
            } else if event.vector == Vector.pageFault || Self.isContributory(event.vector) && !isPageFault {
                self = .doubleFault
            }
        default: break
        }
    }

    /// Divide error, segment and protection faults, control protection.
    private static func isContributory(_ vector: UInt8) -> Bool {
        vector < 32 && 0x0020_3C01 >> UInt32(vector) & 1 != 0
    }
}
