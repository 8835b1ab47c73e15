/// What people call things elsewhere.
private let synonyms = [
    "cpu": "cores", "cpus": "cores", "vcpus": "cores", "core": "cores", "ram": "memory", "mem": "memory",
    "kernel": "image", "guest": "image", "images": "image", "ramdisk": "initrd", "initramfs": "initrd",
    "cmdline": "command-line", "args": "command-line", "append": "command-line", "permits": "permit",
    "permissions": "permit", "allow": "permit", "boot": "autostart", "base": "at", "address": "at",
    "device": "devices", "pci": "devices", "accepts": "accept", "vfs": "virtual-functions", "function": "pci",
    "domains": "partitions", "vms": "partitions", "cells": "partitions", "kill": "stop", "destroy": "stop",
    "reset": "restart", "reboot": "restart", "poweroff": "stop", "shutdown": "stop", "log": "console-read",
    "stats": "statistics", "com2": "serial", "requires": "require", "secureboot": "secure-boot",
]

/// The known word that `word` was probably meant to be.
func suggestion(for word: String, among known: [String]) -> String? {
    let folded = word.lowercased().map { $0 == "_" || $0 == " " ? "-" : String($0) }.joined()
    if known.contains(folded) { return folded }
    if let synonym = synonyms[folded], known.contains(synonym) { return synonym }
    // A word of n letters may have n/3 of them wrong, at most three.
    let limit = min(3, max(1, folded.count / 3))
    let nearest = known.map { (word: $0, distance: editDistance(folded, $0)) }.min { $0.distance < $1.distance }
    return nearest.flatMap { $0.distance <= limit ? $0.word : nil }
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to make `a` into `b`.
func editDistance(_ a: String, _ b: String) -> Int {
    // Longer words are nobody's slip, and the work is their lengths' product.
    let (a, b) = (Array(a.utf8.prefix(64)), Array(b.utf8.prefix(64)))
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var best = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
            row.append(best)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}

/// `did you mean "x"?`, or else what is known: 32 of them, where the file itself makes them many.
package func hint(for word: String, among known: [String]) -> String {
    if let suggestion = suggestion(for: word, among: known) { return "did you mean \"\(suggestion)\"?" }
    return "known here: " + known.prefix(32).joined(separator: ", ") + (known.count > 32 ? ", ..." : "")
}
