import Printable

/// Lays cells out in columns, a line a row, for people: a cell is on one line, whatever its text.
package struct Table: Hashable, Sendable {
    package enum Column: Hashable, Sendable {
        /// A longer cell moves what follows in its own row, and no other row.
        case fixed(Int)
        /// As wide as its longest cell, and never narrower than this.
        case fitted(atLeast: Int)

        package static let fitted = Column.fitted(atLeast: 0)
    }

    private let columns: [Column]
    private let gap: String

    /// `gap` spaces stand between two cells.
    package init(_ columns: [Column], gap: Int) {
        self.columns = columns
        self.gap = String(repeating: " ", count: gap)
    }

    /// Rows may be shorter or longer than the columns are many; a cell beyond them is as wide as its text.
    package func lines(_ rows: [[String]]) -> [String] {
        let rows = rows.map { row in row.map { PrintableText($0).description } }
        let widths = columns.enumerated().map { index, column in
            switch column {
            case .fixed(let width): width
            case .fitted(let least):
                rows.filter { index < $0.count }.map { $0[index].count }.reduce(least, max)
            }
        }
        return rows.map { row in
            row.enumerated()
                .map { index, cell in
                    index < widths.count ? Self.filled(cell, to: widths[index]) : cell
                }
                .joined(separator: gap)
        }
    }

    /// One row, for columns that are all fixed.
    package func line(_ row: [String]) -> String { lines([row]).joined() }

    private static func filled(_ cell: String, to width: Int) -> String {
        cell + String(repeating: " ", count: max(0, width - cell.count))
    }
}
