import Foundation
import Machines

/// What a slot is written to. A test stands in for the power that fails in between.
public protocol SectorDevice {
    /// Bytes.
    var size: UInt64 { get }
    /// Fewer bytes where the device ends.
    func read(_ offset: UInt64, _ count: Int) throws -> Data
    func write(_ offset: UInt64, _ data: Data) throws
    /// Comes back when all that was written has reached the disk.
    func flush() throws
    /// What is read from now on comes from the disk, not from what the system remembers of it. After `flush`.
    func forget() throws
}

/// A disk, or a file that is the image of one, open for as long as the value lives. Everything asked of it is about what was
/// opened, whatever its name leads to by now. Nobody else of those who ask can write it meanwhile.
public final class SectorFile: SectorDevice {
    public let path: String
    public let size: UInt64
    /// Of what is open.
    let facts: stat
    private let handle: FileHandle

    var isDisk: Bool { facts.st_mode & S_IFMT == S_IFBLK }

    /// - Throws: `MachineError.impossible` for what is no disk and no file, is used or locked, or has sectors that are not
    ///   of 512 bytes; `missing` for what is not there.
    public convenience init(_ path: String, isWritable: Bool) throws {
        // O_EXCL without O_CREAT: Linux refuses a disk that is mounted or otherwise in use (open(2)).
        try self.init(path, flags: isWritable ? O_RDWR | O_EXCL : O_RDONLY, isWritable: isWritable)
    }

    /// Makes the image of a disk, with nothing in it.
    /// - Throws: `MachineError.impossible` where something is, or where no file belongs.
    public convenience init(new path: String, size: UInt64) throws {
        try SafeFile.requirePlace(URL(filePath: path))
        guard size <= UInt64(Int64.max) else { throw MachineError.impossible("no file is so large") }
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw MachineError.impossible("\(path) cannot be made: \(unsafe String(cString: strerror(errno)))")
        }
        guard ftruncate(descriptor, off_t(size)) == 0 else {
            let cause = unsafe String(cString: strerror(errno))
            close(descriptor)
            unlink(path)
            throw MachineError.impossible("\(path) cannot be made so large: \(cause)")
        }
        // Not by its name again, which may lead elsewhere by now.
        try self.init(path, descriptor, isWritable: true)
    }

    private convenience init(_ path: String, flags: Int32, isWritable: Bool) throws {
        // O_NONBLOCK: a pipe in its place is refused, not waited for.
        let descriptor = unsafe open(path, flags | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno != ENOENT else {
                throw MachineError.missing(
                    file: path, hint: "name a disk such as /dev/sdb, or a file that is the image of one")
            }
            throw MachineError.impossible("\(path) cannot be opened: \(unsafe String(cString: strerror(errno)))")
        }
        try self.init(path, descriptor, isWritable: isWritable)
    }

    private init(_ path: String, _ descriptor: Int32, isWritable: Bool) throws {
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        self.path = path
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, [S_IFBLK, S_IFREG].contains(facts.st_mode & S_IFMT) else {
            throw MachineError.impossible("\(path) is neither a disk nor a file")
        }
        self.facts = facts
        size = try handle.seekToEnd()
        try lock(isWritable: isWritable)
        var sector: Int32 = 512
        // BLKSSZGET, which is a macro.
        if isDisk { _ = unsafe ioctl(descriptor, 0x1268, &sector) }
        if let words = Self.obstacle(sectorSize: Int(sector)) { throw MachineError.impossible("\(path) \(words)") }
    }

    /// Firmware counts a partition table's addresses in a disk's own sectors (UEFI 2.10, section 5.3.1), and ours has 512 bytes.
    static func obstacle(sectorSize: Int) -> String? {
        sectorSize == GPT.sectorSize
            ? nil
            : "has sectors of \(sectorSize) bytes, and only those of 512 are supported: some disks can be formatted so "
                + "(`nvme format --lbaf`, `hdparm --set-sector-size`)"
    }

    /// Who writes a disk locks it, so that udev and partitioning programs keep away (systemd's "Locking Block Device Access");
    /// of images an emulator that runs from one is noticed too.
    private func lock(isWritable: Bool) throws {
        // udev looks at a disk for a moment whenever it was written.
        for attempt in 0..<30 {
            if flock(handle.fileDescriptor, (isWritable ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 { break }
            // Some file systems have no locks.
            guard errno == EWOULDBLOCK else { break }
            guard attempt < 29 else { throw isInUse }
            Thread.sleep(forTimeInterval: 0.1)
        }
        guard isWritable, !isDisk else { return }
        var all = Glibc.flock()
        all.l_type = Int16(F_WRLCK)
        all.l_whence = Int16(SEEK_SET)
        // F_OFD_SETLK, which is a macro: QEMU holds such locks on the images that it uses.
        if unsafe fcntl(handle.fileDescriptor, 37, &all) == -1, errno == EAGAIN || errno == EACCES { throw isInUse }
    }

    private var isInUse: MachineError { .impossible("\(path) is in use by another program, which has locked it") }

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

    /// As far as the system remembers: the disk's own memory is the disk's.
    public func forget() throws {
        let failure = posix_fadvise(handle.fileDescriptor, 0, 0, Int32(POSIX_FADV_DONTNEED))
        // BLKFLSBUF: also what was mapped, or read by its name, is dropped.
        let flushed = isDisk ? unsafe ioctl(handle.fileDescriptor, 0x1261, 0) : 0
        guard failure == 0, flushed == 0 else {
            throw MachineError.impossible("what was written to \(path) cannot be read back from the disk itself")
        }
    }
}
