import FoundationEssentials
import Procedure
import Settings
import Testing

/// What the documents and the reports say of checks, against the checks themselves.
@Suite("checks in documents")
struct CheckDocumentTests {
    private static func text(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
            .joined(separator: "/")
        return String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(path)")), as: UTF8.self)
    }

    @Test("docs/plan-file.md lists every check with its trap and whether it can be waived, in their order")
    func table() throws {
        let rows = try Self.text("docs/plan-file.md").split(separator: "\n")
            .map { $0.split(separator: "|").map { $0.trimmed } }
            .filter { $0.count == 4 && ($0[2] == "yes" || $0[2] == "no") }
        let expected = CheckName.allCases.map { check in
            let traps = check.traps.isEmpty ? "-" : check.traps.map(String.init).joined(separator: ", ")
            return ["`\(check)`", traps, check.obstacle == nil ? "yes" : "no"]
        }
        #expect(rows.map { Array($0.prefix(3)) } == expected)
    }

    @Test("every row of the trap table has a check")
    func traps() throws {
        let rows = try Self.text("docs/procedure.md").split(separator: "\n")
            .map { $0.split(separator: "|").map { $0.trimmed } }
            .filter { $0.count == 3 }.compactMap { Int($0[0]) }
        #expect(rows.count >= 23 && rows.sorted() == Array(1...rows.count))
        #expect(Set(rows).subtracting(CheckName.allCases.flatMap(\.traps)) == [])
    }

    @Test("a plan that is refused is told under the check that each mistake belongs to")
    func refused() throws {
        let text = """
            version: 1
            name: model
            pki: {directory: ./pki, coordinator: ops}
            source:
              servers:
                - {id: 1, host: s1, address: 198.51.100.11}
                - {id: 2, host: s2, address: 198.51.100.12}
                - {id: 9, host: s3, address: 198.51.100.13}
            destination:
              servers:
                - {id: 4, host: d1, address: 198.51.100.21}
                - {id: 5, host: d2, address: 198.51.100.22}
                - {id: 6, host: d3, address: 198.51.100.23, colour: red}
            """
        let error = try #require(try Self.error(text))
        let report = PreflightReport(file: "p", refused: error)
        #expect(report.findings.map(\.name) == [.planFile, .destinationIDs])
        #expect(report.failed == 2 && report.strategy == nil && report.plan == "p")
        #expect(report.findings[0].reason.hasPrefix("p:13: "))
        #expect(report.findings[1].reason.hasPrefix("p:11: ") && report.findings[1].reason.contains("p:12: "))

        let seeds = try #require(
            try Self.error(
                text.replacing("id: 9", with: "id: 3").replacing(", colour: red", with: "") + "\n  seeds: [4]"
            )
        )
        #expect(PreflightReport(file: "p", refused: seeds).findings.map(\.name) == [.seeds])
    }

    private static func error(_ text: String) throws -> PlanError? {
        let document = try YAMLDocument(bytes: Array(text.utf8), file: "p")
        do throws(PlanError) {
            _ = try PlanReader.read(document)
            return nil
        } catch {
            return error
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
