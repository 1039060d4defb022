/// The end of a snapshot: the sum of all that is before it, and the path `/`.
///
/// There may be an earlier one, before a digest of 20 bytes; the last covers that too.
struct SnapshotSeal {
    static let mark: [UInt8] = [0, 0, 0, 1, UInt8(ascii: "/")]
    private static let size = 8 + mark.count
    private static let digestSize = 20
    private static let tailSize = size + digestSize - 1

    private var sum = Adler32()
    /// The last bytes so far, which may be the seal, or the seal and a part of a digest.
    private var tail: [UInt8] = []

    mutating func update(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count < Self.tailSize else {
            sum.update(tail[...])
            sum.update(bytes.dropLast(Self.tailSize))
            tail = Array(bytes.suffix(Self.tailSize))
            return
        }
        tail += bytes
        let excess = tail.count - Self.tailSize
        guard excess > 0 else { return }
        sum.update(tail[..<excess])
        tail.removeFirst(excess)
    }

    /// Whether what was given is a whole snapshot's content.
    ///
    /// `digestMayEnd`: also one that breaks off in its digest, which ZooKeeper takes for one of a time before digests.
    func isRight(digestMayEnd: Bool = false) -> Bool {
        (0...(digestMayEnd ? Self.digestSize - 1 : 0)).contains { isSealed(at: tail.count - Self.size - $0) }
    }

    private func isSealed(at index: Int) -> Bool {
        guard index >= 0 else { return false }
        var sum = sum
        sum.update(tail[..<index])
        let seal = tail[index..<index + Self.size]
        let expected = seal.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return UInt64(sum.value) == expected && Array(seal.dropFirst(8)) == Self.mark
    }
}
