import Remapping
import Silicon
import Text

/// The interrupt sources that firmware may leave on.
enum Chipset {
    /// Masks both legacy interrupt controllers.
    static func silence() {
        cpu_cli()
        cpu_out8(0x21, 0xFF)
        cpu_out8(0xA1, 0xFF)
    }

    /// Lets the ports of management link and log ring the housekeeping core by `entry`: their interrupt lines become NMIs
    /// there, so that a core that runs a guest, or sleeps, notices. All other inputs, of all I/O APICs, are masked.
    static func routePorts(_ tables: borrowing FirmwareTables, _ entry: RedirectionEntry?) {
        let ports = (tables.linkInput, tables.logInput)
        for i in 0..<tables.ioAPICs.count {
            let select = tables.ioAPICs[i].address, window = select + 0x10
            mmio_write32(select, 1)
            let inputs = (mmio_read32(window) >> 16 & 0xFF) + 1
            for input in 0..<min(inputs, 240) {
                let port = i == 0 && (input == ports.0 || input == ports.1) ? entry : nil
                mmio_write32(select, 0x11 + input * 2)
                mmio_write32(window, port?.high ?? 0)
                mmio_write32(select, 0x10 + input * 2)
                mmio_write32(window, port?.low ?? 0x10000)
            }
        }
    }
}
