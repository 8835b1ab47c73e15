import Control
@testable import Daemon
import LibvirtWire
import Testing

@Suite struct DomainTests {
    private func domain(_ state: PartitionState, _ cause: StateCause = .manifest) -> Domain {
        var info = PartitionInfo()
        (info.state, info.cause) = (state, cause)
        info.cores = .init(rawValue: 0b1101)
        info.memory = 64 << 20
        return Domain(name: "a<b", uuid: .named("m", "a"), partition: "a", info)
    }

    @Test func aLifeInEvents() {
        let domain = domain(.stopped)
        #expect(!domain.isActive && domain.state.reason == 0)
        #expect(domain.take(.starting, .manager) == [])
        #expect(domain.isActive)
        #expect(domain.take(.running, .manager) == [.lifecycle(.started)])
        #expect(domain.take(.running, .manager) == [])
        #expect(domain.take(.paused, .manager) == [.lifecycle(.suspended)])
        #expect(domain.take(.running, .manager) == [.lifecycle(.resumed)])
        #expect(domain.state == LibvirtState(.running, .manager, wasPaused: true))
        // A reboot: it never stopped.
        #expect(domain.take(.stopping, .reboot) == [])
        #expect(domain.take(.starting, .reboot) == [])
        #expect(domain.take(.running, .reboot) == [.rebooted])
        #expect(domain.take(.stopping, .poweroff) == [])
        #expect(domain.state.state == LibvirtState.shutDown)
        #expect(domain.take(.stopped, .poweroff) == [.lifecycle(.stopped(.poweroff))])
        #expect(!domain.isActive && domain.state.reason == 1)
        #expect(domain.take(.starting, .manager) == [] && domain.take(.running, .manager) == [.lifecycle(.started)])
        #expect(domain.take(.crashed, .panic) == [.lifecycle(.stopped(.panic))])
        #expect(domain.state.state == LibvirtState.shutOff && domain.state.reason == 3)
    }

    @Test func details() {
        #expect(LifecycleEvent.stopped(.poweroff) == LifecycleEvent(event: 5, detail: 0))
        #expect(LifecycleEvent.stopped(.manager) == LifecycleEvent(event: 5, detail: 1))
        #expect(LifecycleEvent.stopped(.tripleFault) == LifecycleEvent(event: 5, detail: 2))
    }

    @Test func xmlNamesItsCoresAndEscapesItsName() {
        let text = DomainXML.text(of: domain(.stopped))
        #expect(text.contains("<name>a&lt;b</name>"))
        #expect(text.contains("<vcpu placement='static' cpuset='0,2-3'>3</vcpu>"))
        #expect(text.contains("<vcpupin vcpu='1' cpuset='2'/>"))
        #expect(text.contains("<memory unit='KiB'>65536</memory>") && !text.contains(" id="))
        // Without the permission to read it there is no console.
        #expect(!text.contains("<console"))
    }

    @Test func filters() {
        let off = domain(.stopped), on = domain(.running)
        for (flags, wanted) in [
            (0, [off, on]), (1, [on]), (2, [off]), (3, [off, on]), (16, [on]), (64, [off]), (1 | 32, []), (8, []),
            (4, [off, on]), (512, [off, on]), (1024, []),
        ] as [(UInt32, [Domain])] {
            let found = [off, on].filter { DomainFilter(flags).takes($0) }
            #expect(found.map(\.isActive) == wanted.map(\.isActive), "\(flags)")
        }
    }

    @Test func coreTexts() {
        #expect(CoreText.list([]) == "" && CoreText.list([1]) == "1" && CoreText.list([0, 1, 3, 5, 6]) == "0-1,3,5-6")
        #expect(CoreText.map([0, 9], count: 10) == [1, 2])
        #expect(CoreText.map([9], count: 8) == [0])
    }

    @Test func versions() {
        #expect(ConnectProcedures.number("1.2.3") == 1_002_003)
        #expect(ConnectProcedures.number("0.4") == 4000 && ConnectProcedures.number("x") == 0)
    }
}
