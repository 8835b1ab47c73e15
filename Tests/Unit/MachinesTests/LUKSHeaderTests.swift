import Foundation
import Machines
import Testing

/// Which LUKS2 headers the example's guest takes from the partition that has the disk: `Guests/service/luks-header`.
@Suite struct LUKSHeaderTests {
    /// As `cryptsetup luksDump --dump-json-metadata` 2.6.1 prints it, without what the check does not look at.
    private static let good = """
        {
          "keyslots":{
            "0":{
              "type":"luks2",
              "key_size":64,
              "area":{
                "type":"raw",
                "encryption":"aes-xts-plain64",
                "key_size":64
              },
              "kdf":{ "type":"argon2id" }
            }
          },
          "tokens":{
          },
          "segments":{
            "0":{
              "type":"crypt",
              "offset":"16777216",
              "encryption":"aes-xts-plain64",
              "sector_size":512
            }
          },
          "config":{ "json_size":"12288" }
        }
        """

    private func isTaken(_ header: String) throws -> Bool {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = FileManager.default.temporaryDirectory.appending(path: "bulkhead-header-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(header.utf8).write(to: file)
        let check = root.appending(path: "Guests/service/luks-header").path
        let said = try Tool.run(
            "/bin/sh", ["-c", ". \"$0\"; strict_header < \"$1\" && echo taken || echo refused", check, file.path])
        return said.contains("taken")
    }

    @Test func whatTheRecipeMakesIsTaken() throws { #expect(try isTaken(Self.good)) }

    /// With each of these the disk's owner would know what the guest reads, or write it.
    @Test(arguments: [
        (
            "\"area\":{\n        \"type\":\"raw\",\n        \"encryption\":\"aes-xts-plain64\"",
            "\"area\":{\"encryption\":\"cipher_null-ecb\""
        ),
        ("\"offset\":\"16777216\",\n      \"encryption\":\"aes-xts-plain64\"", "\"encryption\":\"cipher_null-ecb\""),
        (
            "\"offset\":\"16777216\",\n      \"encryption\":\"aes-xts-plain64\"",
            "\"encryption\":\"capi:ecb(cipher_null)\""
        ),
        ("\"type\":\"crypt\"", "\"type\":\"linear\""),
        ("\"sector_size\":512", "\"sector_size\":512 }, \"1\":{ \"type\":\"linear\""),
        ("\"json_size\":\"12288\"", "\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]}"),
        ("\"key_size\":64,\n      \"area\"", "\"key_size\":0,\"area\""),
    ])
    func whatEncryptsNothingIsRefused(_ part: String, _ other: String) throws {
        let header = Self.good.replacing(part, with: other)
        #expect(header != Self.good)
        #expect(try !isTaken(header))
    }

    @Test func whatIsNoHeaderIsRefused() throws {
        for text in ["", "{}", "\n", "\"encryption\":\"aes-xts-plain64\""] { #expect(try !isTaken(text)) }
    }
}
