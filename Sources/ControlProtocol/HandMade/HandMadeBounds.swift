extension HandMadeRequest: Bounded {
    package func check() throws(OutOfBounds) {
        try check("addresses", addresses.count, 1...Self.mostAddresses)
    }
}

extension HandMadeReport: Bounded {
    package func check() throws(OutOfBounds) {
        try check("count", count, Bound.count)
        try check("rules", each: rules)
        try check("otherCount", otherCount, Bound.count)
        try check("others", each: others)
        try check("copyCount", copyCount, Bound.count)
        try check("copies", each: copies)
        try check("cutCount", cutCount, Bound.count)
        try check("cuts", each: cuts)
        try check("problems", elementsOf: problems)
        try check("removed", removed, Bound.count)
    }
}

extension HandMadeReport.Rule: Bounded {
    package func check() throws(OutOfBounds) {
        try check("count", count, Bound.count)
        try check("packets", packets, Bound.counter)
    }
}

extension HandMadeReport.OtherRule: Bounded {
    package func check() throws(OutOfBounds) { try check("count", count, Bound.count) }
}

extension HandMadeReport.SetRule: Bounded {
    package func check() throws(OutOfBounds) { try check("count", count, Bound.count) }
}

extension HandMadeReport.FileCopy: Bounded {
    package func check() throws(OutOfBounds) { try check("line", line, Bound.count) }
}
