import Foundation

/// The file with a sealed secret, and the files that go into it.
public enum SealedFile {
    /// - Returns: at most `limit` bytes; one more where there are more.
    /// - Throws: `SealError.unreadable`.
    private static func read(_ file: String, atMost limit: Int) throws(SealError) -> [UInt8] {
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: file))
            var content = Data()
            // A pipe hands out what it has.
            while content.count <= limit, let more = try handle.read(upToCount: limit + 1 - content.count),
                !more.isEmpty
            { content += more }
            return Array(content)
        } catch {
            throw .unreadable(file: file, reason: systemWords(Self.number(of: error)))
        }
    }

    /// - Throws: `SealError.secretSize`, `unreadable`.
    public static func secret(_ file: String) throws(SealError) -> [UInt8] {
        let content = try read(file, atMost: SealedSecret.mostBytes)
        guard (SealedSecret.leastBytes...SealedSecret.mostBytes).contains(content.count) else {
            throw .secretSize(file: file)
        }
        return content
    }

    /// An owner's public key: one level of HSS, 24 or 32 bytes of digest.
    /// - Throws: `SealError.keySize`, `unreadable`.
    public static func publicKey(_ file: String) throws(SealError) -> [UInt8] {
        let content = try read(file, atMost: 60)
        guard content.count == 52 || content.count == 60, content.starts(with: [0, 0, 0, 1]) else {
            throw .keySize(file: file)
        }
        return content
    }

    /// - Throws: `SealError.exists`.
    public static func requireNew(_ file: String) throws(SealError) {
        var facts = stat()
        guard unsafe lstat(file, &facts) != 0 else { throw .exists(file: file) }
    }

    /// Writes a new file beside it, mode 0600, which takes its place when it is on the disk.
    /// - Parameter force: in the place of one that is there. Else none is ever replaced, also none that
    ///   appears meanwhile, but on a volume without hard links.
    /// - Throws: `SealError.exists`, `unwritable`.
    public static func write(_ content: [UInt8], to file: String, force: Bool) throws(SealError) {
        let target = URL(filePath: file), folder = target.deletingLastPathComponent().path
        let partial =
            folder + "/.\(target.lastPathComponent).new-" + String(UInt64.random(in: .min ... .max), radix: 16)
        let new = unsafe open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard new >= 0 else { throw .unwritable(file: file, reason: systemWords()) }
        let handle = FileHandle(fileDescriptor: new, closeOnDealloc: true)
        var number: Int32 = 0
        do {
            try handle.write(contentsOf: content)
            try handle.synchronize()
            number = put(partial, target.path, force: force)
        } catch { number = Self.number(of: error) }
        guard number == 0 else {
            unsafe unlink(partial)
            if number == EEXIST { throw .exists(file: file) }
            throw .unwritable(file: file, reason: systemWords(number))
        }
        // Its place is on the disk too; where a file system cannot do that, it is done later.
        let parent = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }

    /// Gives a file its name.
    /// - Returns: 0, or the system's number of the error; `EEXIST` where there is one of this name that must stay.
    private static func put(_ partial: String, _ name: String, force: Bool) -> Int32 {
        if !force {
            // Unlike rename(2) it replaces nothing.
            if unsafe link(partial, name) == 0 {
                unsafe unlink(partial)
                return 0
            }
            // A volume of firmware (FAT) knows no links: looked at first.
            var facts = stat()
            if unsafe (errno == EEXIST || lstat(name, &facts) == 0) { return EEXIST }
        }
        return unsafe rename(partial, name) == 0 ? 0 : errno
    }

    /// The system's number of an error of Foundation.
    private static func number(of error: any Error) -> Int32 {
        let error = error as NSError, cause = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
        return cause.domain == NSPOSIXErrorDomain ? Int32(cause.code) : EIO
    }

    private static func systemWords(_ number: Int32 = errno) -> String {
        // strerror's answer stays valid until the next call; it is copied here.
        unsafe String(cString: strerror(number))
    }
}
