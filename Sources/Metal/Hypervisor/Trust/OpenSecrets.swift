import Manifest
import Silicon
import Text
import Trust

// What the TPM does beside measuring, by the firmware (TCG EFI Protocol Specification 1.0, section 6.8): while that is there,
// no driver for it is needed.
extension MeasuredBoot {
    /// Has the TPM open a sealed file, whose commands the tool has made for it.
    /// - Returns: where the secret is, in the same pages; nothing where it stays closed.
    func open(_ file: LoadedFile, of partition: Label) -> LoadedFile {
        var list = TPMCommandList(), secret = LoadedFile(), failure: (command: Int, code: UInt32)?
        let start = unsafe UnsafeMutableRawPointer(bitPattern: UInt(file.address))
        while let next = unsafe list.next(in: UnsafeMutableRawBufferPointer(start: start, count: Int(file.size))) {
            let response =
                file.address + TPMCommandList.maxBytes
                + (next.code == TPMCommandList.unseal ? 0 : TPMCommandList.responseBytes)
            submit(file.address + UInt64(next.bytes.lowerBound), UInt64(next.bytes.count), response)
            let number = list.count, answer = unsafe list.take(bytes(response, TPMCommandList.responseBytes))
            if answer.code != 0, failure == nil { failure = (number, answer.code) }
            if next.code == TPMCommandList.unseal, !answer.data.isEmpty {
                secret = LoadedFile(address: response + 16, size: UInt64(answer.data.count))
            }
        }
        for i in 0...list.count {
            var command = list.cleaning(i)
            let response = file.address + TPMCommandList.maxBytes + TPMCommandList.responseBytes
            withAddress(of: &command) { submit($0, 14, response) }
        }
        guard secret.size == 0 else { return secret }
        var line = LogLine("bulkhead: the secret of partition ", partition, " stays closed: ")
        line.write("TPM command %d, response %x", UInt64(failure?.command ?? list.count), UInt64(failure?.code ?? 0))
        BootLog.print(line)
        return secret
    }

    /// The version below which the TPM's counter admits none.
    func readCounter() -> UInt64 {
        var readPublic = VersionCounter.readPublic, read = VersionCounter.read
        var responses = [256 of UInt64](repeating: 0)
        return withAddress(of: &responses) { at in
            withAddress(of: &readPublic) { submit($0, 14, at) }
            withAddress(of: &read) { submit($0, 35, at + 1024) }
            return unsafe VersionCounter.value(readPublic: bytes(at, 28), read: bytes(at + 1024, 28))
        }
    }

    /// Has the TPM carry out a command of `size` bytes. The response's code is ones where there is none.
    private func submit(_ command: UInt64, _ size: UInt64, _ response: UInt64) {
        // A TPM may ask to be asked again (TPM_RC_RETRY, YIELDED and TESTING, part 2, section 6.6.3).
        for _ in 0..<16 {
            let room = TPMCommandList.responseBytes
            guard let tpm, anchors.contains(.tpm),
                efi_call(tpm.value.SubmitCommand, tpm.address, size, command, room, response) == 0
            else { return store(UInt32.max, response + 6) }
            let code = load(response + 6, as: UInt32.self).byteSwapped
            if code != 0x922 && code != 0x908 && code != 0x90A { return }
        }
    }
}
