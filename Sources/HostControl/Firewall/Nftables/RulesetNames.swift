import Topology

/// The names of all tables and chains that nf_tables holds in this network namespace, iptables-nft's included, as the
/// kernel itself tells them.
///
/// What is not among them is not there: a rule stands in a chain, and nothing can jump to a chain that does not exist. So
/// most hosts, on which nothing of ours is, are seen to be clear without executing a program for each backend (*measured*:
/// under 0.1 ms of processor time against 6).
package struct RulesetNames: Hashable, Sendable {
    struct Chain: Hashable, Sendable {
        let table: TableName
        let name: String
    }

    struct TableName: Hashable, Sendable {
        let family: UInt8
        let name: String

        /// Where `NftablesTable` stands.
        static let ours = TableName(family: RulesetNames.inet, name: NftablesTable.name)

        /// iptables-nft's.
        static func filter(_ family: IPAddress.Family) -> TableName {
            switch family {
            case .ipv4: TableName(family: RulesetNames.ipv4, name: "filter")
            case .ipv6: TableName(family: RulesetNames.ipv6, name: "filter")
            }
        }
    }

    let tables: Set<TableName>
    let chains: Set<Chain>

    /// Nil when the kernel has no nf_tables or does not tell, or somebody changed them while it did.
    static func read() -> RulesetNames? {
        guard let before = RulesetGeneration.read(), var socket = NetlinkSocket(family),
            let tables = socket.ask(type: Kind.getTable, flags: Netlink.dump, body: header),
            let chains = socket.ask(type: Kind.getChain, flags: Netlink.dump, body: header)
        else { return nil }
        let names = RulesetNames(tables: tables, chains: chains)
        return RulesetGeneration.read() == before ? names : nil
    }

    /// From the messages of both dumps; nil when one is not what the kernel sends.
    init?(tables: [Netlink.Message], chains: [Netlink.Message]) {
        var foundTables: Set<TableName> = []
        for message in tables {
            guard message.type == Kind.newTable, let family = message.payload.first,
                let name = Self.texts(of: message)[1]
            else { return nil }
            foundTables.insert(TableName(family: family, name: name))
        }
        var foundChains: Set<Chain> = []
        for message in chains {
            let texts = Self.texts(of: message)
            guard message.type == Kind.newChain, let family = message.payload.first, let table = texts[1],
                let name = texts[3]
            else { return nil }
            foundChains.insert(Chain(table: TableName(family: family, name: table), name: name))
        }
        self.tables = foundTables
        self.chains = foundChains
    }

    // `linux/netfilter.h`, `linux/netfilter/nf_tables.h`: NETLINK_NETFILTER, subsystem 10.
    private static let family: Int32 = 12
    private static let inet: UInt8 = 1
    private static let ipv4: UInt8 = 2
    private static let ipv6: UInt8 = 10
    /// Of all families.
    private static let header: [UInt8] = [0, 0, 0, 0]

    private enum Kind {
        static let newTable: UInt16 = 10 << 8
        static let getTable: UInt16 = 10 << 8 | 1
        static let newChain: UInt16 = 10 << 8 | 3
        static let getChain: UInt16 = 10 << 8 | 4
    }

    /// What an attribute says that is a text: the table's name is number 1 in both kinds, the chain's number 3.
    private static func texts(of message: Netlink.Message) -> [UInt16: String] {
        var texts: [UInt16: String] = [:]
        var attributes = message.payload.dropFirst(header.count)
        while attributes.count >= 4 {
            let length = Int(Netlink.number(attributes, at: 0, as: UInt16.self))
            guard length >= 4, length <= attributes.count else { return [:] }
            let kind = Netlink.number(attributes, at: 2, as: UInt16.self)
            if kind == 1 || kind == 3 {
                let bytes = attributes.dropFirst(4).prefix(length - 4).prefix { $0 != 0 }
                texts[kind] = String(decoding: bytes, as: UTF8.self)
            }
            attributes = attributes.dropFirst((length + 3) & ~3)
        }
        return texts
    }
}
