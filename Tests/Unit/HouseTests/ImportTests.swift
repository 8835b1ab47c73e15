import Foundation
import Testing

/// What each file imports: only what lies below, only what its target declares, only what it uses.
@Suite struct ImportTests {
    static let wings = ["Shared": ["Shared"], "Metal": ["Shared", "Metal"], "Host": ["Shared", "Host"]]
    /// Modules of the toolchain and of packages that the trusted wings may import.
    static let bareMetal: Set<String> = ["Synchronization"]

    /// The wing of each of our modules.
    static let wing = Dictionary(Repository.swiftFiles.map { ($0.module, $0.wing) }, uniquingKeysWith: { $1 })
        .merging([
            "Silicon": "Metal", "LoaderEntry": "Metal", "LoaderImage": "Metal", "ModelEntry": "Metal",
            "ModelImage": "Metal", "AESGCM": "Shared",
        ]) { $1 }

    @Test func somethingIsLookedAt() {
        #expect(Repository.swiftFiles.count > 300)
        #expect(Set(Repository.swiftFiles.map(\.wing)) == ["Shared", "Metal", "Host", "Tests"])
        #expect(Repository.swiftFiles.contains { !$0.imports.isEmpty })
    }

    @Test func arrowsPointDown() {
        for file in Repository.swiftFiles {
            for module in file.imports.map(\.module) {
                switch (Self.wings[file.wing], Self.wing[module]) {
                case (let below?, let wing?): #expect(below.contains(wing), "\(file) imports \(module) of \(wing)")
                case (_?, nil) where file.wing != "Host":
                    #expect(Self.bareMetal.contains(module), "\(file) imports \(module)")
                case (nil, let wing?): #expect(wing != "Metal", "\(file) imports \(module), which no host can run")
                default: break
                }
            }
        }
    }

    @Test func eachImportIsDeclaredByTheTarget() {
        let targets = PackageTargets.current.dependencies
        for file in Repository.swiftFiles where file.module != "Fuzz" {
            guard let declared = targets[file.module] else {
                Issue.record("\(file) is part of no target")
                continue
            }
            for module in file.imports.map(\.module) where Self.wing[module] != nil {
                #expect(declared.contains(module), "\(file) imports \(module), which its target does not declare")
            }
        }
    }

    @Test func eachDependencyIsImported() {
        let imported = Dictionary(grouping: Repository.swiftFiles, by: \.module).mapValues { files in
            Set(files.flatMap { $0.imports.map(\.module) })
        }
        for (target, dependencies) in PackageTargets.current.dependencies {
            for dependency in dependencies {
                #expect(
                    imported[target, default: []].contains(dependency), "\(target) depends on \(dependency) in vain")
            }
        }
    }

    /// By text: a word of the file is a name that the module declares.
    @Test func eachImportIsUsed() {
        for file in Repository.swiftFiles {
            for entry in file.imports {
                guard let names = DeclaredNames.modules[entry.module] else { continue }
                let known = entry.isTestable ? names.all : names.visible
                #expect(!file.words.isDisjoint(with: known), "\(file) imports \(entry.module) and uses nothing of it")
                #expect(entry.module != file.module, "\(file) imports its own module")
            }
            let modules = file.imports.map(\.module)
            let twice = Set(modules.filter { module in modules.count { $0 == module } > 1 })
            // Under conditions of compilation an import may stand in both branches.
            #expect(twice.isEmpty || file.lines.contains { $0.hasPrefix("#if") }, "\(file) imports \(twice) twice")
        }
    }

    @Test func whatIsUnusedAndWhatIsNotDeclaredIsFound() {
        let file = SourceFile(
            "Sources/Host/CLI/A.swift",
            text: "import Text\n@testable import X86 // import C\nlet important = 1 // word\n")
        #expect(file.imports == [.init(module: "Text", isTestable: false), .init(module: "X86", isTestable: true)])
        #expect(file.words == ["let", "important", "1"] && file.module == "CLI" && file.wing == "Host")
        var names = DeclaredNames()
        names.add(
            SourceFile(
                "A", text: "public enum A {\n    case b, c\n}\nstruct D {\n    public var e: Int\n    var f = 0\n}"))
        #expect(names.visible == ["A", "b", "c", "e"] && names.all == ["A", "b", "c", "D", "e", "f"])
        let targets = PackageTargets(
            #"room("Shared", "A", ["B", "C"]), room("Shared", "D"), unitTests("E", ["F", yams])"#)
        #expect(targets.dependencies == ["A": ["B", "C"], "D": [], "E": ["F", "Yams"]])
    }
}
