import Manifest

/// Which partitions are to be handed a secret that is not among the images yet: no refusal, since it is sealed on the machine itself.
/// - Returns: a sentence for each, with what to do.
public func secretNotes(_ manifest: Manifest, images: ImageSource) -> [String] {
    manifest.partitionList.compactMap { spec in
        let path = spec.sealedPath.string
        guard spec.secret != nil, (try? images.locate(path)) == nil else { return nil }
        return
            "partition \"\(spec.name.string)\": there is no \(path) among the images, so its guest starts without its secret; "
            + "`bulkhead seal --output \(path)` makes it where the machine's TPM is (Documentation/sealing.md)"
    }
}
