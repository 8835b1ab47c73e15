/// One thing that is to be seen on an example's machine: a line of a guest's console, and what is done upon it.
public struct ExampleStep: Sendable {
    /// What is done once the line is there.
    public enum Action: Equatable, Sendable {
        case nothing
        /// A line is typed on a partition's console.
        case type(String, on: String)
        /// What opens the disk is typed on the same console.
        case passphrase
        /// The line's last word (`key=value`: the value) is typed on another partition's console.
        case carry(to: String)
        /// The line's last value is the checksum of the page that a server outside has sent.
        case matchPage
        /// The page that the machine serves is fetched from outside; the line's last value is its checksum.
        case fetch
        /// virsh is run with this client's certificate and these words. nil: it must be done, else be refused with these words.
        case client(String, [String], refusal: String? = nil)
    }

    /// Whose console shows it; of an example's second machine with its name, `app@right`.
    public let partition: String
    /// How the line begins.
    public let line: String
    /// What it means, for people.
    public let meaning: String
    public let action: Action

    public init(_ partition: String, _ line: String, _ meaning: String, then action: Action = .nothing) {
        (self.partition, self.line, self.meaning, self.action) = (partition, line, meaning, action)
    }
}
