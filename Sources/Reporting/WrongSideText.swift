package import ControlProtocol
import FoundationEssentials
import Printable
package import Procedure
import Tables
import Topology

/// Writes into what has moved on the source, for a person and for a program.
package struct WrongSideText: Sendable {
    private static let header = ["time", "transaction", "what", "path", "session", "address", "who"]

    private let side: WrongSide

    package init(_ side: WrongSide) { self.side = side }

    package var text: String { (table(side.writes) + notes + [side.summary]).map { line($0) }.joined() }

    /// Of writes that came since, alone.
    package func text(of writes: [WritesReport.Write]) -> String {
        table(writes).dropFirst().dropLast().map { line($0) }.joined()
    }

    private func line(_ text: String) -> String { PrintableText(text).description + "\n" }

    private func table(_ writes: [WritesReport.Write]) -> [String] {
        guard !writes.isEmpty else { return [] }
        let rows = writes.map { write in
            [
                Self.time(write.at), "\(write.zxid)", write.kind.word, write.path, "\(write.session)",
                write.address.map { "\($0)" } ?? "-", who(write) ?? "-",
            ]
        }
        let columns = [Table.Column](repeating: .fitted, count: Self.header.count)
        return Table(columns, gap: 2).lines([Self.header] + rows) + [""]
    }

    private var notes: [String] {
        let strangers = side.strangers.map {
            "it may be that: connected to the source and not known by the plan: \($0)\(side.name($0).inBrackets)"
        }
        let missing = side.count - side.writes.count
        var notes: [String] = []
        if missing > 0 { notes.append("note: \(missing) more writes are counted, and not shown") }
        if side.writes.contains(where: { $0.address == nil }) { notes += strangers }
        // Of nothing the summary tells by itself.
        guard side.count > 0 else { return notes }
        if !side.isWhole { notes += side.problems.map { "not known: \($0)" } }
        if side.underWay > 0 {
            notes.append(
                "note: \(side.underWay) writes were under way when the division came, and were not acknowledged"
            )
        }
        if let doubt = side.doubt { notes.append("note: \(doubt)") }
        if side.ownCount > 0 {
            notes.append("note: \(side.ownCount) more writes are by \(side.ownNames), and are nobody's split")
        }
        if side.expired > 0 {
            notes.append("note: the source's ensemble itself has removed \(side.expired) nodes there")
        }
        return notes
    }

    private func who(_ write: WritesReport.Write) -> String? {
        write.address.map { side.name($0).description }
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).ISO8601Format()
    }

    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = Document(
            divided: true,
            clear: side.isClear,
            verdict: side.summary,
            trees: side.trees,
            split: side.split,
            count: side.count,
            writes: side.writes.map { write in
                Document.Write(
                    zxid: write.zxid,
                    at: write.at,
                    kind: write.kind,
                    path: write.path,
                    session: write.session,
                    address: write.address,
                    who: who(write)
                )
            },
            underWay: side.underWay,
            expired: side.expired,
            own: side.ownCount,
            strangers: side.strangers,
            problems: side.problems
        )
        return PrintableText.json(String(decoding: try encoder.encode(document), as: UTF8.self)) + "\n"
    }

    private struct Document: Encodable {
        struct Write: Encodable {
            let zxid: Zxid
            let at: Int64
            let kind: WritesReport.Kind
            let path: String
            let session: SessionNumber
            let address: IPAddress?
            let who: String?
        }

        let divided: Bool
        let clear: Bool
        let verdict: String
        let trees: [String]
        let split: Zxid
        let count: Int
        let writes: [Write]
        let underWay: Int
        let expired: Int
        let own: Int
        let strangers: [IPAddress]
        let problems: [String]
    }
}
