import Foundation
import Manifest
import ManifestRules

/// Reads, validates and encodes the manifest file at `path`, with the digests of its images, which must be where `images` says.
/// Throws everything that is wrong with it at once.
public func compileManifest(
    _ path: String, images: ImageSource = .checkout, isLoading: Bool = false
) throws(ManifestRefused) -> (Manifest, [UInt8]) {
    var manifest = try readManifest(path, images: images, isLoading: isLoading)
    try manifest.nameImages(images, file: path)
    return (manifest, try encodeManifest(manifest, file: path))
}

/// As `compileManifest`, without the encoding.
public func readManifest(
    _ path: String, images: ImageSource = .checkout, isLoading: Bool = false
) throws(ManifestRefused) -> Manifest {
    try parseManifest(try readText(path), file: path, images: images, isLoading: isLoading)
}

func readText(_ path: String) throws(ManifestRefused) -> String {
    let data = try readFile(path, limit: maxFileSize)
    guard let text = String(validating: data, as: UTF8.self) else {
        throw ManifestRefused(problems: [ManifestProblem(file: path, reason: "this is not UTF-8 text")])
    }
    return text
}

/// The manifest that the YAML in `text` describes. `file` is its name in problems.
/// - Parameter isLoading: whether partitions' loaders are run on their images.
public func parseManifest(
    _ text: String, file: String, images: ImageSource = .checkout, isLoading: Bool = false
) throws(ManifestRefused) -> Manifest {
    var reader = FieldReader(file: file)
    let manifest = reader.manifest(try composeYAML(text, file: file))
    manifest.forEachProblem { reader.report($0, manifest) }
    reader.checkImages(manifest, images, isLoading: isLoading)
    guard reader.problems.isEmpty else {
        // Lines in order; a stable sort keeps what was found first within one line.
        let sorted = reader.problems.enumerated().sorted {
            ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset)
        }
        throw ManifestRefused(problems: sorted.map(\.element))
    }
    return manifest
}

/// The deterministic CBOR form of a valid manifest.
public func encodeManifest(_ manifest: Manifest, file: String) throws(ManifestRefused) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: Manifest.maxEncodedSize)
    do {
        let count = try manifest.encode(into: buffer.mutableSpan)
        return Array(buffer[..<count])
    } catch {
        throw ManifestRefused(problems: [ManifestProblem(file: file, reason: "it cannot be encoded: \(error)")])
    }
}

/// Reads an encoded manifest as the hypervisor does, and holds it against the tool's own rules.
public func decodeManifest(_ path: String) throws(ManifestRefused) -> Manifest {
    let bytes = try readFile(path, limit: Manifest.maxEncodedSize)
    var manifest = Manifest()
    var refusals: [ManifestRefusal] = []
    do throws(ManifestError) {
        try manifest.decode(bytes.span)
        manifest.forEachProblem { refusals.append($0) }
    } catch {
        refusals = [ManifestRefusal(error)]
    }
    guard refusals.isEmpty else {
        throw ManifestRefused(
            problems: refusals.map {
                ManifestProblem(file: path, field: $0.field.name, reason: $0.sentence(manifest))
            })
    }
    return manifest
}

private func readFile(_ path: String, limit: Int) throws(ManifestRefused) -> [UInt8] {
    func refused(_ reason: String) -> ManifestRefused {
        ManifestRefused(problems: [ManifestProblem(file: path, reason: reason)])
    }
    guard FileManager.default.fileExists(atPath: path) else { throw refused("no such file") }
    let facts = try? URL(filePath: path).resolvingSymlinksInPath().resourceValues(forKeys: [.isDirectoryKey])
    guard facts?.isDirectory != true else { throw refused("this is a folder, not a file") }
    guard let handle = FileHandle(forReadingAtPath: path) else { throw refused("the file cannot be read") }
    defer { try? handle.close() }
    guard let data = try? handle.read(upToCount: limit + 1) ?? Data() else { throw refused("the file cannot be read") }
    guard data.count <= limit else { throw refused("the file is longer than \(limit) bytes") }
    return Array(data)
}
