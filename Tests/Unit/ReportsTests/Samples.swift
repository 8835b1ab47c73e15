import Control
import Manifest
import Text

func text<let n: Int>(_ string: String) -> Text<n> {
    var text = Text<n>()
    for byte in string.utf8 { text.append(byte) }
    return text
}

enum Samples {
    static var machine: MachineInfo {
        var machine = MachineInfo()
        (machine.version, machine.name) = (text("0.1.0"), text("demo"))
        (machine.cores, machine.memory) = (4, 2 << 30)
        (machine.imageBytes, machine.hypervisorMemory) = (360 << 10, 5 << 20)
        (machine.startMicroseconds, machine.uptimeMicroseconds) = (41_300, 12_500_000)
        machine.trust = .secureBoot | .ownerKey
        return machine
    }

    static var partitions: [PartitionInfo] {
        var first = PartitionInfo(), second = PartitionInfo()
        (first.name, first.state, first.cores) = (text("control-loop"), .running, CoreSet(rawValue: 0b10))
        (first.memory, first.starts, first.uptimeMicroseconds) = (256 << 20, 1, 7_100_000)
        (first.hypervisorMemory, first.permits, first.image) = (1_000_000, .all, text("linux-rt"))
        // A name that would steer a terminal.
        (second.name, second.state, second.cause) = (text("a\u{1B}[2J"), .crashed, .tripleFault)
        (second.cores, second.memory, second.starts) = (CoreSet(rawValue: 0b1101), 1 << 30, 12)
        (second.hypervisorMemory, second.permits) = (2 << 20, ControlOperations.statistics.union(.consoleRead))
        return [first, second]
    }
}
