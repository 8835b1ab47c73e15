import Text

/// Which of the machine's functions can reach each other, or pass for one another, without the IOMMU between them. Only whole
/// groups can be given away (PCI Express Base 6.0, section 6.12; the rules are those of Linux' iommu_groups, but for switches,
/// whose ports Linux takes to be apart even without access control).
///
/// What counts is what a port can do: `AccessControl.enable` makes it do so.
public struct IsolationGroups: Sendable {
    private struct Member {
        var requester: UInt16 = 0
        /// The lowest requester id in the group.
        var group: UInt16 = 0
        /// Requests from behind the bridge arrive at the IOMMU under this one's id.
        var alias: UInt16?
        /// Of a bridge: the buses behind it; `last` is 0 for others.
        var first: UInt8 = 0
        var last: UInt8 = 0
        /// Whether it sends up, or refuses, what would go to its neighbours, and so do all ports above it.
        var isolates = false
        var pathIsolates = false

        /// Whether a function is behind the bridge.
        func leads(to other: UInt16) -> Bool { first...max(first, last) ~= UInt8(truncatingIfNeeded: other >> 8) }
        /// Whether the bus behind `other`, which is not behind this one, is: which of the two leads there, nobody knows.
        func claims(_ other: Member) -> Bool {
            first != 0 && other.first != 0 && leads(to: UInt16(other.first) << 8) && !leads(to: other.requester)
        }
    }
    private var members = BoundedList<128, Member>(unused: Member())
    /// False when there was no room for a function, or two bridges claim one bus: then nothing is known about isolation.
    public private(set) var isComplete = true

    public init() {}

    /// Adds the next function, after the bridge above it, as `BusScan` finds them.
    public mutating func add(_ function: FunctionDescription, on space: some ConfigurationSpace) {
        let id = function.requester
        let kind = PortKind(function, on: space)
        var new = Member(requester: id, group: id)
        let header = space.read(id, 0x0E, size: 1)
        let hasControl = function.accessControl != 0, secondary = function.secondaryBus
        let isMultifunction = id & 7 != 0 || header & 0x80 != 0
        switch kind {
        case .conventional, .fromConventional, .toConventional, .eventCollector: new.isolates = false
        case .rootPort, .downstreamPort: new.isolates = hasControl
        case .other: new.isolates = !isMultifunction || hasControl
        }
        let parent = function.bridge == 0 ? nil : index(of: function.bridge)
        let above: UInt16? = parent.map { members[$0].alias } ?? nil
        new.pathIsolates = new.isolates && (parent.map { members[$0].pathIsolates } ?? true)
        if header & 0x7F == 1 {
            new.first = secondary
            new.last = function.subordinateBus
            new.alias =
                switch kind {
                // The bridge to conventional PCI takes the place of what is behind it (PCI Express to PCI/PCI-X Bridge 1.0,
                // section 2.3).
                case .toConventional: above ?? UInt16(secondary) << 8
                case .conventional, .fromConventional: above ?? id
                default: above
                }
        }
        if members.first(where: { new.claims($0) || $0.claims(new) }) != nil { isComplete = false }
        guard members.append(new) else { return isComplete = false }
        if let parent, !members[parent].pathIsolates { join(id, members[parent].requester) }
        if let parent, kind == .downstreamPort, !hasControl { joinAll(behind: parent) }
        guard isMultifunction, !new.isolates else { return }
        for i in 0..<members.count where members[i].requester >> 3 == id >> 3 && !members[i].isolates {
            join(id, members[i].requester)
        }
    }

    /// Joins what a switch sends straight to each other: a port without access control reaches all that is behind the others.
    private mutating func joinAll(behind upstream: Int) {
        members[upstream].pathIsolates = false
        for i in 0..<members.count where members[upstream].leads(to: members[i].requester) {
            members[i].pathIsolates = false
            join(members[i].requester, members[upstream].requester)
        }
    }

    /// Makes one group of those of two functions.
    mutating func join(_ one: UInt16, _ other: UInt16) {
        let a = group(of: one), b = group(of: other)
        for i in 0..<members.count where members[i].group == max(a, b) { members[i].group = min(a, b) }
    }

    private func index(of requester: UInt16) -> Int? { members.firstIndex { $0.requester == requester } }

    /// The number of a function's group: the lowest requester id in it. A function that is not listed has one of its own.
    public func group(of requester: UInt16) -> UInt16 {
        guard let i = index(of: requester) else { return requester }
        return members[i].group
    }

    /// The group of `physical`'s virtual functions, each of which has one of its own (nil) when nothing above lets them
    /// reach others.
    public func group(virtualFunctionsOf physical: borrowing FunctionDescription) -> UInt16? {
        guard physical.bridge != 0, let i = index(of: physical.bridge), !members[i].pathIsolates else { return nil }
        return members[i].group
    }

    /// The second requester id as which a function's requests may arrive, behind a bridge to conventional PCI.
    public func alias(of function: borrowing FunctionDescription) -> UInt16? {
        guard function.bridge != 0, let i = index(of: function.bridge) else { return nil }
        return members[i].alias
    }

    /// Whether the bus of `function` can be reset: there is a bridge above, and none behind that one, which would forget
    /// its bus numbers.
    public func canResetBus(of function: borrowing FunctionDescription) -> Bool {
        guard function.bridge != 0, let n = index(of: function.bridge), members[n].last != 0 else { return false }
        return members.first { $0.last != 0 && members[n].leads(to: $0.requester) } == nil
    }
}

/// What PCI Express says of a function's place (section 7.5.3.2, Device/Port Type).
private enum PortKind {
    case conventional, rootPort, downstreamPort, toConventional, fromConventional, eventCollector, other

    init(_ function: borrowing FunctionDescription, on space: borrowing some ConfigurationSpace) {
        let at = function.express, type = at == 0 ? nil : space.read(function.requester, at + 2, size: 2) >> 4 & 0xF
        switch type {
        case nil: self = .conventional
        case 4: self = .rootPort
        case 6: self = .downstreamPort
        case 7: self = .toConventional
        case 8: self = .fromConventional
        case 10: self = .eventCollector
        default: self = .other
        }
    }
}

/// PCI Express' access control services (section 7.7.11).
public enum AccessControl {
    /// Source validation, redirection of peer requests and completions, upstream forwarding.
    private static let wanted: UInt32 = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4
    /// Egress control, and what lets requests that a device calls translated go straight to its neighbours.
    private static let unwanted: UInt32 = 1 << 5 | 1 << 6

    /// Makes a function send up what would go to its neighbours, as far as it can. A reset of the function undoes it.
    /// - Returns: whether it reads back so.
    public static func enable(
        _ function: borrowing FunctionDescription, on space: borrowing some ConfigurationSpace
    ) -> Bool {
        let at = function.accessControl
        guard at != 0 else { return true }
        let size = isWide(function) ? 4 : 2, register = at + 4 + size
        let able = space.read(function.requester, at + 4, size: 2) & wanted
        let control = space.read(function.requester, register, size: size)
        space.write(function.requester, register, size: size, control & ~unwanted | able)
        return space.read(function.requester, register, size: size) & (able | unwanted) == able
    }

    /// Whether the function's registers have 4 bytes each, so that control is 8 behind the capability and not 6: root ports of
    /// Intel's 100 and 200 series (Linux: `pci_quirk_intel_spt_pch_acs`). Without this the machine would be refused.
    private static func isWide(_ function: borrowing FunctionDescription) -> Bool {
        guard function.vendor == 0x8086, function.accessControl <= 0xFF4 else { return false }
        return switch function.device {
        case 0x9D10...0x9D1B, 0xA110...0xA11F, 0xA167...0xA16A, 0xA290...0xA29F, 0xA2E7...0xA2EE: true
        default: false
        }
    }
}
