/// The kernel's number for its nf_tables rule set.
///
/// Every transaction that any program commits in this network namespace raises it, iptables-nft's included, so
/// that two equal answers prove that no table, chain, rule or set was touched in between; packet counters move
/// without it. iptables-legacy does not take part.
enum RulesetGeneration {
    // `linux/netfilter/nfnetlink.h`, `nf_tables.h`: NETLINK_NETFILTER, subsystem 10, NFT_MSG_GETGEN and NEWGEN.
    private static let family: Int32 = 12
    private static let question: UInt16 = 10 << 8 | 16
    private static let answer: UInt16 = 10 << 8 | 15
    private static let identifier: UInt16 = 1

    /// What this many more transactions make of it; the kernel leaves zero out.
    static func after(_ generation: UInt32, transactions: Int) -> UInt32 {
        let sum = UInt64(generation) + UInt64(max(transactions, 0))
        return UInt32(truncatingIfNeeded: sum > UInt64(UInt32.max) ? sum + 1 : sum)
    }

    /// Nil when the kernel has no nf_tables, or does not say.
    static func read() -> UInt32? {
        let header: [UInt8] = [0, 0, 0, 0]
        guard
            let messages = Netlink.ask(family, type: question, flags: Netlink.single, body: header),
            let message = messages.first(where: { $0.type == answer })
        else { return nil }
        var attributes = message.payload.dropFirst(header.count)
        while attributes.count >= 4 {
            let length = Int(Netlink.number(attributes, at: 0, as: UInt16.self))
            guard length >= 4, length <= attributes.count else { return nil }
            if Netlink.number(attributes, at: 2, as: UInt16.self) == identifier, length == 8 {
                return UInt32(bigEndian: Netlink.number(attributes, at: 4, as: UInt32.self))
            }
            attributes = attributes.dropFirst((length + 3) & ~3)
        }
        return nil
    }
}
