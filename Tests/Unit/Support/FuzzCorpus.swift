import Foundation

/// The corpus of a fuzzer's target (`Tests/Fuzz/run`): inputs, each behind its length.
public func fuzzCorpus(_ target: String) throws -> [[UInt8]] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    var rest = [UInt8](try Data(contentsOf: root.appending(path: "Tests/Fuzz/\(target)/corpus")))[...]
    var inputs: [[UInt8]] = []
    while rest.count >= 4 {
        let count = rest.prefix(4).enumerated().reduce(0) { $0 | Int($1.element) << ($1.offset * 8) }
        rest = rest.dropFirst(4)
        inputs.append(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
    }
    return inputs
}
