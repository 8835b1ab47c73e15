import Foundation

/// What ArgumentParser says of a command (`--experimental-dump-help`, version 0).
public struct HelpDump: Decodable {
    public struct Command: Decodable {
        public struct Argument: Decodable {
            public struct Name: Decodable {
                public var kind: String
                public var name: String
            }
            public var kind: String
            public var names: [Name]?
            public var valueName: String?
            public var abstract: String?
            public var discussion: String?
            public var defaultValue: String?
            public var isOptional: Bool
            public var isRepeating: Bool
            public var shouldDisplay: Bool
        }
        public var commandName: String
        public var abstract: String?
        public var discussion: String?
        public var subcommands: [Command]?
        public var arguments: [Argument]?
    }
    public var serializationVersion: Int
    public var command: Command

    public init(json: Data) throws {
        self = try JSONDecoder().decode(HelpDump.self, from: json)
        guard serializationVersion == 0 else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "another version of the help"))
        }
    }
}

/// A page for man(1), in the macros of man(7).
public struct ManualPage {
    public var fileName: String
    public var text: String

    /// One for the tool and one for each command, in their order.
    /// - Parameter section: of the manual: 1 of users' commands, 8 of the administrator's.
    public static func all(_ help: HelpDump, version: String, section: Int = 1) -> [ManualPage] {
        func pages(_ command: HelpDump.Command, _ path: [String]) -> [ManualPage] {
            let own = path + [command.commandName]
            let inside = (command.subcommands ?? []).filter { $0.commandName != "help" }
            return [ManualPage(command, own, inside, version, section)] + inside.flatMap { pages($0, own) }
        }
        return pages(help.command, [])
    }

    private init(
        _ command: HelpDump.Command, _ path: [String], _ inside: [HelpDump.Command], _ version: String, _ section: Int
    ) {
        let name = path.joined(separator: "-")
        fileName = "\(name).\(section)"
        let arguments = (command.arguments ?? []).filter(\.shouldDisplay)
        var lines = [
            ".TH \(Self.quoted(name.uppercased())) \(section) \"\" \(Self.quoted("bulkhead \(version)")) Bulkhead"
        ]
        lines += [".SH NAME", "\(Self.plain(name)) \\- \(Self.plain(command.abstract ?? ""))"]
        lines += [".SH SYNOPSIS", ".B " + Self.plain(path.joined(separator: " "))]
        lines += arguments.map { Self.plain(Self.synopsis($0)) }
        if !inside.isEmpty { lines.append(".I command") }
        if let discussion = command.discussion { lines += [".SH DESCRIPTION"] + Self.paragraphs(discussion) }
        if !arguments.isEmpty {
            lines.append(".SH OPTIONS")
            for argument in arguments {
                let words = [argument.abstract, argument.discussion, argument.defaultValue.map { "Default: \($0)." }]
                lines += [".TP", ".B " + Self.plain(Self.title(argument))]
                lines.append(Self.plain(words.compactMap { $0 }.joined(separator: " ")))
            }
        }
        if !inside.isEmpty {
            lines.append(".SH COMMANDS")
            for one in inside { lines += [".TP", ".B " + Self.plain(one.commandName), Self.plain(one.abstract ?? "")] }
        }
        let others = path.count > 1 ? [path.dropLast().joined(separator: "-")] : []
        let related = others + inside.map { (path + [$0.commandName]).joined(separator: "-") }
        if !related.isEmpty {
            lines.append(".SH SEE ALSO")
            lines.append(related.map { "\\fB\(Self.plain($0))\\fR(\(section))" }.joined(separator: ",\n"))
        }
        text = lines.joined(separator: "\n") + "\n"
    }

    /// `--disk <disk>`, `-o, --output <output>`, `<file>`.
    private static func title(_ argument: HelpDump.Command.Argument) -> String {
        let value = "<\(argument.valueName ?? "value")>"
        if argument.kind == "positional" { return value }
        // Short ones first, as --help has them.
        let all = (argument.names ?? []).map { ($0.kind == "long" ? "--" : "-") + $0.name }
        let names = all.sorted { $0.count < $1.count }.joined(separator: ", ")
        return argument.kind == "flag" ? names : names + " " + value
    }

    private static func synopsis(_ argument: HelpDump.Command.Argument) -> String {
        let name = argument.names?.first { $0.kind == "long" } ?? argument.names?.first
        let dashes = name?.kind == "long" ? "--" : "-"
        let value = "<\(argument.valueName ?? "value")>"
        let words =
            argument.kind == "positional"
            ? value : dashes + (name?.name ?? "") + (argument.kind == "flag" ? "" : " " + value)
        return (argument.isOptional ? "[\(words)]" : words) + (argument.isRepeating ? " ..." : "")
    }

    /// Blank lines part paragraphs; what is indented stays as it is.
    private static func paragraphs(_ text: String) -> [String] {
        var lines: [String] = []
        var isExample = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isIndented = line.hasPrefix("  ")
            if isIndented != isExample, !line.isEmpty {
                lines.append(isIndented ? ".nf" : ".fi")
                isExample = isIndented
            }
            lines.append(line.isEmpty ? (isExample ? "" : ".PP") : plain(String(line)))
        }
        return isExample ? lines + [".fi"] : lines
    }

    /// Text that says nothing to the formatter: no escapes, no hyphens for dashes, no lines that begin with a request.
    private static func plain(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-")
        let lines = escaped.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.map { $0.hasPrefix(".") || $0.hasPrefix("'") ? "\\&" + $0 : String($0) }.joined(separator: "\n")
    }

    private static func quoted(_ text: String) -> String { "\"" + plain(text).replacing("\"", with: "") + "\"" }
}
