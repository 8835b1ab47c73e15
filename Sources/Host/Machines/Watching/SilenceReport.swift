import ControlClient
import Foundation

/// What a machine whose management link does not answer is doing: where its processors are, what its ports and interrupt
/// controllers hold, and whether the emulator's threads run at all.
struct SilenceReport {
    private(set) var text: String

    init(_ machine: Machine) {
        text = "the management link of \(machine.emulator.kind) does not answer\n" + Self.threads(machine.process)
        guard let outside = try? MachineProtocol(machine, seconds: 10) else {
            text += "nor does the machine protocol\n"
            return
        }
        // Line status, interrupt enables and modem controls of COM2 and COM1; reading changes nothing but errors noted there.
        let ports = ["0x2fd", "0x2f9", "0x2fc", "0x3fd", "0x3f9"].map { "i /bx \($0)" }
        for command in ["info registers -a", "info pic", "info lapic 0", "info chardev"] + ports + ["info cpus"] {
            let answer = (try? outside.monitor(command)) ?? "no answer"
            text += "(\(command)) " + answer.replacingOccurrences(of: "\r", with: "") + "\n"
        }
    }

    /// Each thread's name, state, what it waits for, and for how long it ran and waited for a processor (ns).
    private static func threads(_ process: pid_t) -> String {
        let folder = "/proc/\(process)/task"
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return numbers.sorted().map { number in
            ["comm", "wchan", "schedstat", "stat"].map { file in
                let text = (try? String(contentsOfFile: "\(folder)/\(number)/\(file)", encoding: .utf8)) ?? ""
                let words = text.split(whereSeparator: \.isWhitespace)
                return file == "stat" ? words.dropFirst(2).first.map(String.init) ?? "" : words.joined(separator: " ")
            }.joined(separator: ", ") + "\n"
        }.joined()
    }
}
