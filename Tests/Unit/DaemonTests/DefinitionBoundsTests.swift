@testable import Daemon
import LibvirtWire
import Testing

/// What a client sends comes back in messages and is compared: it is short before it does.
@Suite struct DefinitionBoundsTests {
    private let bench: DaemonBench
    private let client: BenchClient
    private let long = String(repeating: "k", count: 4096)

    init() throws {
        bench = try DaemonBench()
        client = try bench.client()
    }

    /// In the place of what `DefinitionTests.xml` has.
    private func define(_ new: String, for old: String) throws -> Answer? {
        try client.define(DefinitionTests.xml.replacing(old, with: new))
    }

    @Test func textsOfValuesAreBounded() throws {
        let image = "images/vmlinux<", bounded = String(repeating: "/", count: 4096 - 14) + image
        #expect(try define(bounded, for: "/\(image)")?.code == 0)
        let answer = try define("/\(bounded)", for: "/\(image)")
        #expect(answer?.code == 67 && answer?.text.contains("<os><kernel>: its text has more than 4096 bytes") == true)
        // Those for people may be longer.
        #expect(try define("<title>\(long)\(long)</title><memory", for: "<memory")?.code == 0)
    }

    /// A list of cores of 4 MiB, or any other attribute, of any element that means something.
    @Test func attributesAreBounded() throws {
        for (old, element) in [
            ("<domain ", "<domain>"), ("<name", "<name>"), ("<resource", "<resource>"),
            ("<type arch='x86_64'", "<os><type>"), ("<console type='pty'", "<devices><console>"),
        ] {
            let answer = try define("\(old) x='k\(long)' ", for: old)
            let text = "\(element): x has more than 4096 bytes"
            #expect(answer?.code == 67 && answer?.text.contains(text) == true, "\(element)")
        }
        let cores = "cpuset='\(String(repeating: "2-3,", count: 1024))2-3'"
        #expect(try define(cores, for: "cpuset='2-3'")?.text.contains("<vcpu>: cpuset has more than") == true)
        // Metadata are not looked at.
        #expect(try define("<metadata><x y='k\(long)'/></metadata><memory", for: "<memory")?.code == 0)
    }

    @Test(arguments: [64, 65]) func eachCoreHasOnePinAtMost(pins: Int) throws {
        let list = String(repeating: "<vcpupin vcpu='1' cpuset='3'/>", count: pins)
        #expect(try define("<cputune>\(list)</cputune><resource", for: "<resource")?.code == (pins == 64 ? 0 : 67))
    }

    /// What is refused is named, and not sent back as a whole.
    @Test func refusalsQuoteLittle() throws {
        let long = long.dropLast(16)
        for (new, old) in [
            ("type='\(long)'", "type='bulkhead'"), (">\(long)<", ">1<"), ("unit='\(long)'", "unit='GiB'"),
            (">\(long)</vcpu", ">2</vcpu"), ("cpuset='\(long)'", "cpuset='2-3'"), ("/\(long)<", "/workload<"),
            (">\(long)</kernel", ">/images/vmlinux</kernel"), (">\(long)</type", ">hvm</type"),
            ("<uuid>\(long)</uuid><memory", "<memory"), ("'\(long)'", "'x86_64'"),
            ("<vcpu current='\(long)'", "<vcpu"),
            ("<cputune><vcpupin vcpu='\(long)'/></cputune><resource", "<resource"),
            ("<cputune><vcpupin vcpu='1' cpuset='\(long)'/></cputune><resource", "<resource"),
        ] {
            let answer = try define(new, for: old)
            #expect(answer.map { $0.code != 0 && $0.packet.payload.count < 512 } == true, "\(old)")
        }
        let unknown = try client.call("domain_lookup_by_name") { $0.string(String(long)) }
        #expect(unknown?.code == 42 && (unknown?.packet.payload.count ?? 0) < 512)
    }

    @Test func quotes() {
        #expect("a".quoted == "'a'" && "".quoted == "''")
        let text = String(repeating: "a", count: 128)
        #expect(text.quoted == "'\(text)'" && "\(text)b".quoted == "'\(text)...'")
        // Between two scalars.
        #expect(String(repeating: "€", count: 100).quoted == "'\(String(repeating: "€", count: 42))...'")
    }
}
