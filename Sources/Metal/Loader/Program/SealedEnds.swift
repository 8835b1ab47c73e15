import LoaderEntry
import Loaders
import Platform
import WireSeal

/// Hands each sealed end of a wire a key that is made of the partition's secret, and closes its register (`SealRegister`): no later program
/// of the guest's writes one, and none reads it. Without a secret, or without RDRAND, which a session needs, an end gets no key, and
/// its link stays down.
func closeSealedEnds(_ facts: borrowing LoaderFacts) {
    guard facts.platform.hasBus else { return }
    let hasRandom = loader_features() >> 30 & 1 != 0
    let size = min(facts.secretSize, 64)
    let key = unsafe size > 0 && hasRandom ? SealKey(secret: bytes(LoaderMemory.secret, size)) : nil
    for function in 0..<8 as Range<UInt32> {
        let base = 1 << 31 | (UInt32(GuestBus.modelNumber) + function) << 8
        // What is not there reads as ones, another function as 0.
        guard readConfiguration(base | UInt32(SealRegister.state)) == 1 else { continue }
        if let key {
            for i in 0..<8 { writeConfiguration(base | UInt32(SealRegister.key + i * 4), key.word(i)) }
        }
        writeConfiguration(base | UInt32(SealRegister.state), 0)
    }
    loader_out(0xCF8, 0)
}

private func readConfiguration(_ address: UInt32) -> UInt32 {
    loader_out(0xCF8, address)
    return loader_in(0xCFC)
}

private func writeConfiguration(_ address: UInt32, _ value: UInt32) {
    loader_out(0xCF8, address)
    loader_out(0xCFC, value)
}
