import Foundation

/// The targets of Package.swift and what each depends on, by its text.
struct PackageTargets {
    /// By target.
    private(set) var dependencies: [String: Set<String>] = [:]

    init(_ text: String) {
        let pattern =
            /(?:room\("\w+", |hostRoom\(\s*|unitTests\(\s*|[tT]arget\(\s*name: )"(?<name>\w+)"(?<rest>[^"\[]*\[(?<list>[^\]]*)\])?/
        for match in text.matches(of: pattern) {
            let name = String(match.output.name)
            let rest = match.output.rest ?? "", list = match.output.list ?? ""
            // Another argument's list is none of dependencies.
            let isList = !rest.prefix { $0 != "[" }.contains { $0 == ")" } && !rest.contains("Settings:")
            var found = Set<String>()
            if isList {
                for word in list.matches(of: /"(\w+)"/) { found.insert(String(word.output.1)) }
                if list.contains(/\byams\b/) { found.insert("Yams") }
            }
            dependencies[name] = found
        }
    }

    static let current = PackageTargets(Repository.current.text("Package.swift"))
}
