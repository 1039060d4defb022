import ControlProtocol
import SystemCalls

/// The files of an installation that are made on their host, of what its configuration says.
struct GeneratedFiles: Sendable {
    let places: HostPlaces

    /// What is not in place as it should be, with the text that it should have.
    func changes(_ configuration: AgentConfiguration) -> [(file: ProvisionedFile, text: String)] {
        var changes: [(file: ProvisionedFile, text: String)] = []
        let dropIn = UnitDropIn(configuration).text
        if text(at: places.path(of: .dropIn)) != dropIn { changes.append((.dropIn, dropIn)) }
        return changes + unitChanges(configuration)
    }

    /// Of units alone: for a look, which reads no data directory.
    func unitChanges(_ configuration: AgentConfiguration) -> [(file: ProvisionedFile, text: String)] {
        let units = LapseUnits(state: configuration.state)
        let files: [ProvisionedFile] = [.lapsePath, .lapseService]
        let changed: [(file: ProvisionedFile, text: String)] = files.compactMap { file in
            guard let wanted = units.text(of: file) else { return nil }
            let own = places.path(of: file)
            // One of the operator's own goes before a package's.
            let found = ([own] + places.packaged(file)).first(where: HostPlaces.exists)
            return found.flatMap { text(at: $0) } == wanted ? nil : (file, wanted)
        }
        let dropIn = LapseDropIn(configuration).text
        return changed + (text(at: places.path(of: .lapseDropIn)) == dropIn ? [] : [(.lapseDropIn, dropIn)])
    }

    /// Nil when there is none, or none that can be read: it is written.
    private func text(at path: String) -> String? {
        do throws(BoundedFile.Failure) {
            return String(decoding: try BoundedFile(reading: path, limit: 1 << 20).bytes, as: UTF8.self)
        } catch {
            return nil
        }
    }
}
