import ControlProtocol
package import HostControl

/// What `mitosis-agent --print-lapse-drop-in` prints: where the unit that undoes a division may write besides.
///
/// An order's file is put back where it lies, and the unit by itself writes nothing below /usr, /home and /root. It narrows nothing:
/// an order names files of its time, which agent.yaml need not list any more.
package struct LapseDropIn: Sendable {
    private let configuration: AgentConfiguration
    private let places: WorkPlaces

    package init(_ configuration: AgentConfiguration, places: WorkPlaces) {
        self.configuration = configuration
        self.places = places
    }

    /// Without directories of data, in which an order changes nothing.
    package init(_ configuration: AgentConfiguration) {
        self.init(configuration, places: WorkPlaces(files: configuration.files, server: nil))
    }

    /// Belongs into /etc/systemd/system/mitosis-lapse.service.d/paths.conf.
    package var text: String {
        let head = """
            # By mitosis-agent --print-lapse-drop-in. Print it anew whenever agent.yaml, or a link on the way to a listed file, changes.

            """
        switch configuration.services {
        case .command:
            return head + """
                # services.manager is "command": only the agent can start what an order has stopped, so that this unit undoes nothing.

                """
        case .systemd:
            return head + """
                [Service]
                \(UnitDropIn.writable(configuration, places))

                """
        }
    }
}
