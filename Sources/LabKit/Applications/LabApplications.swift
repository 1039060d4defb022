internal import FoundationEssentials

/// Clients of ZooKeeper that are no brokers: a program with a file of its own on a host of its own, each with another kind of file.
package struct LabApplication: Sendable {
    /// In this order from the first host on, again and again.
    package enum Kind: String, Codable, Sendable, CaseIterable {
        case properties
        case environment = "env"
        case json
    }

    package let host: LabHost
    package let kind: Kind

    init(_ host: LabHost, kind: Kind) {
        self.host = host
        self.kind = kind
    }

    package static let tree = "/app"
    package static let ephemerals = tree + "/live"

    /// Where its program keeps its number.
    package var countPath: String { "\(Self.tree)/count/\(host.name)" }
    var fileName: String { "app.\(kind.rawValue)" }

    /// As somebody wrote it years ago.
    func text(_ servers: String) -> String {
        switch kind {
        case .properties:
            "# the app\r\napp.name = \(host.name)\r\nzookeeper.servers : \(servers)\r\napp.retries=3\r\n"
        case .environment:
            "# read by the unit\nAPP_NAME=\(host.name)\nexport ZK_SERVERS=\"\(servers)\"\nJAVA_OPTS=\"-Xmx64m\""
        case .json:
            "{\"name\": \"\(host.name)\",\n \"store\": {\"kind\": \"zookeeper\", \"url\": \"zk://\(servers)\"}}\n"
        }
    }

    /// What the plan says of where it names its servers.
    func connect(_ servers: String) -> String {
        switch kind {
        case .properties: "{property: zookeeper.servers}"
        case .environment: "{variable: ZK_SERVERS}"
        case .json: "{text: \"\(servers)\"}"
        }
    }
}

extension LabConfiguration {
    package var applications: [LabApplication] {
        let kinds = shape.map(\.applications) ?? []
        let every = kinds.isEmpty ? LabApplication.Kind.allCases : kinds
        return applicationHosts.enumerated().map { LabApplication($1, kind: every[$0 % every.count]) }
    }

    /// What their files name before anything moves.
    package var applicationServers: String { sourceHosts.map(\.clientAddress).joined(separator: ",") }

    package func application(on host: LabHost) -> LabApplication? {
        applications.first { $0.host.name == host.name }
    }
}

extension Lab {
    package func file(of application: LabApplication) -> String {
        layout.host(application.host).application(application.fileName)
    }

    /// The last number that its program said was acknowledged, and the session.
    package func counted(by application: LabApplication) throws(LabError) -> (number: Int, session: String)? {
        let log = layout.host(application.host).log(of: .application)
        // Under systemd it is made a moment after the start is done.
        guard FileManager.default.fileExists(atPath: log) else { return nil }
        let said = try Folder.read(log)
        for line in said.split(separator: "\n").reversed() where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            if words.count == 2, let number = Int(words[0]) { return (number, String(words[1])) }
        }
        return nil
    }

    func writeApplications() throws(LabError) {
        for application in configuration.applications {
            let files = layout.host(application.host)
            for folder in files.folders(for: .application) { try Folder.make(folder) }
            try Folder.write(
                application.text(configuration.applicationServers),
                to: files.application(application.fileName)
            )
            let program = files.application("app.py")
            try Folder.write(
                String(decoding: PackageResources.application_py, as: UTF8.self),
                to: program
            )
            let seen = view(of: application.host).applicationFolder
            let command = [
                "/usr/bin/python3", "\(seen)/app.py", "\(seen)/\(application.fileName)",
                application.host.name,
            ]
            try write(HostProgram(name: .application, command: command), of: application.host)
        }
    }

    func startApplications() async throws {
        guard !configuration.applications.isEmpty else { return }
        report("clients: starting \(names(configuration.applicationHosts))")
        for host in configuration.applicationHosts { try await service("start", .application, on: host) }
        let deadline = ContinuousClock.now + .seconds(60)
        for application in configuration.applications {
            while try counted(by: application) == nil {
                guard ContinuousClock.now < deadline else {
                    throw LabError.late(
                        what: "the first number of \(application.host.name)",
                        seconds: 60,
                        seen: said(layout.host(application.host).log(of: .application))
                    )
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// The plan's section.
    static func clients(of lab: Lab) -> String {
        let applications = lab.configuration.applications
        guard !applications.isEmpty else { return "" }
        let rows = applications.map { application in
            let view = lab.view(of: application.host)
            return """
                    - name: \(application.host.name)
                      host: \(application.host.name)
                      address: \(application.host.ipv4)
                      service: \(view.service)
                      config: \(AgentFile.quoted("\(view.applicationFolder)/\(application.fileName)"))
                      connect: \(application.connect(lab.configuration.applicationServers))
                      tree: \(LabApplication.tree)
                      ephemerals: \(LabApplication.ephemerals)
                """
        }
        return """

            trees: [\(LabApplication.tree)]
            clients:
              move:
            \(rows.joined(separator: "\n"))

            """
    }
}
