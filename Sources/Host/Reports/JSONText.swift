import Foundation
import ManifestFile

/// JSON for programs: keys in snake case and in alphabetical order, on one line unless `pretty`. A terminal may show it.
public func jsonText(_ value: some Encodable, pretty: Bool = true) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return try jsonText(value, encoder, pretty: pretty)
}
