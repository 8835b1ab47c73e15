import Foundation
import Machines

extension Workspace {
    public var contractFile: URL { root.appending(path: "Tools/contract.yaml") }

    /// - Throws: `ContractError`, `YamlError`, and what reading the file throws.
    public func contract() throws -> Contract {
        try Contract(yaml: String(contentsOf: contractFile, encoding: .utf8))
    }

    /// Lines of all that runs in root mode, comments included, as `Tools/tcb` counts them.
    /// - Throws: `MachineError`.
    public func rootModeLines() throws -> Int {
        let table = try Tool.run(root.appending(path: "Tools/tcb").path, [])
        let row = table.split(separator: "\n").first { $0.hasPrefix("all that runs in root mode ") }
        let columns = row?.split(separator: " ").suffix(3) ?? []
        guard columns.count == 3, let lines = columns.last.flatMap({ Int($0) }) else {
            throw MachineError.miscounted("Tools/tcb has printed no sum")
        }
        return lines
    }
}

extension Contract {
    /// A figure with the four digits behind the point that the file keeps, or fewer.
    public static func text(_ figure: Double) -> String {
        let digits = String(format: "%.4f", figure)
        return String(digits.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
    }

    /// The same file with other `last` figures; comments, bounds and the rest stay as they are.
    /// - Parameter figures: by name; terms that are not among them keep what they had.
    public static func recording(_ figures: [String: Double], in yaml: String) -> String {
        yaml.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            let name = line.prefix { $0 != ":" }.trimmingCharacters(in: .whitespaces)
            guard let figure = figures[name], let end = line.firstIndex(of: "}") else { return String(line) }
            let text = Self.text(figure)
            guard let last = line.range(of: #"last: *[0-9.]+"#, options: .regularExpression) else {
                return line[..<end] + ", last: \(text)" + line[end...]
            }
            return line.replacingCharacters(in: last, with: "last: \(text)")
        }.joined(separator: "\n")
    }
}
