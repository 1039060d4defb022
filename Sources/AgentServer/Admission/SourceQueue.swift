/// Connections in the order of their coming, by the address that they come from.
struct SourceQueue {
    private var sources: [String: [Int]] = [:]
    private(set) var count = 0

    mutating func append(_ id: Int, from source: String) {
        sources[source, default: []].append(id)
        count += 1
    }

    mutating func remove(_ id: Int, from source: String) {
        guard var ids = sources[source], let place = ids.firstIndex(of: id) else { return }
        ids.remove(at: place)
        sources[source] = ids.isEmpty ? nil : ids
        count -= 1
    }

    /// The oldest of the address that has the most; among equals, the oldest of all.
    mutating func removeOldestOfMost() -> Int? {
        var most: (source: String, count: Int, first: Int)?
        for (source, ids) in sources {
            guard let first = ids.first else { continue }
            if let most, (most.count, -most.first) >= (ids.count, -first) { continue }
            most = (source, ids.count, first)
        }
        guard let most else { return nil }
        remove(most.first, from: most.source)
        return most.first
    }
}
