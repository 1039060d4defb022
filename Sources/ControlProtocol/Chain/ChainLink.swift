package import FoundationEssentials

/// One entry of the chain that agents keep for a run; its content is the coordinator's, and opaque to them.
package struct ChainLink: Hashable, Sendable, Codable {
    /// 0, 1, 2 and so on.
    package let number: Int
    /// The digest of the entry before; nil for number 0.
    package let previous: String?
    package let content: Data

    package init(number: Int, previous: String?, content: Data) {
        self.number = number
        self.previous = previous
        self.content = content
    }

    /// The next one after `head`.
    package init(after head: ChainHead?, content: Data) {
        self.init(number: (head?.number ?? -1) + 1, previous: head?.digest, content: content)
    }

    /// SHA-256 over all of it: with the digest of the one before in it, it stands for the whole chain up to here.
    package var digest: String {
        ContentDigest.sha256(Data("\(number) \(previous ?? "-")\n".utf8) + content)
    }

    package var head: ChainHead { ChainHead(number: number, digest: digest) }

    package func follows(_ head: ChainHead?) -> Bool {
        number == (head?.number ?? -1) + 1 && previous == head?.digest
    }
}

/// Where a chain ends.
package struct ChainHead: Hashable, Sendable, Codable {
    package let number: Int
    package let digest: String

    package init(number: Int, digest: String) {
        self.number = number
        self.digest = digest
    }
}

extension ChainLink {
    /// Why these entries are no piece of a chain that begins after `head`; nil when they are.
    package static func objection(to links: [ChainLink], after head: ChainHead?) -> String? {
        var head = head
        for link in links {
            guard link.follows(head) else {
                return "entry \(link.number) does not continue the one before it"
            }
            head = link.head
        }
        return nil
    }
}
