package import ControlProtocol
package import Settings

/// Which of a host's files are read for a draft: ZooKeeper's, and what may be a broker's.
package struct WantedFiles: Hashable, Sendable {
    /// What an agent may list is not bounded by what is of use here.
    private static let most = 16

    package let read: [String]
    /// The others that could be a broker's; none where the inventory says which file it is, or that no broker is there.
    package let unread: [String]

    package init(_ status: HostStatus, _ known: InventoryHost) {
        let settings = known.settings
        let told = settings.role == .kafka ? settings.config : nil
        let listed = status.files.map(\.path).filter { $0.hasSuffix(".properties") }
        // A broker has one meta.properties for each of its disks, all with the same id: these come last.
        let candidates = listed.filter { !$0.hasSuffix(BrokerLook.meta) }
        let metas = listed.filter { $0.hasSuffix(BrokerLook.meta) }
        var wanted: [String] = []
        for path in [status.zookeeper?.configPath, told].compactMap(\.self) + candidates + metas
        where !wanted.contains(path) { wanted.append(path) }
        read = Array(wanted.prefix(Self.most))
        switch settings.role {
        case .zookeeper, .other: unread = []
        case .kafka, nil:
            unread = told == nil ? wanted.dropFirst(Self.most).filter { !$0.hasSuffix(BrokerLook.meta) } : []
        }
    }
}
