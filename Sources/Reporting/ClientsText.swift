import ControlProtocol
import Fleet
import FoundationEssentials
import Printable
package import Procedure
import Tables
import Topology

/// Who is connected to an ensemble, and who of them is left behind, for a person and for a program.
package struct ClientsText: Sendable {
    private static let header = [
        "host", "side", "connections", "address", "who", "sessions", "ephemerals",
    ]

    private let census: Census

    package init(_ census: Census) { self.census = census }

    package var text: String {
        let rows = census.clients.map { client in
            [
                "\(client.host)", client.side.rawValue, "\(client.connections)", "\(client.address)",
                "\(client.name)", client.sessions.map { "\($0.count)" } ?? "-", "\(client.ephemerals)",
            ]
        }
        let columns = [Table.Column](repeating: .fitted, count: Self.header.count)
        return (Table(columns, gap: 2).lines([Self.header] + rows) + [""] + verdicts)
            .map { $0 + "\n" }.joined()
    }

    private var verdicts: [String] {
        let lines =
            census.left.map { "left behind: \($0)" } + census.undecided.map { "not decided: \($0)" }
            + census.hints.map { "it may be that: \($0)" } + census.excused.map { "ignored: \($0)" }
            + census.notes.map { "note: \($0)" }
        return (lines + [verdict]).map { PrintableText($0).description }
    }

    private var verdict: String {
        if census.trees.isEmpty { return census.summary }
        if census.isClear { return "nobody is left behind: \(census.summary)" }
        return "\(census.left.count) left behind, \(census.undecided.count) not decided: \(census.summary)"
    }

    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(Document(census, verdict)), as: UTF8.self)
        return PrintableText.json(text) + "\n"
    }

    private struct Document: Encodable {
        struct Client: Encodable {
            let host: String
            let side: String
            let connections: Int
            let address: IPAddress
            let who: String
            let sessions: [SessionNumber]?
            let ephemerals: Int
        }

        struct Holder: Encodable {
            let session: SessionNumber
            let place: String
            let address: IPAddress?
            let who: String
            let paths: [String]
            let count: Int
        }

        let clear: Bool
        let verdict: String
        let trees: [String]
        let clients: [Client]
        let holders: [Holder]
        let left: [String]
        let undecided: [String]
        let hints: [String]
        let ignored: [String]
        let notes: [String]

        init(_ census: Census, _ verdict: String) {
            clear = census.isClear
            self.verdict = verdict
            trees = census.trees
            clients = census.clients.map {
                Client(
                    host: $0.host.description,
                    side: $0.side.rawValue,
                    connections: $0.connections,
                    address: $0.address,
                    who: $0.name.description,
                    sessions: $0.sessions,
                    ephemerals: $0.ephemerals
                )
            }
            holders = census.holders.map {
                Holder(
                    session: $0.session,
                    place: Self.word($0.place),
                    address: $0.address,
                    who: $0.name.description,
                    paths: $0.owner.paths,
                    count: $0.owner.count
                )
            }
            left = census.left
            undecided = census.undecided
            hints = census.hints
            ignored = census.excused
            notes = census.notes
        }

        private static func word(_ place: Census.Place) -> String {
            switch place {
            case .destination: "destination"
            case .source: "source"
            case .undecided: "undecided"
            case .ignored: "ignored"
            }
        }
    }
}
