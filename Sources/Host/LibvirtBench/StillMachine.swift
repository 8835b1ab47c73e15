import Control
import Manifest
import Resources

/// A machine that is not there: one partition, `test` as libvirt's test driver calls its domain, which runs and in which
/// nothing happens.
struct StillMachine: ControlBackend {
    private static func label(_ text: String) -> Label {
        var label = Label()
        for byte in text.utf8 { label.append(byte) }
        return label
    }

    func machine() -> MachineInfo {
        var info = MachineInfo()
        (info.name, info.version, info.cores, info.memory) = (Self.label("bench"), Self.label("0.1.0"), 4, 4 << 30)
        return info
    }

    var partitionCount: Int { 1 }

    func info(_ partition: Int) -> PartitionInfo {
        var info = PartitionInfo()
        (info.name, info.state, info.starts) = (Self.label(Self.partition), .running, 1)
        (info.cores, info.memory, info.permits) = (CoreSet(rawValue: 0b110), 8 << 30, .all)
        for byte in "vmlinux".utf8 { _ = info.image.append(byte) }
        return info
    }

    static let partition = "test"

    func exits(_ partition: Int, vcpu: Int) -> ExitCounters { ExitCounters() }
    func channelCount(_ partition: Int) -> Int { 0 }
    func channel(_ partition: Int, _ index: Int) -> ChannelCounters { ChannelCounters() }
    func traffic(_ partition: Int) -> TrafficCounters { TrafficCounters() }
    func clockMicroseconds() -> UInt64 { 1 }
    func takeProtection(_ partition: Int, vcpu: Int) -> UInt64 { 0 }
    func beginSelfCheck(_ partition: Int) -> UInt64 { 0 }
    var inventoryCount: Int { 0 }
    func inventory(_ index: Int) -> InventoryItem { InventoryItem(.core, [0, 0, 0, 0]) }
    func readLog(from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange? { nil }
    func readConsole(_ partition: Int, from: UInt64, into buffer: inout MutableSpan<UInt8>) -> ConsoleRange {
        (position: 0, count: 0, end: 0)
    }
    func writeConsole(_ partition: Int, _ bytes: borrowing Span<UInt8>) -> Int { 0 }
    func request(_ operation: ControlOperation, _ partition: Int) -> ControlStatus { .failed }
    func nextEvent() -> ControlEvent? { nil }
}
