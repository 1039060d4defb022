/// Finds what somebody probably meant to write.
package enum NearestName {
    /// The nearest candidate, within one typing mistake for three letters; nil when none is that near.
    package static func of(_ name: String, in candidates: [String]) -> String? {
        let allowed = name.utf8.count / 3
        let ranked = candidates.map { ($0, distance(Array(name.utf8), Array($0.utf8))) }
        return ranked.filter { $0.1 <= allowed }.min { $0.1 < $1.1 }?.0
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that turn one name into the other.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard left.count <= 64, right.count <= 64 else { return .max }
        var rows = [Array(0...right.count)]
        for (i, byte) in left.enumerated() {
            var row = [i + 1]
            for (j, other) in right.enumerated() {
                var best = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (byte == other ? 0 : 1))
                if i > 0, j > 0, byte == right[j - 1], left[i - 1] == other {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
