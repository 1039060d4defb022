import ControlProtocol
import HostControl

/// The units that belong to an installation.
struct HostUnits: Sendable {
    let agent: any UnitControl
    /// Waits for an order that may lapse, whether or not the agent runs, and starts the other one.
    let lapsePath: any UnitControl
    let lapseService: any UnitControl

    var named: [(String, any UnitControl)] {
        [
            (ProvisionedFile.unitName, agent), (ProvisionedFile.lapsePath.rawValue, lapsePath),
            (ProvisionedFile.lapseService.rawValue, lapseService),
        ]
    }

    static let systemd = HostUnits(
        agent: SystemdUnit(ProvisionedFile.unitName),
        lapsePath: SystemdUnit(ProvisionedFile.lapsePath.rawValue),
        lapseService: SystemdUnit(ProvisionedFile.lapseService.rawValue)
    )
}
