package import Topology

/// `POST /v1/read/hand-made`, and what `removeHandMadeRules` is given: the addresses that an operator cut off by hand.
///
/// Coordinators only, allowed peers and the agent's own address only.
package struct HandMadeRequest: Hashable, Sendable, Codable {
    package static let mostAddresses = 4096

    /// 1 to 4,096, each once, in order.
    package let addresses: [IPAddress]

    package init(addresses: [IPAddress]) { self.addresses = Array(Set(addresses)).sorted() }
}

/// What a host holds of rules that somebody made by hand against these addresses, read from its kernel and its files.
///
/// Hand-made is a rule in INPUT or OUTPUT of a filter table, or in a base chain there of somebody's nft table, that rejects or
/// drops what comes from these addresses or goes to them, and asks for nothing else of a packet: no port, interface or state.
package struct HandMadeReport: Hashable, Sendable, Codable {
    /// What of each list is told; the counts are of all.
    package static let mostListed = 500

    /// Like rules of one chain, with how many there are.
    package struct Rule: Hashable, Sendable, Codable {
        /// Where it is, for instance `iptables-nft, iptables: filter INPUT`.
        package let place: String
        /// As the host's own program prints it, without its counters.
        package let specification: String
        package let count: Int
        package let packets: UInt64

        package init(place: String, specification: String, count: Int, packets: UInt64) {
            self.place = place
            self.specification = specification
            self.count = count
            self.packets = packets
        }
    }

    /// A rule that concerns one of the addresses and is none of these: it stays, whatever is asked for.
    package struct OtherRule: Hashable, Sendable, Codable {
        package let place: String
        package let specification: String
        /// What sets it apart.
        package let reason: String
        package let count: Int

        package init(place: String, specification: String, reason: String, count: Int) {
            self.place = place
            self.specification = specification
            self.reason = reason
            self.count = count
        }
    }

    /// A rule, of the kernel or of a file, that rejects or drops a set which holds one of the addresses, or of which that is not known.
    package struct SetRule: Hashable, Sendable, Codable {
        /// As of other rules, or `/etc/nftables.conf:17`.
        package let place: String
        package let specification: String
        /// `ipset cut`, `nft set inet filter cut`.
        package let set: String
        /// What the set holds.
        package let reason: String
        package let count: Int

        package init(place: String, specification: String, set: String, reason: String, count: Int) {
            self.place = place
            self.specification = specification
            self.set = set
            self.reason = reason
            self.count = count
        }
    }

    /// A place in a file from which such a rule would come back, or a file of which that is not known.
    package struct FileCopy: Hashable, Sendable, Codable {
        package let path: String
        /// Nil when the whole file is meant.
        package let line: Int?
        package let what: String

        package init(path: String, line: Int?, what: String) {
            self.path = path
            self.line = line
            self.what = what
        }
    }

    /// Hand-made rules in the kernel.
    package let count: Int
    package let rules: [Rule]
    package let otherCount: Int
    package let others: [OtherRule]
    package let copyCount: Int
    package let copies: [FileCopy]
    /// Rules that cut an address off by a set; they stay, for the set may hold others' addresses too.
    package let cutCount: Int
    package let cuts: [SetRule]
    /// What could not be read, or not be removed, and why.
    package let problems: [String]
    /// By this command; 0 for a look.
    package let removed: Int
    /// The folder with all rules of the host as they were before this command changed any; nil when it changed none.
    package let saved: String?

    package init(
        count: Int,
        rules: [Rule],
        otherCount: Int,
        others: [OtherRule],
        copyCount: Int,
        copies: [FileCopy],
        cutCount: Int = 0,
        cuts: [SetRule] = [],
        problems: [String],
        removed: Int = 0,
        saved: String? = nil
    ) {
        self.count = count
        self.rules = Array(rules.prefix(Self.mostListed))
        self.otherCount = otherCount
        self.others = Array(others.prefix(Self.mostListed))
        self.copyCount = copyCount
        self.copies = Array(copies.prefix(Self.mostListed))
        self.cutCount = cutCount
        self.cuts = Array(cuts.prefix(Self.mostListed))
        self.problems = problems
        self.removed = removed
        self.saved = saved
    }

    /// Whether it was read that nothing of the sort is there, nor comes back from a file, nor cuts an address off by a set.
    package var isClean: Bool { count == 0 && copyCount == 0 && cutCount == 0 && problems.isEmpty }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            count: try values.decode(Int.self, forKey: .count),
            rules: try values.decode([Rule].self, forKey: .rules),
            otherCount: try values.decode(Int.self, forKey: .otherCount),
            others: try values.decode([OtherRule].self, forKey: .others),
            copyCount: try values.decode(Int.self, forKey: .copyCount),
            copies: try values.decode([FileCopy].self, forKey: .copies),
            // An older agent does not tell them apart from others.
            cutCount: try values.decodeIfPresent(Int.self, forKey: .cutCount) ?? 0,
            cuts: try values.decodeIfPresent([SetRule].self, forKey: .cuts) ?? [],
            problems: try values.decode([String].self, forKey: .problems),
            removed: try values.decode(Int.self, forKey: .removed),
            saved: try values.decodeIfPresent(String.self, forKey: .saved)
        )
    }
}

/// What stands in a list of addresses and is none.
package enum AddressListMistake: Error, Hashable, Sendable {
    case notAnAddress(String)
    case tooMany(Int)
}

extension AddressListMistake: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notAnAddress(let text):
            "'\(text)' is no address; give addresses, not names or blocks, with commas: 198.51.100.1,2001:db8::1"
        case .tooMany(let count): "\(count) addresses are more than \(HandMadeRequest.mostAddresses)"
        }
    }
}

extension HandMadeRequest {
    /// Addresses with commas between them, as both programs' command lines take them.
    package init(listed text: String) throws(AddressListMistake) {
        var addresses: [IPAddress] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: " ")
            guard words.count == 1, let address = IPAddress(String(words[0])) else {
                throw .notAnAddress(String(part))
            }
            addresses.append(address)
        }
        guard addresses.count <= Self.mostAddresses else { throw .tooMany(addresses.count) }
        self.init(addresses: addresses)
    }
}
