import Foundation
import Manifest
import ManifestFile
import Policy

/// What must be so of every text that is read as a policy, whoever has written it; the fuzzer and the replay of its
/// corpus ask the same.
/// - Returns: what is not, in words.
func brokenInvariants(ofPolicy text: String) -> [String] {
    let policy: Policy
    do throws(ManifestRefused) { policy = try Policy(text, file: "p", uid: user) } catch {
        return error.problems.isEmpty ? ["refused without a reason"] : error.problems.flatMap(brokenWords)
    }
    var broken = policy.text == text ? [] : ["not the text that was read"]
    // Who is in no policy here: uids that `user` gives to nobody and that no file of the corpus names, and nobody's.
    let strangers: [PolicySubject?] =
        Policy.nobody.map { .uid($0) } + [nil, .uid(4_242_424_242), .certificate(""), .certificate("a b")]
    for subject in strangers where !(subject == .uid(4_242_424_242) && text.contains("42424")) {
        if policy.refusal(of: subject) == nil {
            broken.append("lets \(subject.map(String.init(describing:)) ?? "nil") in")
        }
        broken += brokenDecisions(policy, subject, mayBeAllowed: false)
    }
    for name in policy.names {
        guard let subject = policy.subject(name) else {
            broken.append("names \(name), whom it does not find")
            continue
        }
        if policy.refusal(of: subject) != nil { broken.append("names \(name), whom it refuses") }
        broken += brokenDecisions(policy, subject, mayBeAllowed: true)
    }
    return broken
}

/// Names that the file may use: two of them the same user's, one that cannot be looked up now, the others nobody's.
private func user(_ name: String) -> FoundUser {
    if name == "far" { return .unknown(ETIMEDOUT) }
    return ["alice": 1000, "bob": 1001, "twin": 1000, "none": 65534][name].map { .uid($0) } ?? .absent
}

/// A message is one line of what a terminal shows as it is.
private func brokenWords(_ problem: ManifestProblem) -> [String] {
    let isPlain = problem.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    return problem.reason.isEmpty || !isPlain ? ["a refusal without words, or of several lines: \(problem)"] : []
}

private func brokenDecisions(_ policy: Policy, _ subject: PolicySubject?, mayBeAllowed: Bool) -> [String] {
    let noon = Date(timeIntervalSince1970: 1_000_000_000)
    let manyFacts = [
        PolicyFacts(machine: nil, trust: TrustAnchors(), time: .distantPast),
        PolicyFacts(machine: nil, trust: TrustAnchors(rawValue: .max), time: .distantFuture),
        PolicyFacts(machine: "box-1", trust: .secureBoot, time: noon),
        PolicyFacts(machine: "box-1", trust: .tpm, time: noon + 3 * 86_400 + 43_200),
    ]
    var broken: [String] = []
    for facts in manyFacts {
        for operation in PolicyOperation.allCases {
            let partitions: [String?] = [nil, "workload", "no rule's"]
            let decisions = partitions.map { policy.decide(operation, on: $0, for: subject, facts) }
            let isAllowed = decisions.map(\.isAllowed)
            let isEverywhere = policy.allowsEverywhere(operation, for: subject, facts)
            let what = "\(operation) of \(subject.map(String.init(describing:)) ?? "nil")"
            if decisions.contains(where: \.words.isEmpty) { broken.append("\(what): no reason") }
            if !mayBeAllowed, isAllowed.contains(true) || isEverywhere { broken.append("\(what): a stranger may") }
            if isEverywhere, isAllowed.contains(false) { broken.append("\(what): everywhere, and not here") }
            if !isAllowed[0], isAllowed.contains(true) { broken.append("\(what): here, and not anywhere") }
            if let subject, isAllowed[0], operation != .read, !policy.mayChange(subject) {
                broken.append("\(what): by somebody who may only read")
            }
        }
    }
    return broken
}
