/// The guest state that an entry of VMX refused: every VMCS field that the processor's checks look at (Intel SDM volume 3C,
/// section 27.3.1), for the tool to find the check that failed. Fields of 64 bits and natural width have a word each, narrower
/// ones half a word.
public enum InvalidStateRecord {
    public static let fieldCount = 61
    private static let wideCount = 28
    private static let firstWord = 9
    /// IA32_VMX_CR0_FIXED0 and 1, IA32_VMX_CR4_FIXED0 and 1, IA32_VMX_MISC (MSRs 486h to 489h and 485h), CPUID 80000008h EAX.
    public static let rulesWord = firstWord + wideCount + (fieldCount - wideCount + 1) / 2

    /// The encoding of a field, by its number below `fieldCount`.
    public static func field(_ index: Int) -> UInt32 {
        let runs: [9 of (count: Int, first: UInt32)] = [
            // Control and segment registers to IA32_SYSENTER_EIP; link pointer to IA32_EFER; PDPTEs.
            (20, 0x6800), (4, 0x2800), (4, 0x280A),
            // Selectors; limits to activity; pin and primary controls, entry controls, event to inject, secondary controls.
            (8, 0x0800), (20, 0x4800), (2, 0x4000), (1, 0x4012), (1, 0x4016), (1, 0x401E),
        ]
        var index = index
        for run in runs.indices {
            if index < runs[run].count { return runs[run].first + UInt32(truncatingIfNeeded: index) * 2 }
            index -= runs[run].count
        }
        return 0
    }

    /// Which word of the record has a field, and from which bit on.
    public static func place(_ index: Int) -> (word: Int, shift: UInt64) {
        if index < wideCount { return (firstWord + index, 0) }
        let narrow = index - wideCount
        return (firstWord + wideCount + narrow / 2, UInt64(narrow % 2) * 32)
    }

    /// - Parameter read: reads a field, as VMREAD does.
    public static func fill(_ record: inout CrashRecord, rules: [6 of UInt64], read: (UInt32) -> UInt64) {
        for i in 0..<fieldCount {
            let (word, shift) = place(i)
            record.words[word] |= read(field(i)) << shift
        }
        for i in rules.indices { record.words[rulesWord + i] = rules[i] }
    }
}
