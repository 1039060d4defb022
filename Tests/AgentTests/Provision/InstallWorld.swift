import CertificateAuthority
import ControlProtocol
import FoundationEssentials
import Glibc
import Logging
import Logs
import Synchronization
import SystemCalls
import Testing

@testable import AgentServer
@testable import HostControl
@testable import MutualTLS

/// A folder in place of `/`, a staged installation, an authority, and a service manager that remembers what it was told.
final class InstallWorld: Sendable {
    let directory: TemporaryDirectory
    let places: HostPlaces
    let unit = RememberingUnit()
    let lapsePath = RememberingUnit()
    let lapseService = RememberingUnit()
    let standard: [ProvisionedFile: String]
    /// What the kernel holds, look by look; the last one stays.
    let kernel = Mutex<[[LocalRules.Backend]]>([[]])
    private let authority: CertificateAuthority.Files

    init() throws {
        directory = try TemporaryDirectory()
        places = HostPlaces(root: directory.path)
        for folder in ["/usr/bin", "/etc/systemd/system", "/var/lib"] {
            try FileManager.default.createDirectory(
                atPath: directory.path + folder,
                withIntermediateDirectories: true
            )
        }
        authority = try CertificateAuthority.Files(in: directory)
        let yaml = """
            host: s1
            listen: {address: "0.0.0.0", port: 9760}
            tls: {certificate: /etc/mitosis/tls/agent.pem, key: /etc/mitosis/tls/agent.key, authority: /etc/mitosis/tls/ca.pem,
              revoked: /etc/mitosis/tls/ca.crl, trust_domain: mitosis}
            state: /var/lib/mitosis
            firewall: {backend: nftables, protected_ports: [22], peers: [198.51.100.0/24]}
            files: [/etc/nowhere/zoo.cfg]
            services: {manager: systemd, allow: [zookeeper.service]}
            zookeeper: {service: zookeeper.service, config: /etc/nowhere/zoo.cfg, hold: true}

            """
        standard = [
            .binary: "binary", .unit: "[Unit]\n", .configuration: yaml, .authority: authority.certificate,
            .revocationList: authority.list,
        ]
    }

    func stage(_ contents: [ProvisionedFile: String]? = nil) throws {
        for folder in [places.workFolder, places.staging] where !HostPlaces.exists(folder) {
            try #require(mkdir(folder, 0o700) == 0)
        }
        for (file, text) in contents ?? standard {
            let path = places.staged(file)
            try Data(text.utf8).write(to: URL(filePath: path))
            try #require(chmod(path, 0o600) == 0)
        }
    }

    private var units: HostUnits {
        HostUnits(agent: unit, lapsePath: lapsePath, lapseService: lapseService)
    }

    func installation(lines: ProvisionLines = ProvisionLines(input: -1, output: -1)) -> Installation {
        Installation(
            places: places,
            units: units,
            lines: lines,
            rules: rules,
            log: .silent
        )
    }

    private var rules: RulesWatch {
        RulesWatch { self.kernel.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
    }

    static let wall = [LocalRules.Backend(backend: .nftables, finding: .rules(count: 2, listing: "x"))]

    private func order(
        _ verb: ProvisionOrder.Verb,
        _ files: [ProvisionedFile],
        makesKey: Bool,
        digests: [String: String] = [:],
        state: String = "/var/lib/mitosis"
    ) throws -> ProvisionOrder {
        let staged = try files.map { file in
            let content = try Data(contentsOf: URL(filePath: places.staged(file)))
            let digest = digests[file.rawValue] ?? ContentDigest.sha256(content)
            return StagedFile(file: file, size: UInt64(content.count), sha256: digest)
        }
        return ProvisionOrder(
            verb: verb,
            host: try #require(HostName("s1")),
            trustDomain: "mitosis",
            state: state,
            files: staged,
            makesKey: makesKey,
            coordinator: "ops"
        )
    }

    /// The coordinator's part is played by a task at the other end of two pipes.
    func install(
        _ files: [ProvisionedFile] = [.binary, .unit, .configuration, .authority, .revocationList],
        makesKey: Bool = true,
        granting kind: String = "agent/s1",
        digests: [String: String] = [:]
    ) async throws -> ProvisionReply.Placed {
        var toHost: [Int32] = [-1, -1]
        var fromHost: [Int32] = [-1, -1]
        try #require(pipe(&toHost) == 0 && pipe(&fromHost) == 0)
        defer { for end in [toHost[0], fromHost[0], fromHost[1]] { close(end) } }
        let (readEnd, writeEnd) = (fromHost[0], toHost[1])
        let authority = authority
        let coordinator = Task {
            defer { close(writeEnd) }
            guard makesKey else { return }
            guard
                let reply = try await ProvisionLines(input: readEnd, output: -1).next(ProvisionReply.self),
                case .request(let pem) = reply
            else { return }
            let certificate = try authority.grant(pem, as: kind)
            let line = try JSONEncoder().encode(ProvisionGrant(certificate: certificate)) + Data("\n".utf8)
            try DescriptorOutput.write(Array(line), to: writeEnd)
        }
        let order = try order(.place, files, makesKey: makesKey, digests: digests)
        let installation = installation(lines: ProvisionLines(input: toHost[0], output: fromHost[1]))
        do {
            let placed = try await installation.place(order)
            _ = await coordinator.result
            return placed
        } catch {
            DescriptorOutput.tell("\n", to: fromHost[1])
            _ = await coordinator.result
            // As the shell program does when nothing is under way any more.
            if !HostPlaces.exists(places.journal) { try FileTree.remove(places.staging) }
            throw error
        }
    }

    /// - Parameter looks: what the kernel holds: before, when the agent was stopped, at the end.
    func remove(
        _ looks: [LocalRules.Backend]...,
        state: String = "/var/lib/mitosis"
    ) async throws -> ProvisionReply.Removed {
        try stage([:])
        kernel.withLock { $0 = looks }
        return try await Removal(places: places, units: units, rules: rules, log: .silent)
            .remove(order(.remove, [], makesKey: false, state: state))
    }

    /// A state directory, as an agent leaves it, with what else is named.
    func leaveState(_ others: String..., at path: String = "/var/lib/mitosis") throws {
        for folder in ["", "/backups", "/orders"] {
            try FileManager.default.createDirectory(
                atPath: places.at(path) + folder,
                withIntermediateDirectories: true
            )
        }
        for name in ["lock", "lease.json", "audit.jsonl.1", "backups/a"] + others {
            try Data("x".utf8).write(to: URL(filePath: "\(places.at(path))/\(name)"))
        }
    }

    var hold: String { places.hold(of: "zookeeper.service") }

    /// The staged configuration with something else in its place.
    func configuration(_ text: String, _ instead: String) throws -> [ProvisionedFile: String] {
        let yaml = try #require(standard[.configuration])
        #expect(yaml.contains(text))
        return [.configuration: yaml.replacing(text, with: instead)]
    }

    func mode(of file: ProvisionedFile) throws -> UInt32 {
        var found = stat()
        try #require(lstat(places.path(of: file), &found) == 0, "\(file)")
        return found.st_mode & 0o7777
    }

    func content(of file: ProvisionedFile) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: places.path(of: file))), as: UTF8.self)
    }

    /// Everything below the root with its mode and content, but for the work folder.
    func tree(of folder: String = "") throws -> [String: String] {
        var tree: [String: String] = [:]
        func walk(_ path: String) throws {
            for name in try FileTree.names(in: path) {
                let entry = "\(path)/\(name)"
                if entry == places.workFolder || path == directory.path && name.hasPrefix("ca.") { continue }
                var found = stat()
                try #require(lstat(entry, &found) == 0)
                let isFolder = found.st_mode & S_IFMT == S_IFDIR
                let isPlain = found.st_mode & S_IFMT == S_IFREG
                let content =
                    isPlain
                    ? String(decoding: try Data(contentsOf: URL(filePath: entry)), as: UTF8.self) : ""
                tree[entry] = "\(String(found.st_mode, radix: 8)) \(content)"
                if isFolder { try walk(entry) }
            }
        }
        try walk(directory.path + folder)
        return tree
    }
}

/// Remembers, and fails when it is told to.
final class RememberingUnit: UnitControl {
    private struct State {
        var log: [String] = []
        var isOn = false
        var isRunning = false
        var failures = 0
    }

    private let state = Mutex(State())

    var log: [String] { state.withLock { $0.log } }
    var isOn: Bool { state.withLock { $0.isOn } }
    var isRunning: Bool { state.withLock { $0.isRunning } }
    func failsNextRestart() { state.withLock { $0.failures = 1 } }

    func reload() async throws(ServiceError) { state.withLock { $0.log.append("reload") } }

    func enable() async throws(ServiceError) {
        state.withLock {
            $0.log.append("enable")
            $0.isOn = true
        }
    }

    func disable() async throws(ServiceError) {
        state.withLock {
            $0.log.append("disable")
            $0.isOn = false
        }
    }

    func restart() async throws(ServiceError) {
        let fails = state.withLock { state in
            state.log.append("restart")
            state.isRunning = state.failures == 0
            defer { state.failures = max(0, state.failures - 1) }
            return state.failures > 0
        }
        if fails { throw .startFailed(service: "mitosis-agent.service", reason: "as told") }
    }

    func stop() async throws(ServiceError) {
        state.withLock {
            $0.log.append("stop")
            $0.isRunning = false
        }
    }

    func isEnabled() async -> Bool { isOn }
    func isActive() async -> Bool { isRunning }
}

extension CertificateAuthority {
    /// An authority in a test's folder, and what it grants.
    struct Files: Sendable {
        let certificate: String
        let list: String
        private let certificatePath: String
        private let keyPath: String

        init(in directory: TemporaryDirectory) throws {
            let domain = try #require(TrustDomain("mitosis"))
            let authority = try CertificateAuthority(creating: domain, now: Date())
            certificatePath = try directory.write("ca.pem", try authority.encodedCertificate())
            keyPath = try directory.write("ca.key", try authority.encodedKey())
            certificate = String(decoding: try authority.encodedCertificate(), as: UTF8.self)
            let number = RevocationNumber(1)
            list = String(
                decoding: try authority.revocationList(of: [], number: number, now: Date()),
                as: UTF8.self
            )
        }

        /// - Parameter kind: whom the certificate names, or `otherKey` for one of a key that is not the request's.
        func grant(_ pem: String, as kind: String) throws -> String {
            let authority = try CertificateAuthority(certificatePath: certificatePath, keyPath: keyPath)
            let request = try CertificateRequest(pem: Array(pem.utf8))
            let own = try TestAuthority.peer("agent/s1")
            let certificate =
                switch kind {
                case "agent/s1": try authority.sign(request, as: own, now: Date()).certificate
                case "otherKey": try authority.issue(own, now: Date()).certificate
                case _: try authority.issue(TestAuthority.peer(kind), now: Date()).certificate
                }
            return String(decoding: certificate, as: UTF8.self)
        }
    }
}
