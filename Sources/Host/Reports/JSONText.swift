import Foundation
import ManifestRules

/// JSON for programs: keys in snake case and in alphabetical order, on one line unless `pretty`. A terminal may show it.
public func jsonText(_ value: some Encodable, pretty: Bool = true) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys]
    return printableJSON(String(decoding: try encoder.encode(value), as: UTF8.self))
}
