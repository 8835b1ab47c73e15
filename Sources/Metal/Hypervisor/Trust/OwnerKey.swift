import CBOR
import Manifest
import Silicon
import Trust

/// The owner's public key, which the tool has put behind the program as a third section before it was signed for Secure Boot
/// (Microsoft PE format, "Section Table"; `image.ld` has the first two). Only boot reads it.
enum OwnerKey {
    /// As HSS has it, a page at the most; nil where the program has no third section.
    static var bytes: (address: UInt64, size: UInt64)? {
        guard load(image_address() + 0x46, as: UInt16.self) == 3 else { return nil }
        return (image_data_end(), min(UInt64(load(image_address() + 0x1A0, as: UInt32.self)), 4096))
    }
}

extension Manifest {
    /// Decodes a manifest's file; where this program has its owner's key, only what the owner has signed. Gives what was decoded.
    @_lifetime(copy file)
    mutating func decode(file: Span<UInt8>) throws(ManifestError) -> Span<UInt8> {
        let key = OwnerKey.bytes
        let content: Span<UInt8>
        var isOwners = key == nil
        do throws(CBORError) {
            let signed = try COSESign1(file, max: Self.maxEncodedSize)
            content = signed.payload
            if let key {
                let pages = unsafe bytes(key.address, key.size)
                let key = unsafe Span(_unsafeElements: pages.assumingMemoryBound(to: UInt8.self))
                isOwners = signed.isSigned(by: key, for: "manifest")
            }
        } catch {
            content = file
            if key != nil { throw ManifestError(.notSigned) }
        }
        if !isOwners { throw ManifestError(.otherSignature) }
        try decode(content)
        for i in 0..<partitionCount where key != nil && partitions[i].digests == nil {
            throw ManifestError(.imagesUnknown, partition: i)
        }
        return content
    }
}
