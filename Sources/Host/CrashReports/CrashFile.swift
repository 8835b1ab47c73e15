import Foundation
import Machines
import ManifestRules
import Records

/// Crash records as they lie in a file, oldest first, and the names of the functions of the hypervisor that wrote them.
public struct CrashFile {
    public private(set) var records: [CrashRecord] = []
    /// Records that are not whole or have been changed; they are left out.
    public private(set) var damaged = 0
    public let symbols: CrashSymbols?

    /// Bytes that records and names are well below.
    private static let limit = 4 << 20

    /// Records of a boot volume, given as an image or as a folder.
    public init(volume: String, symbols: String?) throws {
        let reader = try VolumeReader(URL(filePath: volume))
        // Beside another system each slot has a folder of its own.
        let found = try ["BULKHEAD", "BULKHEAD/a", "BULKHEAD/b"].map {
            ($0, try reader.read($0 + "/crash.bin", atMost: Self.limit))
        }
        let place = (found.first { $0.1?.isEmpty == false } ?? found[0]).0
        self.symbols =
            try symbols.map(CrashSymbols.init(file:))
            ?? reader.read(place + "/symbols.bin", atMost: Self.limit).map { CrashSymbols($0) }
        for (_, content) in found { take(content ?? Data(), isDump: false) }
    }

    /// Records in a dump of physical memory.
    public init(memory: String, symbols: String?) throws {
        self.symbols = try symbols.map(CrashSymbols.init(file:))
        take(try Data(contentsOf: URL(filePath: memory), options: .alwaysMapped), isDump: true)
        records.sort { ($0[.bootTime], $0[.tsc]) < ($1[.bootTime], $1[.tsc]) }
    }

    /// - Parameter isDump: whether anything else may stand between records.
    private mutating func take(_ content: Data, isDump: Bool) {
        unsafe content.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: content.count, by: CrashRecord.size) {
                // The bytes from `start` on are whole words up to the record's end, or the record is cut.
                func word(_ index: Int) -> UInt64 {
                    UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: start + index * 8, as: UInt64.self))
                }
                let isWhole = content.count - start >= CrashRecord.size
                if isDump, !isWhole || !CrashRecord.mayBegin(with: word(0)) { continue }
                var record = CrashRecord()
                if isWhole { for i in 0..<CrashRecord.wordCount { record.words[i] = word(i) } }
                if record.isValid { records.append(record) } else if !isDump { damaged += 1 }
            }
        }
    }
}

/// The names of the functions of one build of the hypervisor.
public struct CrashSymbols {
    private let table: Data

    init(_ table: Data) { self.table = table }
    init(file: String) throws { table = try Data(contentsOf: URL(filePath: file)) }

    /// The function that holds an offset, with how far into it that is; nil when `fingerprint` is another build's.
    func name(of offset: UInt64, fingerprint: UInt32) -> String? {
        unsafe table.withUnsafeBytes { bytes in
            // Boot faults come before the hypervisor has read the table itself.
            guard let symbols = unsafe SymbolTable(bytes), fingerprint == 0 || symbols.fingerprint == fingerprint,
                let offset = UInt32(exactly: offset)
            else { return nil }
            var name: [UInt8] = []
            guard let into = symbols.find(offset, limit: 120, name: { name.append($0) }) else { return nil }
            return printable(String(decoding: name, as: UTF8.self)) + "+0x" + String(into, radix: 16)
        }
    }
}
