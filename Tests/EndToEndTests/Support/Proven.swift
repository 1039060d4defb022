import LabKit
import Testing

/// What the journal of a whole run says of its proofs.
enum Proven {
    private static let steps = [
        "preflight.smoke", "join.smoke", "proof.source", "proof.destination", "proof.compare",
    ]

    static func expect(_ lab: Lab, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let history = try await Coordinator(lab: lab).perform(["history", lab.layout.plan])
        let proofs = history.output.split(separator: "\n").filter { $0.contains(": proven: ") }
        #expect(
            proofs.map { $0.drop { $0 == " " }.prefix { $0 != ":" } } == steps.map { $0[...] },
            sourceLocation: sourceLocation
        )
        let compared = proofs.last ?? ""
        #expect(
            compared.contains(": equal: ") && compared.contains("divided after 0x"),
            "\(compared)",
            sourceLocation: sourceLocation
        )
    }
}
