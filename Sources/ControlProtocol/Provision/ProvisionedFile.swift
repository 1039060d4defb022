/// A file that an installation consists of: its name, its one place on every host, its mode.
///
/// Nothing else can be placed on a host, whatever a coordinator says.
package enum ProvisionedFile: String, Hashable, Sendable, Codable, CaseIterable {
    case binary = "mitosis-agent"
    case unit = "mitosis-agent.service"
    case dropIn = "paths.conf"
    case lapsePath = "mitosis-lapse.path"
    case lapseService = "mitosis-lapse.service"
    case lapseDropIn = "lapse-paths.conf"
    case configuration = "agent.yaml"
    case authority = "ca.pem"
    case revocationList = "ca.crl"
    case certificate = "agent.pem"
    case key = "agent.key"

    /// Where the service manager's unit is found by its name.
    package static let unitName = ProvisionedFile.unit.rawValue
    /// What is under way on a host: staged files, the journal, the lock.
    package static let workFolder = "/var/lib/mitosis-install"
    package static let configurationFolder = "/etc/mitosis"

    package var path: String {
        switch self {
        case .binary: "/usr/bin/mitosis-agent"
        case .unit: "/etc/systemd/system/mitosis-agent.service"
        case .dropIn: "/etc/systemd/system/mitosis-agent.service.d/paths.conf"
        case .lapsePath, .lapseService: "/etc/systemd/system/" + rawValue
        case .lapseDropIn: "/etc/systemd/system/mitosis-lapse.service.d/paths.conf"
        case .configuration: Self.configurationFolder + "/agent.yaml"
        case .authority, .revocationList, .certificate, .key:
            Self.configurationFolder + "/tls/" + rawValue
        }
    }

    package var mode: UInt32 {
        switch self {
        case .binary: 0o755
        case .unit, .dropIn, .lapsePath, .lapseService, .lapseDropIn, .authority, .revocationList,
            .certificate:
            0o644
        case .configuration: 0o640
        case .key: 0o600
        }
    }

    /// Whether the agent reads it only when it starts.
    package var needsRestart: Bool {
        switch self {
        case .binary, .unit, .dropIn, .configuration: true
        case .lapsePath, .lapseService, .lapseDropIn, .authority, .revocationList, .certificate, .key: false
        }
    }

    /// More than any of them has.
    package var sizeLimit: UInt64 {
        switch self {
        case .binary: 1 << 30
        case .unit, .dropIn, .lapsePath, .lapseService, .lapseDropIn, .configuration, .authority,
            .certificate, .key:
            1 << 20
        case .revocationList: 16 << 20
        }
    }
}
