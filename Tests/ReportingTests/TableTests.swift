import Procedure
import Reporting
import Settings
import Tables
import Testing

@Suite("Cells in columns")
struct TableTests {
    @Test("a fixed column is filled up, and a longer cell moves the rest of its own row only")
    func fixed() {
        let table = Table([.fixed(4), .fixed(2)], gap: 1)
        #expect(
            table.lines([["a", "b", "c"], ["abcdef", "b", "c"], ["abcd", "bc", "c"]])
                == ["a    b  c", "abcdef b  c", "abcd bc c"]
        )
    }

    @Test("a fitted column is as wide as its longest cell, and no narrower than it must be")
    func fitted() {
        let table = Table([.fitted, .fitted(atLeast: 3)], gap: 2)
        #expect(table.lines([["a", "b", "c"], ["abc", "", "c"]]) == ["a    b    c", "abc       c"])
    }

    @Test("rows may be shorter or longer than the columns are many")
    func ragged() {
        let table = Table([.fitted, .fixed(2)], gap: 1)
        #expect(
            table.lines([[], ["a"], ["ab", "c"], ["", "", "d", "e"]]) == ["", "a ", "ab c ", "      d e"]
        )
    }

    @Test("width is counted in characters, not in bytes")
    func characters() { #expect(Table([.fixed(6)], gap: 1).line(["zwölf", "x"]) == "zwölf  x") }

    @Test("no rows are no lines")
    func empty() { #expect(Table([.fitted, .fixed(3)], gap: 1).lines([]).isEmpty) }

    @Test("a preflight of short names is narrow, of one long name wide; without a check only its sum is left")
    func preflight() {
        let short = Finding(name: .seeds, title: "t", verdict: .fail, reason: "two", remedy: "Leave them")
        #expect(
            PreflightPrinter(PreflightReport("p", nil, [short])).text == """
                FAIL    seeds  two
                               Leave them

                p: 1 check: 0 passed, 0 warned, 1 failed, 0 waived

                """
        )
        let long = Finding(name: .serverProcesses, title: "t", verdict: .pass, reason: "6")
        #expect(
            PreflightPrinter(PreflightReport("p", nil, [short, long])).text == """
                FAIL    seeds             two
                                          Leave them
                ok      server-processes  6

                p: 2 checks: 1 passed, 0 warned, 1 failed, 0 waived

                """
        )
        #expect(
            PreflightPrinter(PreflightReport("p", nil, [])).text
                == "\np: 0 checks: 0 passed, 0 warned, 0 failed, 0 waived\n"
        )
    }
}
