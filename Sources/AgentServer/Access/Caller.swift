/// Who is at the other end of a connection, as the certificate says.
package struct Caller: Hashable, Sendable {
    package enum Role: Hashable, Sendable {
        case coordinator
        case viewer
        case agent
    }

    package let role: Role
    /// Without the role: `ops` of `coordinator/ops`.
    package let name: String
    /// The certificate's whole URI.
    package let identity: String
    /// The certificate's serial number, hexadecimal.
    package let serial: String
    /// Address and port of the connection.
    package let peer: String

    package init(role: Role, name: String, identity: String, serial: String, peer: String) {
        self.role = role
        self.name = name
        self.identity = identity
        self.serial = serial
        self.peer = peer
    }

    /// Nil when it may; otherwise why not.
    package func objection(to route: Route) -> String? {
        switch (role, route.audience) {
        case (.coordinator, _), (.viewer, .viewers): nil
        case (.viewer, .coordinators):
            "\(identity) is a viewer: it may read /v1/status and /metrics; this needs a coordinator's certificate"
        case (.agent, _):
            "\(identity) is an agent: agents may ask each other nothing; use a coordinator's or a viewer's certificate"
        }
    }
}
