/// What the library holds instead of a pointer: the session's number and a number within it.
///
/// A callback that comes twice, or after its session, finds nothing under its token and touches no memory.
struct Token: Hashable, Sendable {
    private static let sequenceBits: UInt = 40
    private static let sequenceMask: UInt = 1 << sequenceBits - 1
    static let sessions: UInt = 1 << (UInt(UInt.bitWidth) - sequenceBits)

    private let bits: UInt

    /// Session numbers start at 1, so that no token is a null pointer.
    init(session: UInt, sequence: UInt) {
        bits = session << Self.sequenceBits | sequence & Self.sequenceMask
    }

    init?(_ context: UnsafeRawPointer?) {
        guard let context else { return nil }
        bits = UInt(bitPattern: context)
    }

    var session: UInt { bits >> Self.sequenceBits }
    /// Never dereferenced.
    var context: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: bits) }
}
