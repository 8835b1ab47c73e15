import Control
import Text
import WireSeal

/// What an end of a wire is sealed with, apart from the rest of the model.
struct SealedEnd: ~Copyable {
    var seal: WireSeal
    /// Frames that were forged: 50,000 instructions each, so that whoever forges takes a few hundredths of the core.
    private var forgeries = Budget(capacity: 256, perSecond: 2000)

    /// - Parameters:
    ///   - name: the channel's; empty where the end is not sealed.
    ///   - address: its network card's, the first byte in bits 7:0.
    init(_ name: Text<31>, address: UInt64, ticksPerSecond: UInt64) {
        seal = WireSeal(name, address: address)
        forgeries.ticksPerSecond = ticksPerSecond
    }

    /// Before frames are moved: see `WireSeal.update`.
    mutating func update(isLive: Bool, random: () -> UInt64?, now: UInt64) -> Bool {
        // Those of the last call.
        forgeries.spend(seal.vain)
        return seal.update(isLive: isLive, random: random, now: now, looks: forgeries.isLeft(now: now))
    }
}
