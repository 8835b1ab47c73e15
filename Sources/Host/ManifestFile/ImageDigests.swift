import Foundation
import KernelImages
import Manifest
import Trust

extension Manifest {
    /// Notes what the images are that a machine may start: the hypervisor compares before it starts a partition.
    mutating func nameImages(_ source: ImageSource, file: String) throws(ManifestRefused) {
        if case .unchecked = source { return }
        for i in 0..<partitionCount {
            do {
                var digests = ImageDigests()
                digests.kernel = try Digest384(of: source.locate(partitions[i].image.string))
                let initrd = partitions[i].initrd.string
                digests.initrd = initrd.isEmpty ? Digest384(of: Data()) : try Digest384(of: source.locate(initrd))
                digests.sites = Digest384(of: Data())
                if partitions[i].watch.response != .off {
                    let kernel = try source.locate(partitions[i].image.string)
                    let cache = cacheFolder(of: checkoutRoot()).appending(path: "sites")
                    digests.sites = try Digest384(of: KernelSites.file(for: kernel, in: cache))
                }
                partitions[i].digests = digests
            } catch let error as KernelImageError {
                let image = partitions[i].image.string
                let reason = "`watch` finds no Linux kernel that it knows in \(quoted(image)): \(error.description)"
                throw ManifestRefused(problems: [ManifestProblem(file: file, reason: reason)])
            } catch {
                let reason = (error as? ImageMissing)?.reason ?? "an image of partition \(i + 1) cannot be read"
                throw ManifestRefused(problems: [ManifestProblem(file: file, reason: reason)])
            }
        }
    }
}

extension Digest384 {
    public init(of data: Data) {
        var hash = SHA384()
        unsafe data.withUnsafeBytes { unsafe hash.put($0) }
        self = hash.finish()
    }

    /// Of a file's content.
    public init(of file: URL) throws {
        self.init(of: try Data(contentsOf: file.resolvingSymlinksInPath(), options: .mappedIfSafe))
    }

    /// 96 hexadecimal digits.
    public var text: String {
        (0..<Self.bytes).map { String(self[$0] >> 4, radix: 16) + String(self[$0] & 15, radix: 16) }.joined()
    }
}
