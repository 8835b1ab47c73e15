import Manifest
import Yams

/// When a guest counts as ready, as the manifest's `ready` says. Tools go by it; the compiled form does not have it.
public enum Readiness: Equatable, Sendable {
    /// The guest's console shows this text.
    case pattern(String)
    /// It has kicked its watchdog.
    case watchdog
    /// It has run for so many seconds.
    case time(Int)
}

extension FieldReader {
    mutating func readiness(_ node: Node?, _ spec: PartitionSpec) {
        guard let node, let text = text(node, .ready), let partition else { return }
        let line = node.mark?.line
        if text == "watchdog" {
            readiness[partition] = .watchdog
            guard spec.watchdog == 0, !broken.contains(FieldKey(partition: partition, field: .watchdog)) else { return }
            fail(line, "there is no watchdog to be ready by", hint: "add a line \"watchdog: 60s\"", field: .ready)
        } else if let seconds = parseSeconds(text) {
            readiness[partition] = .time(seconds)
        } else {
            readiness[partition] = .pattern(text)
            guard !spec.console else { return }
            fail(
                line, "there is no console on which \(quoted(text)) could show", hint: "write a time: 20s",
                field: .ready)
        }
    }
}

/// When each partition's guest counts as ready, by its index, where the file says so.
public func readReadiness(_ path: String) throws(ManifestRefused) -> [Int: Readiness] {
    var reader = FieldReader(file: path)
    _ = reader.manifest(try composeYAML(try readText(path), file: path))
    return reader.readiness
}

/// `90s`, `2m` or `1h`; nil for all else.
private func parseSeconds(_ text: String) -> Int? {
    let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600]
    guard let unit = text.last.flatMap({ units[$0] }), let number = parseNumber(String(text.dropLast())) else {
        return nil
    }
    let (seconds, overflow) = number.multipliedReportingOverflow(by: unit)
    return overflow ? nil : Int(exactly: seconds)
}

/// A watchdog's time for the first kick.
func parseWatchdog(_ text: String) throws(ValueError) -> UInt16 {
    guard let seconds = parseSeconds(text), 1...Int(Manifest.maxWatchdog) ~= seconds else {
        throw ValueError(reason: "\(quoted(text)) is not a watchdog's time", hint: "write 1s to 1h, such as 60s or 5m")
    }
    return UInt16(seconds)
}

/// Restarts in an hour.
func parseRestartLimit(_ text: String) throws(ValueError) -> UInt8 {
    guard let limit = parseNumber(text).flatMap({ UInt8(exactly: $0) }), limit > 0 else {
        throw ValueError(
            reason: "\(quoted(text)) is not a number of restarts", hint: "write 1 to 255, or leave it out: no limit")
    }
    return limit
}
