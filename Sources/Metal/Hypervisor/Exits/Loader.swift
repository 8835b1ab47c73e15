import Control
import LoaderImage
import Manifest
import Platform
import Silicon
import Synchronization
import Text
import X86

// The program that loads the partition's image (decisions/loader-in-the-partition.md): root mode puts it into memory, waits
// for one word of its and takes it away again. It is the guest's, and not trusted.
extension ExitContext {
    /// Memory is clear, and the manifest's bound leaves more than 1 MiB of it.
    mutating func placeLoader() {
        let state = partition
        let commandLine = state.value.spec.commandLine, secret = state.value.secret
        let hasSecret = secret.size > 0 && !state.value.isSecretWithheld
        let facts = LoaderFacts(
            platform: state.value.platform, kernelSize: state.value.kernel.size, initrdSize: state.value.initrd.size,
            secretSize: hasSecret ? secret.size : 0,
            commandLine: commandLine.bytes, count: commandLine.count, isIntel: Extension.vendor == .intel)
        store(facts, state.value.memory.base + LoaderMemory.facts)
        // From where the TPM's response lies: on no stack.
        if hasSecret {
            unsafe state.value.guestMemory.copy(from: bytes(secret.address, secret.size), to: LoaderMemory.secret)
        }
        unsafe state.value.guestMemory.copy(from: bytes(loader_address(), loader_size()), to: LoaderMemory.program)
    }

    /// The loader's one hypercall; nil where it says something else.
    mutating func answerLoader() -> ExitOutcome? {
        switch LoaderCall(rawValue: UInt32(truncatingIfNeeded: cpu.rax)) {
        case nil: return nil
        case .refused: return refuseImage(LoadError(rawValue: UInt8(truncatingIfNeeded: cpu.rbx)) ?? .loaderFailed)
        case .finished: break
        }
        let state = partition
        cpu.view(isLoading: false)
        state.value.guestMemory.zero(at: LoaderMemory.facts, count: LoaderMemory.end - LoaderMemory.facts)
        cpu.skip(3)
        let now = cpu_rdtsc(), cause = state.value.controlPage.value.cause
        state.value.legacyDevices.watchdog.start(tsc: now)
        state.value.showWatchdog()
        state.value.controlPage.value.kicks.store(0, ordering: .relaxed)
        state.value.controlPage.value.starts.add(1, ordering: .relaxed)
        state.value.controlPage.value.latestEntry.store(now, ordering: .releasing)
        _ = state.value.controlPage.value.firstEntry.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        state.value.controlPage.value.enter(.running, cause)
        return .resume
    }

    /// Ends the partition, and says why.
    mutating func refuseImage(_ error: LoadError) -> ExitOutcome {
        var line = LogLine(partition: partition.value.spec.name, ": ")
        line.write(error.reason)
        partition.value.controlPage.print(line)
        return .end(.badImage)
    }
}
