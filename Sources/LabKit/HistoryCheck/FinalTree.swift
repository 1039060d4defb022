/// What one server holds at the end, read through itself after a sync.
package struct FinalTree: Codable, Sendable {
    /// A node's content and whereabouts.
    package struct Node: Codable, Sendable, Hashable {
        package let value: String
        package let version: Int
        package let zxid: String
        /// The session that owns it; `0x0` when it is not ephemeral.
        package let owner: String

        package init(value: String, version: Int, zxid: String = "0x0", owner: String = "0x0") {
            self.value = value
            self.version = version
            self.zxid = zxid
            self.owner = owner
        }
    }

    /// What one writer left.
    package struct Tree: Codable, Sendable, Hashable {
        package let names: [String]
        package let register: Node?
        package let ephemeral: Node?

        package init(names: [String], register: Node?, ephemeral: Node?) {
            self.names = names
            self.register = register
            self.ephemeral = ephemeral
        }
    }

    package let server: String
    /// By the writer's side; nil when the server could not be read.
    package let trees: [String: Tree]?
    package let error: String?

    package init(server: String, trees: [String: Tree]?, error: String? = nil) {
        self.server = server
        self.trees = trees
        self.error = error
    }
}
