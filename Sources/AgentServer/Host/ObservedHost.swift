import ControlProtocol

/// One look at the host: what `/v1/status` and `/metrics` are made of.
struct ObservedHost: Sendable {
    let rules: Result<InstalledRules, HostActionError>
    let zookeeper: ZooKeeperStatus?
    let services: [NamedService]
    let files: [FileState]
    let managers: [RuleManager]
    let configurationManagers: [RuleManager]
    let reach: [PathReach]
    let order: OrderState?

    init(_ host: any HostActions) async {
        async let services = host.otherServices()
        async let files = host.allowedFiles()
        async let managers = host.ruleManagers()
        async let configurationManagers = host.configurationManagers()
        async let rules = Self.rules(of: host)
        async let zookeeper = host.zookeeper()
        self.rules = await rules
        let seen = await zookeeper
        self.zookeeper = seen
        self.services = await services
        self.files = await files
        self.managers = await managers
        self.configurationManagers = await configurationManagers
        order = await host.order()
        reach = await host.reach(of: seen)
    }

    private static func rules(of host: any HostActions) async -> Result<InstalledRules, HostActionError> {
        do throws(HostActionError) {
            return .success(try await host.installedRules())
        } catch {
            return .failure(error)
        }
    }
}
