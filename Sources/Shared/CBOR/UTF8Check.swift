/// Well-formedness of UTF-8 as the Unicode Standard's table 3-7 has it: no overlong form, no surrogate, nothing
/// beyond U+10FFFF, nothing cut short.
public enum UTF8Check {
    public static func isValid(_ bytes: borrowing Span<UInt8>) -> Bool {
        var i = 0
        while i < bytes.count {
            let lead = bytes[i]
            i += 1
            if lead < 0x80 { continue }
            let followers: Int
            // The first continuation byte has a narrower range after E0, ED, F0 and F4.
            var low: UInt8 = 0x80
            var high: UInt8 = 0xBF
            switch lead {
            case 0xC2...0xDF: followers = 1
            case 0xE0:
                followers = 2
                low = 0xA0
            case 0xED:
                followers = 2
                high = 0x9F
            case 0xE1...0xEF: followers = 2
            case 0xF0:
                followers = 3
                low = 0x90
            case 0xF1...0xF3: followers = 3
            case 0xF4:
                followers = 3
                high = 0x8F
            default: return false
            }
            guard bytes.count - i >= followers else { return false }
            for k in 0..<followers {
                let byte = bytes[i + k]
                guard byte >= (k == 0 ? low : 0x80), byte <= (k == 0 ? high : 0xBF) else { return false }
            }
            i += followers
        }
        return true
    }
}
