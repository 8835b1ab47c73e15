import Silicon
import Text

/// What is said while boot services live: on the first serial port, on every screen that the firmware has, and kept for the
/// boot volume, which gets it when the boot is refused. A boot that succeeds writes to no disk.
enum BootLog {
    /// Where the firmware is known; 0 before it is, and from the moment at which it is left.
    nonisolated(unsafe) private static var firmware: UInt64 = 0
    /// The screens: text output of handles that have a framebuffer. Not the console as a whole (ConOut): firmware that
    /// redirects it to a serial port would say each line twice there.
    nonisolated(unsafe) private static var screens: [4 of UInt64] = .init(repeating: 0)
    /// The lines of this boot, a page that `Firmware.freeAll` gives back; the last are cut.
    nonisolated(unsafe) private static var page: UInt64 = 0
    nonisolated(unsafe) private static var count: UInt64 = 0

    /// What `\BULKHEAD\boot.log` keeps, bytes: a file that is so large is begun anew.
    private static let fileLimit: UInt64 = 64 << 10

    static func begin(_ firmware: Pointer<Firmware>) {
        unsafe Self.firmware = firmware.address
        unsafe page = (try? firmware.value.allocate(4096, .anywhere)) ?? 0
        unsafe screens = firmware.value.screens()
    }

    /// Before the firmware is left: its services are none any more.
    static func end() { unsafe firmware = 0 }

    static func print(_ line: borrowing LogLine) {
        SerialPort.log.print(line)
        for i in 0..<line.text.count { keep(line.text.bytes[i]) }
        keep(0x0A)
        if unsafe firmware != 0 { show(line) }
    }

    /// What was said so far.
    static var text: UnsafeRawBufferPointer { unsafe bytes(page, count) }

    private static func show(_ line: borrowing LogLine) {
        for i in 0..<4 {
            let screen = unsafe screens[i]
            if screen != 0 { unsafe Pointer<Firmware>(at: firmware).value.show(line, on: Pointer(at: screen)) }
        }
    }

    private static func keep(_ byte: UInt8) {
        guard unsafe page != 0 && count < 4096 else { return }
        store(byte, unsafe page + count)
        unsafe count += 1
    }

    /// After a refusal: tells the TPM, writes what was said to the boot volume, and leaves it on the screens until somebody presses
    /// a key, 30 seconds at most. Without a screen nobody is waited for.
    static func hold() {
        guard unsafe firmware != 0 else { return }
        let owner = unsafe Pointer<Firmware>(at: firmware)
        MeasuredBoot.close(owner.value)
        if let file = try? BootVolume(owner.value).append(to: "boot.log", limit: fileLimit) {
            try? file.write(unsafe page, unsafe count)
            file.close()
            show(LogLine("bulkhead: these lines are in boot.log on the boot volume, beside the manifest"))
        }
        guard unsafe screens[0] != 0 else { return }
        show(LogLine("bulkhead: press a key, or wait 30 s, to go on"))
        owner.value.waitForKey(seconds: 30)
    }
}

extension Firmware {
    /// The text outputs of handles that have a framebuffer, at most four; not that which stands for all of them.
    fileprivate borrowing func screens() -> [4 of UInt64] {
        var found: [4 of UInt64] = .init(repeating: 0), handles: [8 of UInt64] = .init(repeating: 0)
        var size: UInt64 = 64, id = EFI_GUID.graphicsOutput, count = 0
        let service = boot.value.LocateHandle
        // ByProtocol. Of more than eight handles, none is told.
        let status = withAddress(of: &id) { id in
            withAddress(of: &size) { size in
                withAddress(of: &handles) { efi_call(service, 2, id, 0, size, $0) }
            }
        }
        guard status == 0 else { return found }
        for i in 0..<Int(min(size, 64) / 8) where handles[i] != system.value.ConsoleOutHandle && count < 4 {
            let output: Pointer<EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL>? = try? interface(.textOutput, on: handles[i])
            guard let output else { continue }
            found[count] = output.address
            count += 1
        }
        return found
    }

    fileprivate borrowing func show(_ line: borrowing LogLine, on screen: Pointer<EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL>) {
        // UCS-2, with its end.
        var words: [204 of UInt16] = .init(repeating: 0)
        for i in 0..<line.text.count { words[i] = UInt16(line.text.bytes[i]) }
        words[line.text.count] = 0x0D
        words[line.text.count + 1] = 0x0A
        _ = withAddress(of: &words) { efi_call(screen.value.OutputString, screen.address, $0, 0, 0, 0) }
    }

    fileprivate borrowing func waitForKey(seconds: UInt64) {
        guard system.value.ConIn != 0 else { return }
        let input = Pointer<EFI_SIMPLE_TEXT_INPUT_PROTOCOL>(at: system.value.ConIn)
        var key: UInt32 = 0
        // What was typed before is not an answer to this.
        _ = efi_call(input.value.Reset, input.address, 0, 0, 0, 0)
        for _ in 0..<seconds * 20 {
            if withAddress(of: &key, { efi_call(input.value.ReadKeyStroke, input.address, $0, 0, 0, 0) }) == 0 {
                return
            }
            _ = efi_call(boot.value.Stall, 50_000, 0, 0, 0, 0)
        }
    }
}

extension EFI_GUID {
    fileprivate static let graphicsOutput = EFI_GUID(low: 0x4A38_23DC_9042_A9DE, high: 0x6A51_80D0_DE7A_FB96)
    fileprivate static let textOutput = EFI_GUID(low: 0x11D2_69C7_3874_77C2, high: 0x3B72_69C9_A000_398E)
}
