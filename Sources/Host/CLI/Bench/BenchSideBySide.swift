import Reports

/// The figures of several machines beside each other, one column a machine.
struct BenchSideBySide {
    private let reports: [BenchReport]

    init(_ reports: [BenchReport]) { self.reports = reports }

    var text: String {
        var table = TextTable(
            ["WHAT"] + reports.map(\.processor) + ["BOUND", ""], numbers: Set(1...reports.count + 1))
        for figure in reports[0].figures where figure.unit == .exits || figure.unit == .bytes {
            let row = reports.map { $0.figures.first { $0.name == figure.name } }
            let isOver = row.contains { $0.map { $0.enforced && !$0.ok } ?? false }
            table.add(
                [figure.what] + row.map { $0.map { BenchTable.value($0.value, $0.unit) } ?? "" }
                    + [BenchTable.bound(figure), figure.bound == nil ? "" : isOver ? "over" : "ok"])
            let reasons = Set(row.flatMap { ($0?.byReason ?? [:]).keys }).sorted()
            for reason in reasons {
                table.add(["  \(reason)"] + row.map { "\($0?.byReason?[reason] ?? 0)" } + ["", ""])
            }
        }
        let head = reports.map { "\($0.processor): guest Linux \($0.guestKernel)" }.joined(separator: "; ")
        return (["Bulkhead \(reports[0].hypervisorVersion) on emulated machines. \(head)", ""] + table.lines)
            .joined(separator: "\n")
    }
}
