import TestSupport
import Testing
import Topology

/// Applies a unified diff, so that a wrong hunk header or context line shows.
private func patched(_ old: String, with diff: String) -> String? {
    let lines = diff.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast()
    let source =
        old.isEmpty ? [] : old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var result: [String] = []
    var next = 0
    var openEnded = false
    for (index, line) in lines.dropFirst(2).enumerated() {
        let body = String(line.dropFirst())
        let isOpen = lines.indices.contains(index + 3) && lines[index + 3].hasPrefix("\\")
        switch line.first {
        case "@":
            let range = line.split(separator: " ")[1].dropFirst().split(separator: ",")
            guard let start = Int(range[0]) else { return nil }
            let target = range.last == "0" && range.count == 2 ? start : start - 1
            guard target >= next else { return nil }
            result += source[next..<target]
            next = target
        case " ":
            guard source[next] == body else { return nil }
            result.append(body)
            next += 1
            openEnded = isOpen
        case "-":
            guard source[next] == body else { return nil }
            next += 1
        case "+":
            result.append(body)
            openEnded = isOpen
        default: continue
        }
    }
    let rest = source[next...]
    if rest.isEmpty || rest == [""] {
        return result.joined(separator: "\n") + (openEnded || result.isEmpty ? "" : "\n")
    }
    return (result + rest).joined(separator: "\n")
}

@Suite("Configuration diffs")
struct ConfigDiffTests {
    @Test("added server lines show with three lines around them")
    func golden() {
        let old = "a\nb\nc\nd\nserver.1=x\ne\nf\ng\nh\n"
        let new = "a\nb\nc\nd\nserver.1=x\nserver.4=y\ne\nf\ng\nh\n"
        #expect(
            ConfigDiff.unified(old: Array(old.utf8), new: Array(new.utf8), path: "/etc/zoo.cfg") == """
                --- /etc/zoo.cfg
                +++ /etc/zoo.cfg
                @@ -3,6 +3,7 @@
                 c
                 d
                 server.1=x
                +server.4=y
                 e
                 f
                 g

                """
        )
    }

    @Test("a missing newline at the end is marked on the side that lacks it")
    func openEnd() {
        #expect(
            ConfigDiff.unified(old: Array("a\nb".utf8), new: Array("a\nb\nc\n".utf8), path: "f") == """
                --- f
                +++ f
                @@ -1,2 +1,3 @@
                 a
                -b
                \\ No newline at end of file
                +b
                +c

                """
        )
    }

    @Test("no difference, no diff; an empty side has the range that patch expects")
    func edges() {
        #expect(ConfigDiff.unified(old: Array("a".utf8), new: Array("a".utf8), path: "f").isEmpty)
        #expect(
            ConfigDiff.unified(old: [], new: Array("a\n".utf8), path: "f")
                == "--- f\n+++ f\n@@ -0,0 +1 @@\n+a\n"
        )
        #expect(
            ConfigDiff.unified(old: Array("a\n".utf8), new: [], path: "f")
                == "--- f\n+++ f\n@@ -1 +0,0 @@\n-a\n"
        )
        #expect(ConfigDiff.unified(old: [0xe9, 10], new: [10], path: "f").contains("-\u{e9}\n"))
    }

    @Test("applying a diff gives the new file, whatever changed")
    func appliesBack() {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<500 {
            let old = (0..<Int.random(in: 0...25, using: &generator)).map { _ in "\(Int.random(in: 0...6))" }
            var new = old
            for _ in 0..<Int.random(in: 0...5, using: &generator) {
                let place = Int.random(in: 0...new.count, using: &generator)
                if Bool.random(using: &generator) || place == new.count {
                    new.insert("n\(Int.random(in: 0...3))", at: place)
                } else {
                    new.remove(at: place)
                }
            }
            let before = old.map { $0 + "\n" }.joined()
            let after = String(new.map { $0 + "\n" }.joined().dropLast(round.isMultiple(of: 2) ? 0 : 1))
            guard before != after else { continue }
            let diff = ConfigDiff.unified(old: Array(before.utf8), new: Array(after.utf8), path: "f")
            #expect(patched(before, with: diff) == after, "\(old) -> \(new)\n\(diff)")
        }
    }

    @Test(
        "values that look like secrets are hidden, on changed lines, around them, continued and commented out"
    )
    func secrets() {
        let old = """
            ssl.keyStore.location=/etc/keys
            ssl.keyStore.password=s3cret1
            server.1=x
            # once: ssl.trustStore.password = s3cret2
            quorum.auth.learner.sasl.token : s3\\
              cret3
            ssl.clientAuth.passwd=
            quorum.auth.enableSasl=true

            """
        let new = old.replacing("server.1=x", with: "server.1=y").replacing("s3cret1", with: "s3cret4")
        #expect(
            ConfigDiff.unified(old: Array(old.utf8), new: Array(new.utf8), path: "f") == """
                --- f
                +++ f
                @@ -1,6 +1,6 @@
                 ssl.keyStore.location=/etc/keys
                -ssl.keyStore.password=(hidden)
                -server.1=x
                +ssl.keyStore.password=(hidden)
                +server.1=y
                 # once: ssl.trustStore.password =(hidden)
                 quorum.auth.learner.sasl.token=(hidden)
                 (hidden)

                """
        )
    }

    @Test("a line of a file is shown as text, whatever is in it")
    func hostile() {
        let old = HostileText.pieces.map { "a=\($0)\n" }.joined()
        let diff = ConfigDiff.unified(
            old: Array(old.utf8),
            new: Array("b\n".utf8) + Array(old.utf8),
            path: "f"
        )
        #expect(HostileText.offences(in: diff).isEmpty)
        #expect(diff.contains(#" a=\u{1B}]0;x\u{7}"#))
    }
}
