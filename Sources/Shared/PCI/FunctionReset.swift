/// How a function can be brought back to what it is after power-on.
public enum ResetMethod: UInt8, Sendable {
    case none = 0
    /// PCI Express Base 6.0, section 6.6.2.
    case functionLevel = 1
    /// D3hot and back, of a function that loses its state there (section 5.3.1.4).
    case powerState = 2
    /// The secondary bus reset of the bridge above (section 6.6.1), which takes all functions behind it along.
    case bus = 3
}

/// Takes a function out of the hands of a guest.
public struct FunctionReset<Space: ConfigurationSpace> {
    private let space: Space
    /// Waits for so many microseconds.
    public typealias Wait = (UInt32) -> Void
    public init(_ space: Space) { self.space = space }

    /// What `function` offers itself.
    public func method(of function: borrowing FunctionDescription) -> ResetMethod {
        if function.hasFunctionReset { return .functionLevel }
        // No_Soft_Reset, bit 3 of PMCSR.
        guard function.powerManagement != 0,
            space.read(function.requester, function.powerManagement + 4, size: 2) & 1 << 3 == 0
        else { return .none }
        return .powerState
    }

    /// Ends what the function does on its own: no requests, no interrupts, and its expansion ROM is nowhere (PCI Express Base
    /// 6.0, sections 7.5.1.2.4 and 7.5.1.3.16). Bridges stay as they are, but for a port's ROM: they pass others' requests on;
    /// so do remapping units (class 0806h).
    public func silence(_ function: borrowing FunctionDescription) {
        let id = function.requester
        let memory = !function.isBridge ? 0x30 : function.secondaryBus != 0 ? 0x38 : 0
        if memory != 0 { space.write(id, memory, size: 4, 0) }
        // Who is not yet ready after a reset says so by its id, where the root port lets software see that (sections 2.3.2 and 7.5.3.12): else the
        // processor's read is tried again until it is, and the core stands.
        let root = function.express + 0x1C
        if function.isBridge, root > 0x1C, space.read(id, root - 0x1A, size: 2) >> 4 & 15 == 4,
            space.read(id, root + 2, size: 2) & 1 != 0
        {
            space.write(id, root, size: 2, space.read(id, root, size: 2) | 1 << 4)
        }
        guard !function.isBridge, function.classCode >> 8 != 0x0806 else { return }
        space.write(id, 4, size: 2, space.read(id, 4, size: 2) & ~(1 << 2) | 1 << 10)
        if function.msi != 0 {
            space.write(id, function.msi + 2, size: 2, space.read(id, function.msi + 2, size: 2) & ~1)
        }
        let msix = function.msix.capability
        if msix != 0 { space.write(id, msix + 2, size: 2, space.read(id, msix + 2, size: 2) & ~(3 << 14) | 1 << 14) }
    }

    /// Silences the function, waits up to 100 ms for the requests that are under way, and resets it.
    public func reset(_ function: borrowing FunctionDescription, by method: ResetMethod, wait: Wait) {
        let id = function.requester
        silence(function)
        let express = function.express
        if express != 0 {
            // Transactions Pending (section 7.5.3.5).
            for _ in 0..<100 where space.read(id, express + 10, size: 2) & 1 << 5 != 0 { wait(1000) }
        }
        switch method {
        case .functionLevel where express != 0:
            let control = space.read(id, express + 8, size: 2)
            space.write(id, express + 8, size: 2, control | 1 << 15)
            wait(100_000)
        case .powerState where function.powerManagement != 0:
            let at = function.powerManagement + 4
            let state = space.read(id, at, size: 2) & ~0x8003
            space.write(id, at, size: 2, state | 3)
            wait(10_000)
            space.write(id, at, size: 2, state)
            wait(10_000)
        case .bus:
            let bridge = function.bridge
            let bridgeControl = space.read(bridge, 0x3E, size: 2)
            space.write(bridge, 0x3E, size: 2, bridgeControl | 1 << 6)
            wait(2000)
            space.write(bridge, 0x3E, size: 2, bridgeControl & ~(1 << 6))
            wait(100_000)
        default: break
        }
    }

    /// After the resets of all functions that one reset may have taken along: what firmware had set of a function's BARs and
    /// of what keeps it apart from its neighbours is set again; for the rest see `GuestFunction.reset`.
    /// - Returns: false when another function than the one that was there, or none, answers within a second, or its BARs are
    ///   not as they were.
    public func restore(_ function: borrowing FunctionDescription, wait: Wait) -> Bool {
        let id = function.requester, isVirtual = function.physicalFunction != nil
        // Virtual functions have no identifiers of their own, but a class.
        let own =
            isVirtual
            ? function.classCode << 8 | UInt32(function.revision)
            : UInt32(function.device) << 16 | UInt32(function.vendor)
        let at = isVirtual ? 8 : 0
        for _ in 0..<100 where space.read(id, at, size: 4) != own { wait(10_000) }
        guard space.read(id, at, size: 4) == own, AccessControl.enable(function, on: space) else { return false }
        if isVirtual { return true }
        space.write(id, 4, size: 2, space.read(id, 4, size: 2) & ~3)
        return space.restore(function.bars, of: id, at: 0x10, resizable: function.resizable)
    }
}

extension FunctionDescription {
    /// Whether its bus is not to be reset, beside another function behind that bridge: one reset takes all along, and virtual
    /// functions of the other one that stay would go.
    /// - Parameter isBefore: whether the other one's turn is before this one's.
    public func isReset(with other: borrowing FunctionDescription, isBefore: Bool, stays: Bool) -> Bool {
        guard reset == .bus, other.bridge == bridge else { return false }
        return stays ? true : isBefore ? other.reset == .bus : false
    }
}
