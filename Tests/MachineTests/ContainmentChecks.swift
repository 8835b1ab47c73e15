import Control
import Foundation
import Testing

/// What the containment suites expect, whatever processor the machine has.
extension Arena {
    /// Attacks that the guest survives and judges itself.
    func everyAttemptIsHeld(_ survey: (name: String, seconds: Double)) throws {
        let outcome = try attack(survey.name, seconds: survey.seconds)
        #expect(outcome.isDone && !outcome.wasRestarted, "the guest ends by itself:\n\(outcome.text)")
        #expect(outcome.attempts.count >= 2, "\(outcome.text)")
        #expect(outcome.escaped.isEmpty, "\(outcome.lines.joined(separator: "\n"))")
        #expect(try neighbourProblems().isEmpty)
        if !outcome.isDone { try restartHostile() }
    }

    /// An attack that ends the guest, and nothing else; it is started anew with nothing left.
    func itsEndIsItsOwn(_ end: (attack: String, cause: StateCause)) throws {
        let outcome = try attack(end.attack, seconds: 30)
        #expect(outcome.wasRestarted, "\(outcome.text)")
        #expect(outcome.info.cause == end.cause, "\(outcome.info.cause.name)")
        let after = try attack("residue", seconds: 30)
        #expect(after.isDone && after.escaped.isEmpty, "memory is cleared before a restart:\n\(after.text)")
        #expect(try neighbourProblems().isEmpty)
    }

    /// What a guest writes outside its memory is gone when it is started anew.
    func whatIsWrittenOutsideIsForgotten() throws {
        for _ in 0..<2 {
            let outcome = try attack("residue-outside", seconds: 30)
            #expect(outcome.escaped.isEmpty, "\(outcome.text)")
            if !outcome.wasRestarted { try restartHostile() }
        }
        #expect(try neighbourProblems().isEmpty)
    }

    /// An attack that may end the guest, or fault, or do nothing.
    /// - Parameter seconds: after which a guest that has lost its way is given up.
    func itIsRefusedOrStopped(_ attack: String, seconds: Double) throws {
        let outcome = try self.attack(attack, seconds: seconds)
        #expect(outcome.escaped.isEmpty, "\(outcome.text)")
        #expect(outcome.isDone || outcome.wasRestarted || attack.hasPrefix("mode:"), "\(outcome.text)")
        #expect(outcome.info.cause != .hypervisorFault, "\(outcome.text)")
        #expect(try neighbourProblems().isEmpty)
        // Without paging, the guest may run on into nothing.
        if !outcome.isDone && !outcome.wasRestarted { try restartHostile() }
    }

    /// A guest that never comes back can still be paused, resumed and started anew.
    /// - Parameter seconds: that it is left alone.
    func itCanBeStopped(_ attack: String, seconds: Double) throws {
        let outcome = try self.attack(attack, seconds: seconds)
        #expect(outcome.info.cause != .hypervisorFault, "\(outcome.text)")
        #expect(try neighbourProblems().isEmpty)
        if try info("hostile").state == .running {
            try client.change(.pause, "hostile")
            try wait(for: .paused, "hostile")
            try client.change(.resume, "hostile")
            try wait(for: .running, "hostile")
        }
        try restartHostile()
        #expect(try neighbourProblems().isEmpty)
        let after = try self.attack("cpuid", seconds: 30)
        #expect(after.isDone && after.escaped.isEmpty, "\(after.text)")
    }
}
