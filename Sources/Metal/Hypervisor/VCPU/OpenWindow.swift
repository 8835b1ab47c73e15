import Silicon
import X86

/// Takes, for one moment, what SVM's global interrupt flag holds back: every wait and every long piece of work calls this so
/// often that firmware's SMIs wait less than 100 microseconds (the contract counts instructions). A kick that comes is sent
/// again, so that whoever looks for kicks next finds it. Nothing is held back on Intel's processors, or during boot. Who calls
/// this is at work, and says so: every wait has an end.
func openWindow() {
    cpu_pause()
    guard let core = CoreState.own else { return }
    core.value.showLife()
    if core.value.program.vendor == .amd { SVM.openWindow(core.value.layout) }
}
