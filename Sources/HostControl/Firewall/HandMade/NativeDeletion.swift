import Glibc

/// Deletes rules of nft's own kind in one transaction, and only if nobody has changed any rule since they were read.
///
/// A handle names one rule for as long as its table lives. When somebody makes the table anew between our reading and our
/// deleting, the same number may be another rule's: `nft delete rule` cannot see that, so the kernel itself is told the generation
/// that the handles were read at, and refuses the transaction at any other.
enum NativeDeletion {
    enum Outcome: Hashable, Sendable {
        case done
        /// Some rule, of whomever, was changed since they were read; nothing was deleted.
        case outdated
        /// With the errno; nothing was deleted.
        case failed(Int32)
    }

    /// So that a transaction stays below what a socket takes at once.
    static let most = 800

    // `linux/netfilter/nfnetlink.h` and `nf_tables.h`.
    private static let family: Int32 = 12
    private static let begin: UInt16 = 0x10
    private static let end: UInt16 = 0x11
    private static let subsystem: UInt16 = 10
    private static let delete: UInt16 = subsystem << 8 | 8
    private static let restart: Int32 = 85

    /// Blocks until the kernel has answered, a few seconds at most.
    static func perform(_ places: [NativeRules.Place], at generation: UInt32) -> Outcome {
        guard !places.isEmpty else { return .done }
        let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_NETLINK, kind, family)
        guard descriptor >= 0 else { return .failed(errno) }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let batch = batch(places, generation)
        guard send(descriptor, batch, batch.count, 0) == batch.count else { return .failed(errno) }
        return answer(on: descriptor, last: UInt32(places.count) + 1)
    }

    /// The begin of the batch has number 1, the deletions those that follow; the last of them alone asks for a receipt.
    private static func batch(_ places: [NativeRules.Place], _ generation: UInt32) -> [UInt8] {
        let batchHead: [UInt8] = [0, 0] + Netlink.bytes(of: subsystem.bigEndian)
        var bytes = message(
            begin,
            Netlink.single,
            1,
            batchHead + attribute(1, Netlink.bytes(of: generation.bigEndian))
        )
        for (index, place) in places.enumerated() {
            let body =
                [protocolFamily(place.family), 0, 0, 0] + attribute(1, text(place.table))
                + attribute(2, text(place.chain)) + attribute(3, Netlink.bytes(of: place.handle.bigEndian))
            let flags = index == places.count - 1 ? Netlink.order : Netlink.single
            bytes += message(delete, flags, UInt32(index) + 2, body)
        }
        return bytes + message(end, Netlink.single, UInt32(places.count) + 2, batchHead)
    }

    /// The first error decides: the kernel tells of each, and then undoes all.
    private static func answer(on descriptor: Int32, last: UInt32) -> Outcome {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var failure: Int32?
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_TRUNC))
            if count < 0, errno == EINTR { continue }
            if count < 0 { return .failed(failure ?? errno) }
            guard count <= buffer.count else { return .failed(EMSGSIZE) }
            var rest = buffer[..<count]
            while rest.count >= 20 {
                let length = Int(Netlink.number(rest, at: 0, as: UInt32.self))
                guard length >= 16, length <= rest.count else { return .failed(EPROTO) }
                let type = Netlink.number(rest, at: 4, as: UInt16.self)
                let number = Netlink.number(rest, at: 8, as: UInt32.self)
                if type == 2 {
                    let code = -Netlink.number(rest, at: 16, as: Int32.self)
                    if code == restart { return .outdated }
                    if code != 0 { failure = failure ?? code }
                    // A batch that does not begin is not gone on with.
                    if number == 1 || number == last { return failure.map { .failed($0) } ?? .done }
                }
                rest = rest.dropFirst((length + 3) & ~3)
            }
        }
    }

    private static func message(_ type: UInt16, _ flags: UInt16, _ number: UInt32, _ body: [UInt8]) -> [UInt8]
    {
        Netlink.bytes(of: UInt32(16 + body.count)) + Netlink.bytes(of: type) + Netlink.bytes(of: flags)
            + Netlink.bytes(of: number) + Netlink.bytes(of: UInt32(0)) + body
    }

    private static func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
        let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
        return Netlink.bytes(of: UInt16(4 + value.count)) + Netlink.bytes(of: type) + value + padding
    }

    private static func text(_ name: String) -> [UInt8] { Array(name.utf8) + [0] }

    /// `NFPROTO_`; only these are ever judged to be hand-made.
    private static func protocolFamily(_ name: String) -> UInt8 {
        switch name {
        case "ip": 2
        case "ip6": 10
        case _: 1
        }
    }
}
