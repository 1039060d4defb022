import ControlProtocol
import FoundationEssentials
import Glibc
import LabKit
import Testing

/// The model of the orders in docs/model: its transitions are the agent's.
@Suite("The orders' model")
struct OrderModelTests {
    private static let folder =
        "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/docs/model"

    /// Why it cannot be searched here, or nil; in CI nothing is passed over.
    private static var obstacle: String? {
        guard getenv("CI") == nil, access("/usr/bin/spin", X_OK) != 0 else { return nil }
        return "/usr/bin/spin is missing (make setup)"
    }

    @Test("its transitions are made of the table by which the agent decides")
    func transitions() throws {
        let path = Self.folder + "/order-transitions.pml"
        // MITOSIS_WRITE_MODEL=1 writes them anew.
        if getenv("MITOSIS_WRITE_MODEL") != nil { try Data(Self.text.utf8).write(to: URL(filePath: path)) }
        let found = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        #expect(found == Self.text)
    }

    @Test(
        "nothing breaks it in any history of a smaller search, and two planted faults do",
        .enabled(if: obstacle == nil, "\(obstacle ?? "")"),
        .timeLimit(.minutes(10))
    )
    func search() async throws {
        let search = ["/usr/bin/env", "LIVES=1", "REBOOTS=0", Self.folder + "/check", "--prove"]
        let ended = try await Tool(search).outcome()
        #expect(ended.succeeded, "\(ended.diagnostics)")
        let lines = ended.output.split(separator: "\n")
        #expect(lines.filter { $0.hasSuffix(": found") }.count == 2, "\(ended.output)")
        #expect(lines.filter { $0.contains(": holds in ") }.count == 2, "\(ended.output)")
    }

    private static var text: String {
        let phases: [OrderPhase?] = [nil] + OrderPhase.allCases
        var lines = [
            "/* Made of OrderTransitions (Sources/ControlProtocol/Orders) by OrderModelTests, which compares it; not edited by hand. */",
            "",
        ]
        lines += phases.enumerated().map { "#define \(name($1)) \($0)" } + [""]
        lines += OrderTransitions.Event.allCases.enumerated().map { "#define \(name($1)) \($0)" }
        lines += [
            "",
            "/* What becomes of an order by an event; `refused` says whether the host refuses instead, and leaves it as it is. */",
            "inline transition(event, phase, refused) {", "    if",
        ]
        for event in OrderTransitions.Event.allCases {
            for phase in phases {
                let outcome =
                    switch OrderTransitions.outcome(of: event, in: phase) {
                    case .becomes(let next): "phase = \(name(next)); refused = false"
                    case .refused: "refused = true"
                    }
                lines.append("    :: event == \(name(event)) && phase == \(name(phase)) -> \(outcome)")
            }
        }
        return (lines + ["    fi", "}", ""]).joined(separator: "\n")
    }

    private static func name(_ phase: OrderPhase?) -> String { phase?.rawValue.uppercased() ?? "NONE" }

    private static func name(_ event: OrderTransitions.Event) -> String {
        event.rawValue.replacing("-", with: "_").uppercased()
    }
}
