import Testing

/// A folder of keys may be another user's than the one who works in it. So its files are reached by an open folder, which follows no
/// link; what takes a path follows every one.
@Suite struct KeyFolderPathTests {
    @Test func noFileOfKeysIsReachedByItsPath() {
        let names: Set<Substring> = [
            "FileManager", "contentsOfFile", "forReadingFrom", "forWritingTo", "resourceValues", "stat", "lstat",
            "rename", "unlink", "mkdir", "rmdir", "fopen", "opendir", "chown", "truncate", "symlink", "readlink",
            "realpath", "access",
        ]
        let files = Repository.swiftFiles.filter {
            $0.path.hasPrefix("Sources/Host/Keys/") && !$0.path.hasSuffix("/OpenFolder.swift")
        }
        #expect(files.count > 10)
        for file in files {
            #expect(file.words.intersection(names) == [], "\(file)")
            for line in file.lines where line.contains(/(Data|String)\(contentsOf:|\.write\(to:|unsafe (open|chmod)\(/)
            {
                Issue.record("\(file): \(line)")
            }
        }
    }
}
