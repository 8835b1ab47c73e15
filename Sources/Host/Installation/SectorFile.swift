import Foundation
import Machines

/// What a slot is written to. A test stands in for the power that fails in between.
public protocol SectorDevice {
    /// Bytes.
    var size: UInt64 { get }
    func read(_ offset: UInt64, _ count: Int) throws -> Data
    func write(_ offset: UInt64, _ data: Data) throws
    /// Comes back when all that was written has reached the disk.
    func flush() throws
}

/// A disk, or a file that is the image of one.
public final class SectorFile: SectorDevice {
    private let handle: FileHandle
    public let size: UInt64

    /// - Throws: `MachineError.impossible` where it cannot be opened.
    public init(_ path: String, isWritable: Bool) throws {
        let flags = isWritable ? O_RDWR | O_EXCL : O_RDONLY
        // O_EXCL without O_CREAT: Linux refuses a disk that is mounted or otherwise in use (open(2)).
        let descriptor = unsafe open(path, flags)
        guard descriptor >= 0 else {
            throw MachineError.impossible("\(path) cannot be opened: \(unsafe String(cString: strerror(errno)))")
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        size = try handle.seekToEnd()
    }

    public func read(_ offset: UInt64, _ count: Int) throws -> Data {
        try handle.seek(toOffset: offset)
        var data = Data()
        while data.count < count, let more = try handle.read(upToCount: count - data.count), !more.isEmpty {
            data += more
        }
        return data
    }

    public func write(_ offset: UInt64, _ data: Data) throws {
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: data)
    }

    public func flush() throws { try handle.synchronize() }

    /// Makes a file so long, with nothing in it where it grows.
    public static func resize(_ path: String, to size: UInt64) throws {
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.truncate(atOffset: size)
        try handle.close()
    }
}
