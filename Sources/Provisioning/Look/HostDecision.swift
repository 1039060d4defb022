package import CertificateAuthority
package import ControlProtocol
package import FoundationEssentials
import MutualTLS
package import Settings
package import Topology

/// What is to happen on the hosts of a command.
package enum ProvisionVerb: String, Hashable, Sendable {
    case install
    case upgrade
    case configure
    case uninstall
}

/// From a look to a decision; pure.
package struct HostDecision: Sendable {
    package let verb: ProvisionVerb
    package let inventory: Inventory
    /// Of the whole inventory, also of hosts that are not meant.
    package let neighbours: [IPAddress]?
    package let materials: Materials
    package let coordinator: String
    /// Everything that the authority ever issued.
    package let issued: [IssuedCertificate]
    /// Only to look and say what would be done.
    package let isDryRun: Bool
    /// Configurations that the operator saw and agreed to overwrite, by host: the digest of what stood there, empty for none.
    package let agreed: [HostName: String]
    package let now: Date

    /// A certificate is renewed when it ends sooner.
    private static let renewal: TimeInterval = 30 * 86_400

    package init(
        verb: ProvisionVerb,
        inventory: Inventory,
        neighbours: [IPAddress]?,
        materials: Materials,
        coordinator: String,
        issued: [IssuedCertificate],
        isDryRun: Bool,
        agreed: [HostName: String] = [:],
        now: Date
    ) {
        self.verb = verb
        self.inventory = inventory
        self.neighbours = neighbours
        self.materials = materials
        self.coordinator = coordinator
        self.issued = issued
        self.isDryRun = isDryRun
        self.agreed = agreed
        self.now = now
    }

    package func decide(_ look: HostLook, for host: InventoryHost) -> SessionDecision {
        // Told once: a second look finds nothing that was broken off.
        if let objection = look.recoveredRules?.objection {
            return .refuse(["an earlier installation was ended just now; \(objection)"])
        }
        return switch verb {
        case .install: install(look, host)
        case .upgrade: upgrade(look, host)
        case .configure: configure(look, host)
        case .uninstall: uninstall(look, host)
        }
    }

    /// The configuration that a host gets; nil when a look cannot settle it.
    package func configuration(_ look: HostLook, for host: InventoryHost) -> (
        text: [UInt8]?, objections: [String]
    ) {
        let judgement = judgement(look, host)
        let text = judgement.settled.map { Array(AgentFileText(host, $0, pki: inventory.pki).text.utf8) }
        return (text, judgement.objections)
    }

    private func judgement(_ look: HostLook, _ host: InventoryHost) -> LookJudgement {
        LookJudgement(
            look,
            host,
            binary: materials.binary,
            neighbours: neighbours,
            now: Int64(now.timeIntervalSince1970)
        )
    }

    private func install(_ look: HostLook, _ host: InventoryHost) -> SessionDecision {
        let (text, found) = configuration(look, for: host)
        var objections = found
        objections += foreignPackage(look)
        if look.digest(of: .binary) != nil, look.isActive, differs(.binary, look) {
            objections.append(
                "another mitosis-agent runs there (\(look.version ?? "of no version")): use `mitosis agents upgrade`"
            )
        }
        if let text, let present = look.configuration, present != text {
            objections.append(
                "its agent.yaml is another than the inventory makes, and is not overwritten: see `mitosis agents configure`"
            )
        }
        guard objections.isEmpty, let text else { return .refuse(objections) }
        var contents = changed([.binary, .unit, .authority, .revocationList], look)
        if look.digest(of: .configuration) == nil { contents[.configuration] = text }
        return ship(contents, look, host, makesKey: !hasCertificate(look, host))
    }

    private func upgrade(_ look: HostLook, _ host: InventoryHost) -> SessionDecision {
        guard look.uid == 0 else { return .refuse(judgement(look, host).objections) }
        guard look.digest(of: .binary) != nil, look.digest(of: .configuration) != nil else {
            return .refuse(["no agent is installed there: use `mitosis agents install`"])
        }
        var objections = foreignPackage(look) + systemObjections(look, host)
        if let version = look.version, let step = VersionStep.objection(from: version) {
            objections.append(step)
        }
        guard objections.isEmpty else { return .refuse(objections) }
        return ship(
            changed([.binary, .unit, .authority, .revocationList], look),
            look,
            host,
            makesKey: false
        )
    }

    private func configure(_ look: HostLook, _ host: InventoryHost) -> SessionDecision {
        let (text, objections) = configuration(look, for: host)
        guard objections.isEmpty, let text else { return .refuse(objections) }
        guard look.digest(of: .binary) != nil else {
            return .refuse(["no agent is installed there: use `mitosis agents install`"])
        }
        guard look.configuration != text else { return ship([:], look, host, makesKey: false) }
        if !isDryRun, agreed[host.host] != (look.digest(of: .configuration) ?? "") {
            return .refuse(["its agent.yaml has changed since the difference was shown: begin again"])
        }
        return ship([.configuration: text], look, host, makesKey: false)
    }

    private func uninstall(_ look: HostLook, _ host: InventoryHost) -> SessionDecision {
        guard look.uid == 0 else { return .refuse(judgement(look, host).objections) }
        if let package = look.package {
            return .refuse(["its agent came in a package (\(package)): remove that with the package manager"])
        }
        let state = host.settings.state ?? AgentFileText.usualState
        guard !isDryRun else {
            return .wouldChange(
                ["see that no rule of ours stands there, and no order in \(state)"]
                    + (look.digests.keys.sorted() + [state]).map { "remove \($0)" }
            )
        }
        // Without its own binary the host is lent ours for the removal. So is one that has no file of ours: only that
        // program can tell whether a rule, or a state, was left there.
        let contents =
            look.digest(of: .binary) == nil ? [ProvisionedFile.binary: materials.binary.content] : [:]
        return .ship(Shipment(order: order(.remove, host, [:], makesKey: false), contents: contents))
    }

    private func ship(
        _ contents: [ProvisionedFile: [UInt8]],
        _ look: HostLook,
        _ host: InventoryHost,
        makesKey: Bool
    ) -> SessionDecision {
        guard !contents.isEmpty || makesKey || !look.areUnitsSettled else { return .unchanged }
        guard !isDryRun else {
            var words = (contents.keys.map(\.path) + look.stale).sorted().map { "write \($0)" }
            words += look.surplus.map { "remove \($0)" }
            if makesKey { words.append("make a key there and sign its certificate") }
            if !look.isEnabled { words.append("enable \(ProvisionedFile.unitName)") }
            if !look.isWatching { words.append("enable and start \(ProvisionedFile.lapsePath.rawValue)") }
            if !look.isActive {
                words.append("start the agent")
            } else if contents.keys.contains(where: \.needsRestart) {
                words.append("restart the agent")
            }
            return .wouldChange(words)
        }
        return .ship(Shipment(order: order(.place, host, contents, makesKey: makesKey), contents: contents))
    }

    private func order(
        _ verb: ProvisionOrder.Verb,
        _ host: InventoryHost,
        _ contents: [ProvisionedFile: [UInt8]],
        makesKey: Bool
    ) -> ProvisionOrder {
        let files = ProvisionedFile.allCases.compactMap { file -> StagedFile? in
            guard let content = contents[file] else { return nil }
            let digest = materials.digests[file].flatMap { materials.contents[file] == content ? $0 : nil }
            return StagedFile(
                file: file,
                size: UInt64(content.count),
                sha256: digest ?? ContentDigest.sha256(Data(content))
            )
        }
        return ProvisionOrder(
            verb: verb,
            host: host.host,
            trustDomain: inventory.pki.trustDomain,
            state: host.settings.state ?? AgentFileText.usualState,
            files: files,
            makesKey: makesKey,
            coordinator: coordinator
        )
    }

    private func changed(_ files: [ProvisionedFile], _ look: HostLook) -> [ProvisionedFile: [UInt8]] {
        materials.contents.filter { files.contains($0.key) && differs($0.key, look) }
    }

    private func differs(_ file: ProvisionedFile, _ look: HostLook) -> Bool {
        look.digest(of: file) != materials.digests[file]
    }

    private func foreignPackage(_ look: HostLook) -> [String] {
        guard let package = look.package, differs(.binary, look) else { return [] }
        return [
            "its agent came in a package (\(package)), which is not overwritten: upgrade that with the package manager"
        ]
    }

    /// What the host must have for any agent, whatever is configured.
    private func systemObjections(_ look: HostLook, _ host: InventoryHost) -> [String] {
        judgement(look, host).objections
    }

    /// A key and a certificate that need not be replaced: of this host, in force for a while, not revoked.
    private func hasCertificate(_ look: HostLook, _ host: InventoryHost) -> Bool {
        guard look.digest(of: .key) != nil, let pem = look.certificate,
            let name = PeerName(host.host.description),
            let domain = TrustDomain(inventory.pki.trustDomain)
        else { return false }
        do throws(TLSError) {
            let presented = try PresentedCertificate(pem: pem, named: "its certificate")
            let record = issued.first { $0.serial == presented.facts.serial }
            return presented.facts.identity(in: domain) == .agent(name)
                && presented.facts.notAfter.timeIntervalSince(now) > Self.renewal && record?.revoked == nil
        } catch {
            return false
        }
    }
}

/// Which versions work with this one: one minor version apart, of the same major.
package enum VersionStep {
    /// - Parameter text: what `mitosis-agent --version` says.
    package static func objection(from text: String) -> String? {
        objection(from: text, to: ProgramVersion.current)
    }

    package static func objection(from text: String, to current: String) -> String? {
        guard let found = text.split(separator: " ").lazy.compactMap({ LibraryVersion($0) }).first,
            let own = LibraryVersion(current)
        else { return "its agent's version ('\(text)') is not understood: install it anew" }
        guard found.major == own.major, abs(found.minor - own.minor) <= 1 else {
            return
                "its agent is \(found), this program \(own): only one minor version at a time is supported; use the one between"
        }
        return found > own
            ? "its agent is newer (\(found)) than this program (\(own)): use the newer mitosis" : nil
    }
}
