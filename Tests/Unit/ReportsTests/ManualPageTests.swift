import Foundation
import Reports
import Testing

@Suite struct ManualPageTests {
    let help = """
        {"serializationVersion": 0, "command": {"commandName": "tool", "abstract": "Does things.", "shouldDisplay": true,
         "subcommands": [
          {"commandName": "help", "abstract": "x"},
          {"commandName": "run", "abstract": "Runs.", "discussion": "One.\\n\\n  tool run \\\\EFI -o x\\n  .dot\\n\\n.Two",
           "arguments": [
            {"kind": "positional", "valueName": "file", "abstract": "A file.", "isOptional": false, "isRepeating": true,
             "shouldDisplay": true},
            {"kind": "option", "valueName": "dir", "names": [{"kind": "long", "name": "output"}, {"kind": "short", "name": "o"}],
             "abstract": "Where to.", "defaultValue": "here", "isOptional": true, "isRepeating": false, "shouldDisplay": true},
            {"kind": "flag", "names": [{"kind": "long", "name": "dry-run"}], "valueName": "dry-run", "isOptional": true,
             "isRepeating": false, "shouldDisplay": true},
            {"kind": "flag", "names": [{"kind": "long", "name": "secret"}], "isOptional": true, "isRepeating": false,
             "shouldDisplay": false}]}]}}
        """

    @Test func pages() throws {
        let pages = ManualPage.all(try HelpDump(json: Data(help.utf8)), version: "1.2.3")
        #expect(pages.map(\.fileName) == ["tool.1", "tool-run.1"])
        #expect(
            pages[0].text.contains(".SH COMMANDS\n.TP\n.B run\nRuns.\n")
                && pages[0].text.contains("\\fBtool\\-run\\fR(1)"))
        let run = pages[1].text
        #expect(
            run.hasPrefix(".TH \"TOOL\\-RUN\" 1 \"\" \"bulkhead 1.2.3\" Bulkhead\n.SH NAME\ntool\\-run \\- Runs.\n"))
        #expect(run.contains(".B tool run\n<file> ...\n[\\-\\-output <dir>]\n[\\-\\-dry\\-run]\n"))
        #expect(run.contains(".TP\n.B \\-o, \\-\\-output <dir>\nWhere to. Default: here.\n"))
        #expect(!run.contains("secret"))
        // An example keeps its lines; a text that begins with a dot is no request.
        #expect(run.contains("One.\n.PP\n.nf\n  tool run \\eEFI \\-o x\n  .dot\n\n.fi\n\\&.Two\n"), "\(run)")
    }

    @Test func anotherSection() throws {
        let pages = ManualPage.all(try HelpDump(json: Data(help.utf8)), version: "1", section: 8)
        #expect(pages.map(\.fileName) == ["tool.8", "tool-run.8"])
        #expect(pages[0].text.hasPrefix(".TH \"TOOL\" 8 ") && pages[0].text.contains("\\fBtool\\-run\\fR(8)"))
    }

    @Test func anotherVersion() {
        let other = help.replacing("\"serializationVersion\": 0", with: "\"serializationVersion\": 1")
        #expect(throws: DecodingError.self) { try HelpDump(json: Data(other.utf8)) }
    }
}
