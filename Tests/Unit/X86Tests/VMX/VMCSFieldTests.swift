import Testing
import X86

/// Encodings against Intel SDM volume 3C, appendix B: width and kind are those of the table that a field stands in, the
/// index is the one it has there. Written apart from the constants, which give whole encodings.
@Suite struct VMCSFieldTests {
    enum Width: UInt32 { case bits16, bits64, bits32, natural }
    enum Kind: UInt32 { case control, readOnly, guest, host }

    struct Table: CustomTestStringConvertible {
        let name: String
        let width: Width
        let kind: Kind
        let fields: [(index: UInt32, encoding: UInt32)]
        var testDescription: String { name }
    }

    static let tables: [Table] = [
        Table(name: "B-1", width: .bits16, kind: .control, fields: [(0, VMCSField.vpid)]),
        Table(
            name: "B-2", width: .bits16, kind: .guest,
            fields: [
                (0, VMCSField.guestESSelector), (1, VMCSField.guestCSSelector),
            ]),
        Table(
            name: "B-3", width: .bits16, kind: .host,
            fields: [
                (0, VMCSField.hostESSelector), (1, VMCSField.hostCSSelector), (2, VMCSField.hostSSSelector),
                (3, VMCSField.hostDSSelector), (4, VMCSField.hostFSSelector), (5, VMCSField.hostGSSelector),
                (6, VMCSField.hostTRSelector),
            ]),
        Table(
            name: "B-4", width: .bits64, kind: .control,
            fields: [
                (0, VMCSField.ioBitmapA), (1, VMCSField.ioBitmapB), (2, VMCSField.msrBitmap), (8, VMCSField.tscOffset),
                (13, VMCSField.eptPointer),
            ]),
        Table(name: "B-5", width: .bits64, kind: .readOnly, fields: [(0, VMCSField.guestPhysicalAddress)]),
        Table(
            name: "B-6", width: .bits64, kind: .guest,
            fields: [
                (0, VMCSField.vmcsLinkPointer), (1, VMCSField.guestDebugControl), (2, VMCSField.guestPAT),
                (3, VMCSField.guestEFER),
            ]),
        Table(
            name: "B-7", width: .bits64, kind: .host, fields: [(0, VMCSField.hostPAT), (1, VMCSField.hostEFER)]),
        Table(
            name: "B-8", width: .bits32, kind: .control,
            fields: [
                (0, VMCSField.pinControls), (1, VMCSField.processorControls), (2, VMCSField.exceptionBitmap),
                (3, VMCSField.pageFaultMask), (4, VMCSField.pageFaultMatch), (5, VMCSField.cr3TargetCount),
                (6, VMCSField.exitControls), (7, VMCSField.exitMSRStoreCount), (8, VMCSField.exitMSRLoadCount),
                (9, VMCSField.entryControls), (10, VMCSField.entryMSRLoadCount),
                (11, VMCSField.entryInterruptionInfo), (12, VMCSField.entryExceptionError),
                (13, VMCSField.entryInstructionLength),
                (15, VMCSField.secondaryControls),
            ]),
        Table(
            name: "B-9", width: .bits32, kind: .readOnly,
            fields: [
                (0, VMCSField.instructionError), (1, VMCSField.exitReason), (2, VMCSField.exitInterruptionInfo),
                (3, VMCSField.exitInterruptionError), (4, VMCSField.idtVectoringInfo),
                (5, VMCSField.idtVectoringError), (6, VMCSField.exitInstructionLength),
            ]),
        Table(
            name: "B-10", width: .bits32, kind: .guest,
            fields: [
                (0, VMCSField.guestESLimit), (8, VMCSField.guestGDTRLimit),
                (9, VMCSField.guestIDTRLimit), (10, VMCSField.guestESAccessRights),
                (11, VMCSField.guestCSAccessRights), (12, VMCSField.guestSSAccessRights),
                (18, VMCSField.guestInterruptibility),
                (19, VMCSField.guestActivity), (21, VMCSField.guestSysenterCS), (23, VMCSField.preemptionTimer),
            ]),
        Table(name: "B-11", width: .bits32, kind: .host, fields: [(0, VMCSField.hostSysenterCS)]),
        Table(
            name: "B-12", width: .natural, kind: .control,
            fields: [
                (0, VMCSField.cr0Mask), (1, VMCSField.cr4Mask), (2, VMCSField.cr0Shadow), (3, VMCSField.cr4Shadow),
            ]),
        Table(
            name: "B-13", width: .natural, kind: .readOnly,
            fields: [(0, VMCSField.exitQualification)]),
        Table(
            name: "B-14", width: .natural, kind: .guest,
            fields: [
                (0, VMCSField.guestCR0), (1, VMCSField.guestCR3), (2, VMCSField.guestCR4), (3, VMCSField.guestESBase),
                (11, VMCSField.guestGDTRBase), (12, VMCSField.guestIDTRBase),
                (13, VMCSField.guestDR7), (14, VMCSField.guestRSP), (15, VMCSField.guestRIP),
                (16, VMCSField.guestRFLAGS), (17, VMCSField.guestPendingDebug), (18, VMCSField.guestSysenterESP),
                (19, VMCSField.guestSysenterEIP),
            ]),
        Table(
            name: "B-15", width: .natural, kind: .host,
            fields: [
                (0, VMCSField.hostCR0), (1, VMCSField.hostCR3), (2, VMCSField.hostCR4), (3, VMCSField.hostFSBase),
                (4, VMCSField.hostGSBase), (5, VMCSField.hostTRBase), (6, VMCSField.hostGDTRBase),
                (7, VMCSField.hostIDTRBase), (8, VMCSField.hostSysenterESP), (9, VMCSField.hostSysenterEIP),
                (11, VMCSField.hostRIP),
            ]),
    ]

    @Test(arguments: tables) func encodings(table: Table) {
        for field in table.fields {
            let name = "index \(field.index) of table \(table.name)"
            #expect(field.encoding >> 13 == table.width.rawValue, "\(name)")
            #expect(field.encoding >> 10 & 3 == table.kind.rawValue, "\(name)")
            #expect(field.encoding >> 1 & 0x1FF == field.index, "\(name)")
            #expect(field.encoding & 1 == 0, "\(name): the whole field, not its upper half")
        }
    }

    @Test func noTwoFieldsAreOne() {
        let encodings = Self.tables.flatMap { $0.fields.map(\.encoding) }
        #expect(Set(encodings).count == encodings.count)
        #expect(encodings.count == 84)
    }

    /// Some encodings in full.
    @Test func wholeEncodings() {
        #expect(VMCSField.eptPointer == 0x201A)
        #expect(VMCSField.exitReason == 0x4402)
        #expect(VMCSField.guestActivity == 0x4826)
        #expect(VMCSField.guestSysenterCS == 0x482A)
        #expect(VMCSField.exitQualification == 0x6400)
        #expect(VMCSField.guestRIP == 0x681E)
        #expect(VMCSField.hostRIP == 0x6C16)
    }
}
