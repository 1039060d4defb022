import Glibc

extension FuzzTarget {
    /// What `make fuzz` runs.
    static let all: [FuzzTarget] = wire + texts + data + replies + records + rehearsals

    /// Faults that are there to be found.
    static let planted: [FuzzTarget] = [
        FuzzTarget(name: "planted-crash", corpus: "server-properties") { _ in
            { input in
                // As if a number from outside were taken as it is.
                _ = number(in: input).map { Int32($0) }
                return true
            }
        },
        FuzzTarget(name: "planted-hang", corpus: "server-properties") { _ in
            { input in
                var left = number(in: input) ?? 0
                // The optimiser takes away a loop that does nothing.
                while left != 0 {
                    left &-= 1
                    _ = time(nil)
                }
                return true
            }
        },
        FuzzTarget(name: "planted-growth", corpus: "server-properties") { _ in
            let hoard = Hoard()
            return { input in
                hoard.keep([UInt8](repeating: 1, count: 16 << 10) + input)
                return true
            }
        },
    ]

    /// Of the line `zookeeper.session.timeout.ms`.
    private static func number(in input: [UInt8]) -> Int? {
        String(decoding: input, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("zookeeper.session.timeout.ms=") }
            .flatMap { Int($0.split(separator: "=").last ?? "") }
    }
}

private final class Hoard {
    private var kept: [[UInt8]] = []

    /// No more than shows.
    func keep(_ bytes: [UInt8]) { if kept.count < 20_000 { kept.append(bytes) } }
}
