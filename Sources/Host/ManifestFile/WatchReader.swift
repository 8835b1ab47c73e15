import Manifest
import ManifestRules
import Yams

extension FieldReader {
    /// `{kernel: report, lock-after: 60s}`.
    mutating func watch(_ node: Node, image: ImagePath) -> WatchSpec {
        var spec = WatchSpec()
        locate(.watch, node)
        let values = mapping(
            node, "\"watch\"", known: ["kernel", "lock-after"], required: [("kernel", .watch)], field: .watch)
        let response = value(values["kernel"], .watch) { (text) throws(ValueError) in
            try parseWord(text, WatchResponse.names, "an answer to an attack")
        }
        if let response { spec.response = response }
        if let seconds = value(values["lock-after"], .watch, parseSeconds) { spec.lockAfter = seconds }
        if spec.response == .off, values["lock-after"] != nil {
            fail(node.mark?.line, "\"lock-after\" says nothing where nothing is guarded", field: .watch)
        }
        if spec.response != .off, image.count > ImagePath.capacity - ".sites".utf8.count {
            let reason =
                "the list of places where the kernel patches itself is called \(quoted(image.string + ".sites")), which is too long"
            fail(node.mark?.line, reason, hint: "name the image by 57 characters at most", field: .watch)
        }
        locate(.watch, node)
        return spec.response == .off ? WatchSpec() : spec
    }
}

/// `90s`, `2m`, `1h`: a whole number and a unit, as seconds; at most a day.
func parseSeconds(_ text: String) throws(ValueError) -> UInt32 {
    let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600]
    guard let unit = text.last.flatMap({ units[$0] }), let number = parseNumber(String(text.dropLast())) else {
        throw ValueError(reason: "\(quoted(text)) is not a time", hint: "write a whole number and a unit: 60s, 5m")
    }
    let (seconds, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow, seconds <= UInt64(WatchSpec.maxLockAfter) else {
        throw ValueError(reason: "\(quoted(text)) is longer than a day")
    }
    return UInt32(seconds)
}
