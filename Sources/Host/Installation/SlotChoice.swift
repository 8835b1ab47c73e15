import Machines

/// Which slot a command is about, by what the disk says.
extension [SlotDisk.State] {
    /// The slot that the machine falls back to, which no update touches: one that is whole and confirmed, else one that is
    /// whole and not counted, else one that is whole and has starts left; of two the newer one. nil: there is none.
    var kept: Slot? {
        let whole = filter { $0.isWhole == true && $0.entry != nil && $0.entry?.triesLeft != 0 }
        let best = [
            whole.filter { $0.entry?.isConfirmed == true }, whole.filter { $0.entry?.triesLeft == nil }, whole,
        ].first { !$0.isEmpty }
        return best?.max { $0.version < $1.version }?.slot
    }

    /// Where an update goes.
    public var target: Slot { kept?.other ?? first(where: \.isNext)?.slot.other ?? .a }

    /// What is lost by an update besides free room: words, empty where nothing is.
    public var loss: String {
        guard let state = first(where: { $0.slot == target }), let entry = state.entry else { return "" }
        if !entry.isConfirmed { return " (it had version \(entry.version), which was never confirmed)" }
        return state.isWhole == true ? "" : " (it had version \(entry.version), which is damaged)"
    }

    /// Whether one is started, and none is damaged.
    public var isHealthy: Bool { contains(where: \.isNext) && allSatisfy { $0.isWhole != false } }

    /// Of the next update.
    /// - Parameter remedy: for versions that are used up, which no number of updates can do: somebody has written them.
    func nextVersion(
        _ remedy: String = "`bulkhead install --disk` makes it anew"
    ) throws(MachineError) -> Int {
        let last = compactMap(\.entry?.version).max() ?? 0
        guard last < LoaderEntry.lastVersion else {
            throw .impossible("the versions on this disk are used up; \(remedy)")
        }
        return last + 1
    }

    /// The entry that `confirm` ends the counting of.
    /// - Parameter slot: the one that runs, as the user says.
    func toConfirm(_ slot: Slot?) throws(MachineError) -> LoaderEntry {
        if let slot {
            guard let entry = self.entry(of: slot) else { throw .impossible("slot \(slot.rawValue) is empty") }
            guard first(where: { $0.slot == slot })?.isWhole == true else {
                throw .impossible("slot \(slot.rawValue) is damaged; nothing was changed")
            }
            return entry
        }
        let pending = compactMap(\.entry).filter { !$0.isConfirmed }
        guard let entry = pending.first else {
            guard let next = first(where: \.isNext)?.entry else { throw .impossible("no slot is started") }
            return next
        }
        let name = entry.slot.rawValue
        guard pending.count > 1 || !entry.isUnseen else {
            throw .impossible(
                "the disk does not tell whether slot \(name) has been started: its starts are not counted. If it is what runs, "
                    + "say so by --slot \(name)")
        }
        guard pending.count == 1, entry.triesLeft != 0 else {
            // On its last start it has none left, as it has after the machine went back to the other one.
            throw .impossible(
                "the disk does not tell which slot runs: slot \(name) has \(entry.triesLeft ?? 0) starts left. Say which one it "
                    + "is, by --slot a or --slot b; `bulkhead ps` names the machine of the manifest that runs")
        }
        guard entry.triesDone > 0 else {
            throw .impossible(
                "slot \(name) has not been started yet; start it first, or confirm it unseen by --slot \(name)")
        }
        return entry
    }

    /// The entry of the slot that is older.
    func toGoBackTo() throws(MachineError) -> LoaderEntry {
        let entries = compactMap(\.entry)
        guard entries.count == 2, let older = entries.min(by: { $0.version < $1.version }) else {
            throw .impossible("there is no other slot to go back to")
        }
        let name = older.slot.rawValue
        guard first(where: { $0.slot == older.slot })?.isWhole == true else {
            throw .impossible("slot \(name) is not whole; nothing was changed")
        }
        guard older.triesLeft == nil else {
            throw .impossible(
                "slot \(name) was never confirmed; if it is healthy, `bulkhead confirm --slot \(name)`, then this again"
            )
        }
        return older
    }

    private func entry(of slot: Slot) -> LoaderEntry? { first { $0.slot == slot }?.entry }
}

extension SlotDisk.State {
    fileprivate var version: Int { entry?.version ?? 0 }
}
