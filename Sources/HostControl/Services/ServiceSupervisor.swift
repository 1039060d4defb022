package import ControlProtocol

/// What starts and stops services on a host: systemd, or commands of the agent's configuration.
///
/// `start` and `stop` ask for a state and give the supervisor's own diagnosis; whether the state was reached
/// is for the caller to observe with `state(of:)`.
package protocol ServiceSupervisor: Sendable {
    /// Throws `.refused` for a service that the agent's configuration does not allow.
    func state(of service: String) async throws(ServiceError) -> ServiceState
    func start(_ service: String) async throws(ServiceError)
    func stop(_ service: String) async throws(ServiceError)
    /// What it does with a service when the host boots, as the last `state` of it has shown; nil when that is not known.
    func boot(of service: String) -> UnitBoot?
    /// Whether `state` shows that a stop has begun while the process still runs.
    ///
    /// From then on the process may be ended by any signal without being started again.
    var showsStopping: Bool { get }
}

extension ServiceSupervisor {
    package func boot(of service: String) -> UnitBoot? { nil }
}
