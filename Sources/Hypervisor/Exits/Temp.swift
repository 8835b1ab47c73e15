extension Lifecycle {
  mutating func answerCPUID(_ core: borrowing CoreState) -> Next { .resume }
  mutating func readMSR(_ core: borrowing CoreState) -> Next { .resume }
  mutating func writeMSR(_ core: borrowing CoreState) -> Next { .resume }
  mutating func access(_ n: UInt16, _ s: UInt8, _ i: Bool, _ st: Bool, _ next: UInt64, _ core: borrowing CoreState) -> Next { .resume }
}
