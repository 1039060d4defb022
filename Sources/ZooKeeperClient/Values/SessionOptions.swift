/// What a session is opened with, besides its servers.
package struct SessionOptions: Hashable, Sendable {
    package enum Transport: Hashable, Sendable {
        case plain
        /// Refused by name: the system's library cannot do it.
        case tls
    }

    /// Asked for; the server clamps it to 2-20 of its ticks.
    package var sessionTimeout: Duration = .seconds(18)
    package var credentials: [Credentials] = []
    package var transport: Transport = .plain
    /// Requests under way at once; more wait their turn in this process.
    package var requestsInFlight = 500

    package init() {}
}

/// What a session authenticates with; sent again by itself after every reconnection.
package struct Credentials: Hashable, Sendable, CustomStringConvertible {
    package let scheme: String
    let secret: [UInt8]

    package static func digest(user: String, password: String) -> Credentials {
        Credentials(scheme: "digest", secret: Array("\(user):\(password)".utf8))
    }

    package init(scheme: String, secret: [UInt8]) {
        self.scheme = scheme
        self.secret = secret
    }

    /// Without the secret, so that it cannot reach a log.
    package var description: String { "\(scheme) credentials" }
}

extension Credentials: CustomDebugStringConvertible, CustomReflectable {
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["scheme": scheme]) }
}
