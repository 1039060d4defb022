import HostControl

/// What `mitosis-agent --print-hold UNIT` prints: what makes a destination's ZooKeeper ask at each start whether an order holds it back.
///
/// A condition, not a step before the start: a unit that it keeps from starting is plainly stopped, neither failed nor started again
/// by its `Restart=`. Without an order nothing of ours is run, so that a host whose agent is gone starts its ZooKeeper as ever.
package struct HoldDropIn: Sendable {
    /// Who writes it; its first line says so, and who may take it away again.
    package enum Author: Sendable {
        case `operator`
        case agents

        package var firstLine: String {
            switch self {
            case .operator: "# By mitosis-agent --print-hold. Remove it before the agent."
            case .agents:
                "# Written by mitosis agents (zookeeper.hold in agent.yaml), which removes it again."
            }
        }
    }

    private let unit: String
    private let author: Author
    private let state: String
    private let program: String

    package init(
        unit: String,
        state: String,
        by author: Author = .operator,
        program: String = "/usr/bin/mitosis-agent"
    ) {
        self.unit = unit
        self.author = author
        self.state = state
        self.program = program
    }

    /// Belongs into /etc/systemd/system/UNIT.d/mitosis-hold.conf.
    package var text: String {
        let order = OrderStore(stateDirectory: state).path
        let words = [
            #"test ! -e "$1" || exec "$2" --hold-check "$3" --state "$4""#, "sh", order, program, unit, state,
        ]
        return """
            \(author.firstLine)
            # Keeps this ZooKeeper from starting by itself in the middle of a division, and puts this host's wall back before it
            # starts; does nothing while there is no order.
            [Service]
            ExecCondition=+/bin/sh -c \(words.map(Self.quoted).joined(separator: " "))

            """
    }

    /// As systemd reads one word of a command line.
    static func quoted(_ word: String) -> String {
        let escaped = word.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
            "%",
            with: "%%"
        )
        .replacing("$", with: "$$")
        return "\"\(escaped)\""
    }
}
