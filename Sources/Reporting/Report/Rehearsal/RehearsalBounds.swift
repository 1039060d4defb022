package import ControlProtocol
package import Rehearsals

extension RehearsalOutcome: Bounded {
    package func check() throws(OutOfBounds) {
        try check("format", format, Self.format...Self.format)
        try check("predicted", predicted, Bound.span)
        try check("seen", seen, Bound.span)
        try check("acknowledged", acknowledged, Bound.count)
        try check("lost", lost, Bound.count)
        try check("rulesLeft", rulesLeft, Bound.count)
        for (field, list) in [("remarks", remarks), ("problems", problems)] {
            try check(field, elementsOf: list)
        }
        try check("hosts", elementsOf: hosts)
        try check("tests", elementsOf: tests)
        try check("faults", elementsOf: faults)
    }
}
