import ControlProtocol
import FoundationEssentials
import Procedure
import Reporting
import TestSupport
import Testing

@Suite("The page of a report")
struct ReportPageTests {
    private func page(_ change: (inout ReportFixture) throws -> Void = { try $0.fillWhole() }) throws
        -> String
    {
        var fixture = try ReportFixture()
        try change(&fixture)
        return ReportPage(try fixture.report()).html
    }

    private func matches(_ pattern: String, in text: String) throws -> [String] {
        text.matches(of: try Regex(pattern)).compactMap { $0.output[1].substring.map(String.init) }
    }

    /// Without what its style sheet is, and the sheet's digest.
    private func plain(_ html: String) throws -> String {
        var text = html
        let start = try #require(text.firstRange(of: "<style>")).upperBound
        let end = try #require(text.firstRange(of: "</style>")).lowerBound
        text.removeSubrange(start..<end)
        let digest = try #require(try matches("(sha256-[^&]*)&", in: text).first)
        return text.replacing(digest, with: "sha256-")
    }

    @Test("it is the page of Tests/Pages; what it is instead is left in MITOSIS_PAGE, if that is set")
    func golden() throws {
        let text = try plain(try page()).replacing(ReportFixture.digest, with: "0123456789ab")
            .replacing(ProgramVersion.line(of: "mitosis"), with: "mitosis 0.1.0 (protocol 2)")
        let path = #filePath.replacing(
            "ReportingTests/Report/ReportPageTests.swift",
            with: "Pages/report.html"
        )
        if let other = ProcessInfo.processInfo.environment["MITOSIS_PAGE"] {
            try Data(text.utf8).write(to: URL(filePath: other))
        }
        let expected = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        let lines = zip(text.split(separator: "\n"), expected.split(separator: "\n"))
        let first = lines.first { $0 != $1 }.map { "\($0)\ninstead of\n\($1)" }
        #expect(text == expected, "the first difference is \(first ?? "at the end")")
    }

    @Test(
        "it loads nothing and runs nothing: no script, no address but its own parts, and its policy allows its own sheet alone"
    )
    func contained() throws {
        let html = try page()
        for word in [
            "<script", "javascript:", "http://", "https://", "url(", "@import", "src=", " style=", "<link",
        ] {
            #expect(!html.contains(word), "\(word)")
        }
        #expect(try matches("href=\"(.)", in: html).allSatisfy { $0 == "#" })
        let sheet = try #require(try matches("<style>([\\s\\S]*?)</style>", in: html).first)
        let digest = try #require(
            try matches("style-src 'sha256-([^']*)'", in: html.replacing("&#39;", with: "'")).first
        )
        let bytes = try #require(Data(base64Encoded: digest))
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(ContentDigest.sha256(Data(sheet.utf8)) == digits)
    }

    @Test(
        "every link leads to a part of the page, names are used once, and headings go down one level at a time"
    )
    func structure() throws {
        let html = try page()
        let ids = try matches(" id=\"([^\"]*)\"", in: html)
        #expect(ids.count == Set(ids).count)
        #expect(Set(try matches("href=\"#([^\"]*)\"", in: html)).isSubset(of: ids))
        let levels = try matches("<h([1-6])", in: html).compactMap { Int($0) }
        #expect(levels.first == 1 && levels.filter { $0 == 1 }.count == 1)
        #expect(zip(levels, levels.dropFirst()).allSatisfy { $1 <= $0 + 1 })
        #expect(try matches("<(table)", in: html).count == (try matches("<(caption)", in: html)).count)
        for landmark in ["<header>", "<nav aria-label=", "<main id=", "<footer>"] {
            #expect(html.contains(landmark))
        }
    }

    @Test("elements are closed in the order in which they were opened")
    func wellFormed() throws {
        var open: [String] = []
        let html = try page()
        for match in html.matches(of: try Regex("<(/?)([a-z0-9]+)[^>]*?(/?)>")) {
            let parts = (1...3).map { match.output[$0].substring.map(String.init) ?? "" }
            if parts[2] == "/" || parts[1] == "meta" { continue }
            if parts[0] == "/" {
                #expect(open.popLast() == parts[1])
            } else {
                open.append(parts[1])
            }
        }
        #expect(open.isEmpty)
    }

    @Test("foreign text is shown, and is never an element, an attribute or an unseen character")
    func hostile() throws {
        let attack = "</p><script>alert(1)</script>\" onload='x' &amp; <img src=x>"
        let html = try page { fixture in
            try fixture.fillWhole()
            fixture.facts.waived = [attack, HostileText.all]
            fixture.facts.accepted = ["proof.compare": attack]
            fixture.facts.starts[attack] = .init(pid: 1, milliseconds: 4)
            fixture.add("proof.source", at: 8800, .failed(reason: attack + HostileText.all))
            fixture.add(StepID("proof.\(attack)"), at: 8900)
        }
        #expect(HostileText.offences(in: html).isEmpty)
        #expect(!html.contains("<script") && !html.contains("<img"))
        #expect(
            html.contains(
                "&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39; &amp;amp; &lt;img src=x&gt;"
            )
        )
    }

    @Test("each bar is as long as its number, and what is not recorded is said in words")
    func bars() throws {
        let html = try page()
        #expect(
            html.contains(#"width="33.33%" y="1" height="12" rx="3" data-from="0" data-length="1420""#)
                == false
        )
        let bar = try Regex(
            #"x="([0-9.]+)%" width="([0-9.]+)%"[^>]*data-from="(\d+)" data-length="(\d+)" data-total="(\d+)""#
        )
        let found = html.matches(of: bar)
        #expect(found.count > 15)
        for match in found {
            let numbers = (1...5).compactMap { match.output[$0].substring.flatMap { Double($0) } }
            try #require(numbers.count == 5 && numbers[4] > 0)
            let width = min(max(numbers[3] / numbers[4] * 100, 0.6), 100)
            #expect(abs(numbers[1] - width) < 0.01 && numbers[0] + numbers[1] < 100.01)
        }
        let empty = try page { _ in }
        for sentence in [
            "No step was begun yet.", "The window was not predicted.", "No node was detached.",
            "No file was changed.",
            "No wall was raised.", "Nothing was waived.", "Source: not recorded",
        ] {
            #expect(empty.contains(sentence), "\(sentence)")
        }
    }
}
