import CertificateAuthority
package import ControlProtocol
import FoundationEssentials
import Glibc
package import Settings
import SystemCalls

/// What is brought to every host, read once.
package struct Materials: Hashable, Sendable {
    package let binary: AgentBinary
    /// By file, with its digest.
    package let contents: [ProvisionedFile: [UInt8]]
    package let digests: [ProvisionedFile: String]

    package init(binary: AgentBinary, unit: [UInt8], authority: [UInt8], revocationList: [UInt8]) {
        self.binary = binary
        contents = [
            .binary: binary.content, .unit: unit, .authority: authority, .revocationList: revocationList,
        ]
        digests = [
            .binary: binary.sha256, .unit: ContentDigest.sha256(Data(unit)),
            .authority: ContentDigest.sha256(Data(authority)),
            .revocationList: ContentDigest.sha256(Data(revocationList)),
        ]
    }

    /// - Parameters:
    ///   - agent: nil for the one beside this program, or the one of this machine.
    ///   - unit: nil for the one beside the agent, or where packages put it.
    package static func read(agent: String?, unit: String?, pki: FleetPKI) throws(ProvisioningError)
        -> Materials
    {
        let agents =
            agent.map { [$0] } ?? [
                ownFolder + "/mitosis-agent", "/usr/lib/mitosis/mitosis-agent", "/usr/bin/mitosis-agent",
            ]
        guard let agentPath = agents.first(where: { access($0, R_OK) == 0 }) else {
            throw .noAgentProgram(looked: agents)
        }
        let name = ProvisionedFile.unitName
        let units =
            unit.map { [$0] } ?? [
                ownFolder + "/" + name, ownFolder + "/../../deploy/" + name,
                ownFolder + "/../share/mitosis/" + name,
                "/usr/lib/systemd/system/" + name, "/lib/systemd/system/" + name,
            ]
        guard let unitPath = units.first(where: { access($0, R_OK) == 0 }) else {
            throw .noUnit(looked: units)
        }
        let directory = PKIDirectory(path: pki.directory)
        return Materials(
            binary: AgentBinary(try content(agentPath, .binary)),
            unit: try content(unitPath, .unit),
            authority: try content(directory.authorityPath, .authority),
            revocationList: try content(directory.revocationListPath, .revocationList)
        )
    }

    private static func content(_ path: String, _ file: ProvisionedFile) throws(ProvisioningError) -> [UInt8]
    {
        do throws(BoundedFile.Failure) {
            return try BoundedFile(reading: path, limit: Int(clamping: file.sizeLimit)).bytes
        } catch {
            switch error {
            case .unreadable(let failure): throw .unreadable(path: path, reason: failure.reason)
            case .notRegular: throw .unreadable(path: path, reason: "it is no plain file")
            case .tooLarge: throw .unreadable(path: path, reason: "it is larger than any \(file.rawValue)")
            }
        }
    }

    private static var ownFolder: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
