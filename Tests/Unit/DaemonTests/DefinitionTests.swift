import Control
@testable import Daemon
import LibvirtWire
import Manifest
import Testing

@Suite struct DefinitionTests {
    static let xml = """
        <domain type='bulkhead'>
          <name>work</name>
          <memory unit='GiB'>1</memory>
          <vcpu placement='static' cpuset='2-3'>2</vcpu>
          <resource><partition>/workload</partition></resource>
          <os><type arch='x86_64'>hvm</type><kernel>/images/vmlinux</kernel></os>
          <devices><console type='pty'/></devices>
        </domain>
        """

    private func info(_ name: Label, cores: UInt64, memory: UInt64) -> PartitionInfo {
        var info = PartitionInfo()
        (info.name, info.cores, info.memory) = (name, .init(rawValue: cores), memory)
        for byte in "vmlinux".utf8 { _ = info.image.append(byte) }
        return info
    }

    private func machine() -> MachineModel {
        let machine = MachineModel()
        machine.take(
            .up(
                MachineInfo(), [],
                [info("loop", cores: 2, memory: 512 << 20), info("workload", cores: 12, memory: 1 << 30)]))
        return machine
    }

    private func define(_ xml: String) throws(RemoteError) -> DomainDefinition {
        try DomainDefinition(xml) { _ in nil }
    }

    private func refusal(_ xml: String, _ machine: MachineModel? = nil) -> RemoteError? {
        do throws(RemoteError) {
            let definition = try define(xml)
            _ = try machine?.place(definition)
            return nil
        } catch { return error }
    }

    @Test func theTextStaysAsItIs() throws {
        let definition = try define(Self.xml)
        #expect(definition.text == Self.xml.replacing("</name>", with: "</name>\n  <uuid>\(definition.uuid)</uuid>"))
        // What it has become is taken byte for byte.
        #expect(try define(definition.text).text == definition.text)
        // The id of a domain that runs is the daemon's.
        let live = definition.live(id: 7)
        #expect(live.hasPrefix("<domain id='7' type='bulkhead'>"))
        #expect(live.contains("<console type='pty'><alias name='console0'/></console>"))
        #expect(
            try define(live.replacing("<alias name='console0'/></console>", with: "</console>")).uuid == definition.uuid
        )
        #expect(try define(live).text.hasPrefix("<domain type='bulkhead'>"))
        let known = WireUUID.named("a")
        #expect(try DomainDefinition(Self.xml) { $0 == "work" ? known : nil }.uuid == known)
    }

    @Test func whatCannotBeHonouredIsRefusedByName() {
        for (element, name) in [
            ("<devices><disk type='file'/></devices>", "<devices><disk>"), ("<vcpus/>", "<vcpus>"),
            ("<devices><graphics/></devices>", "<devices><graphics>"), ("<os><initrd>x</initrd></os>", "<os><initrd>"),
            ("<cpu mode='custom'/>", "<cpu>"), ("<on_crash>preserve</on_crash>", "<on_crash>"),
            ("<launchSecurity type='sev'/>", "<launchSecurity>"),
            ("<features><hyperv/></features>", "<features><hyperv>"),
            ("<devices><console type='tcp'/></devices>", "<devices><console>"),
            ("<name><b/></name>", "<name><b>"),
        ] {
            let error = refusal(Self.xml.replacing("  <memory", with: "  \(element)\n  <memory"))
            #expect(error?.code == .configUnsupported, "\(element)")
            #expect(error?.message.contains("\(name):") == true, "\(element): \(error?.message ?? "")")
        }
        #expect(refusal(Self.xml.replacing("'bulkhead'", with: "'kvm'"))?.message.contains("<domain>") == true)
        #expect(refusal("<domain type='bulkhead'/>")?.code == .xmlError)
        #expect(refusal("<domain")?.code == .xmlError)
        #expect(refusal(Self.xml.replacing("work<", with: "w/k<"))?.code == .xmlError)
    }

    @Test func whatItNamesMustAgreeWithTheManifest() {
        let machine = machine()
        #expect(refusal(Self.xml, machine) == nil)
        for (from, to, name) in [
            ("'GiB'>1<", "'GiB'>2<", "<memory>"), ("'GiB'>1<", "'elephants'>1<", "<memory>"),
            (">2</vcpu>", ">3</vcpu>", "<vcpu>"),
            ("'2-3'", "'0-1'", "<vcpu>"), ("/workload<", "/loop<", "<memory>"),
            ("/workload<", "/nowhere<", "<partition>"),
            ("/vmlinux<", "/other<", "<kernel>"),
            ("<resource>", "<cputune><vcpupin vcpu='1' cpuset='2'/></cputune><resource>", "<vcpupin>"),
            ("<resource>", "<cputune><vcpupin vcpu='2' cpuset='2'/></cputune><resource>", "<vcpupin>"),
        ] {
            let error = refusal(Self.xml.replacing(from, with: to), machine)
            #expect(
                error?.code == .configUnsupported && error?.message.contains(name) == true,
                "\(to): \(error?.message ?? "")")
        }
    }

    @Test func withoutAPartitionsNameTheOnlyOneThatFits() throws {
        let machine = machine()
        let nameless = Self.xml.replacing("<resource><partition>/workload</partition></resource>", with: "")
        #expect(try machine.place(try define(nameless)).partition == "workload")
        let bare = "<domain type='bulkhead'><name>x</name></domain>"
        #expect(refusal(bare, machine)?.message.contains("several partitions fit: loop, workload") == true)
        let large = nameless.replacing("'GiB'>1<", with: "'GiB'>9<")
        #expect(refusal(large, machine)?.message.contains("loop: <memory>") == true)
        // One that is taken is no candidate.
        let loop = try #require(machine.domain(partition: "loop"))
        loop.origin = .defined(try define(bare.replacing("x", with: "taken")))
        #expect(try machine.place(try define(bare)).partition == "workload")
        #expect(refusal(bare.replacing("x", with: "taken"), machine)?.code == .domainExists)
    }

    @Test func amountsOfMemory() {
        #expect(MemorySize.bytes("1", nil) == 1024 && MemorySize.bytes("2", "MiB") == 2 << 20)
        #expect(MemorySize.bytes("1", "KB") == 1000 && MemorySize.bytes("-1", nil) == nil)
        #expect(MemorySize.bytes("18446744073709551615", "TiB") == nil && MemorySize.bytes("1", "x") == nil)
    }

    @Test func listsOfCores() {
        #expect(
            CoreText.cores("2-3") == [2, 3] && CoreText.cores("0,5,1") == [0, 1, 5]
                && CoreText.cores("0-3,^1") == [0, 2, 3])
        #expect(CoreText.cores("0-63") == Array(0..<64) && CoreText.cores("0-63,^1-62") == [0, 63])
        #expect(CoreText.cores("63,5-5,^5") == [63])
        for text in ["", "a", "3-2", "64", "-1", "1-2-3", "1,,2"] { #expect(CoreText.cores(text) == nil, "\(text)") }
    }
}
