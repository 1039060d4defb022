import LabKit
import Testing

/// What the journal of a whole run says of its proofs.
enum Proven {
    private static let steps = [
        "preflight.smoke", "join.smoke", "proof.source", "proof.destination", "proof.compare",
    ]

    /// Directories into which the lab's writers create all the time may stay unjudged; nothing may differ.
    static func expect(_ lab: Lab, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let history = try await Coordinator(lab: lab).perform(["history", lab.layout.plan])
        let proofs = history.output.split(separator: "\n").prefix { !$0.contains("preflight.checks") }
            .filter { $0.contains(": proven: ") || $0.contains(": partly: no difference") }
        let names = proofs.map { String($0.drop { $0 == " " }.prefix { $0 != ":" }) }
        #expect(names == steps, "\(history.output.prefix(2000))", sourceLocation: sourceLocation)
        let compared = proofs.last.map(String.init) ?? ""
        #expect(compared.contains("divided after 0x"), "\(compared)", sourceLocation: sourceLocation)
    }
}
