import ControlProtocol

/// Which units and drop-ins of an installation are not as the agent.yaml in place wants them, for the look of `mitosis agents`.
struct UnitsLook: Sendable {
    let places: HostPlaces

    /// A line each; none where there is no configuration that could be used: it is going to be another one.
    func facts() throws(ProvisionFailure) -> [String] {
        let configuration: AgentConfiguration
        do throws(AgentServerError) {
            configuration = try AgentConfigurationReader.read(path: places.path(of: .configuration))
        } catch {
            return []
        }
        let units = GeneratedFiles(places: places).unitChanges(configuration).map {
            "fact stale \(places.path(of: $0.file))"
        }
        return try units
            + HoldPlacing(places: places).changes(configuration).map {
                "fact \($0.text == nil ? "surplus" : "stale") \(places.hold(of: $0.unit))"
            }
    }
}
