import Foundation
import LibvirtBench
import Testing

/// The bench against the daemon as it is built here, and against libvirt's where there is one. How fast they are is not asked.
@Suite struct LibvirtBenchTests {
    @Test func bothAnswerEachCall() throws {
        let libvirtd = "/usr/sbin/libvirtd", isThere = FileManager.default.isExecutableFile(atPath: libvirtd)
        let bench = try LibvirtBench(
            bulkheadd: DaemonProgram.program, libvirtd: isThere ? libvirtd : nil, connections: [1, 20], rounds: 2,
            seconds: 0.02)
        let report = try bench.run()
        #expect(report.figures.count == 6 && report.connections == 20)
        #expect(
            report.figures.allSatisfy { $0.bulkheadd.callsPerSecond > 0 && $0.bulkheadd.p99 >= $0.bulkheadd.median })
        #expect(report.figures.allSatisfy { $0.bulkheadd.processor > 0 })
        #expect(report.figures.allSatisfy { ($0.ratio != nil) == isThere })
        #expect(report.memory.count == (isThere ? 2 : 1))
        #expect(report.memory.allSatisfy { $0.idleBytes > 1 << 20 && $0.connectedBytes > 1 << 20 })
    }
}
