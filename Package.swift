// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func module(
    _ name: String,
    uses modules: [String] = [],
    _ libraries: [Target.Dependency] = [],
    resources: [Resource] = []
) -> Target {
    .target(
        name: name,
        dependencies: modules.map { .byName(name: $0) } + libraries,
        resources: resources,
        swiftSettings: strict
    )
}

func program(_ name: String, uses modules: [String], _ libraries: [Target.Dependency] = []) -> Target {
    .executableTarget(
        name: name,
        dependencies: modules.map { .byName(name: $0) } + libraries,
        swiftSettings: strict
    )
}

/// Never optimised themselves: it took longer than everything that they see, which is, in a release build.
func tests(_ name: String, use modules: [String], _ libraries: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name,
        dependencies: modules.map { .byName(name: $0) } + libraries,
        swiftSettings: strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))]
    )
}

func product(_ name: String, of package: String) -> Target.Dependency {
    .product(name: name, package: package)
}

let nio = [product("NIOCore", of: "swift-nio"), product("NIOPosix", of: "swift-nio")]
let tls = product("NIOTLS", of: "swift-nio")
let http = nio + [product("NIOHTTP1", of: "swift-nio")]
let arguments = product("ArgumentParser", of: "swift-argument-parser")
let logging = product("Logging", of: "swift-log")
let sqlite = product("GRDB", of: "GRDB.swift")
let subprocess = [
    product("Subprocess", of: "swift-subprocess"), product("SystemPackage", of: "swift-system"),
]

/// The layers, lowest first.
///
/// A module uses only what stands above it here. docs/architecture.md says why each exists, and `make lint` compares the two.
let layers: [Target] = [
    .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZooKeeper", providers: [.apt(["libzookeeper-mt-dev"])]),

    module("Printable"),
    module("Logs", uses: ["Printable"], [logging]),
    module("SystemCalls", uses: ["Printable"], [product("SystemPackage", of: "swift-system")]),
    module("Tables", uses: ["Printable"]),
    module("Topology", uses: ["Printable"]),
    module("Rehearsals"),
    module("Terminal", uses: ["SystemCalls"], [arguments]),

    module("ControlProtocol", uses: ["COpenSSL", "Printable", "Topology"]),

    module("MutualTLS", uses: ["COpenSSL", "Printable", "SystemCalls"], nio + [tls]),
    module("CertificateAuthority", uses: ["COpenSSL", "MutualTLS", "SystemCalls"]),
    module("Settings", uses: ["CLibYAML", "ControlProtocol", "Printable", "SystemCalls", "Topology"]),

    module(
        "AgentClient",
        uses: ["ControlProtocol", "Logs", "MutualTLS", "Printable", "Topology"],
        http + [tls, logging]
    ),

    module(
        "HostControl",
        uses: ["CZlib", "ControlProtocol", "Logs", "Printable", "SystemCalls", "Topology"],
        subprocess + [logging],
        resources: [.embedInCode("Resources")]
    ),
    module(
        "AgentServer",
        uses: [
            "ControlProtocol", "HostControl", "Logs", "MutualTLS", "Printable", "Settings", "SystemCalls",
            "Topology",
        ],
        http + [arguments, logging]
    ),

    module("ZooKeeperClient", uses: ["CZooKeeper", "Logs", "SystemCalls", "Topology"], [logging]),
    module(
        "KafkaMetadata",
        uses: ["Logs", "Printable", "SystemCalls", "Topology", "ZooKeeperClient"],
        [logging]
    ),
    module(
        "Fleet",
        uses: [
            "AgentClient", "ControlProtocol", "KafkaMetadata", "Logs", "MutualTLS", "Settings", "SystemCalls",
            "Topology",
            "ZooKeeperClient",
        ],
        nio + [logging]
    ),

    module(
        "Provisioning",
        uses: [
            "CertificateAuthority", "ControlProtocol", "Fleet", "Logs", "MutualTLS", "Printable", "Settings",
            "SystemCalls", "Topology",
        ],
        subprocess + [logging]
    ),

    module(
        "Procedure",
        uses: ["ControlProtocol", "Fleet", "KafkaMetadata", "Settings", "SystemCalls", "Topology"],
        resources: [.embedInCode("Resources")]
    ),

    module(
        "Drafting",
        uses: [
            "ControlProtocol", "Fleet", "Printable", "Procedure", "Settings", "SystemCalls", "Topology",
        ]
    ),

    module(
        "Diagnostics",
        uses: ["Fleet", "Logs", "Procedure", "SystemCalls", "Tables", "Topology", "ZooKeeperClient"],
        subprocess + [logging]
    ),

    module("Trees", uses: ["Printable", "SystemCalls", "Topology", "ZooKeeperClient"], [sqlite, logging]),

    module("Journal", uses: ["ControlProtocol", "Fleet", "Printable", "Procedure", "SystemCalls"], [sqlite]),
    module(
        "Reporting",
        uses: [
            "ControlProtocol", "Fleet", "Printable", "Procedure", "Rehearsals", "Settings", "SystemCalls",
            "Tables", "Topology",
        ]
    ),

    module(
        "Commands",
        uses: [
            "CertificateAuthority", "ControlProtocol", "Diagnostics", "Drafting", "Fleet", "Journal",
            "KafkaMetadata",
            "Logs", "MutualTLS", "Printable", "Procedure", "Provisioning", "Rehearsals", "Reporting",
            "Settings", "SystemCalls", "Tables", "Topology", "Trees", "ZooKeeperClient",
        ],
        [arguments, logging]
    ),

    module(
        "LabKit",
        uses: ["Printable", "Rehearsals", "SystemCalls", "Tables", "Topology"],
        subprocess + [arguments],
        resources: [.embedInCode("Resources")]
    ),
]

let programs: [Target] = [
    program("Agent", uses: ["AgentServer", "Logs", "Terminal"], [arguments, logging]),
    program("Coordinator", uses: ["Commands", "Logs", "Terminal"], [arguments, logging]),
    program("Lab", uses: ["LabKit", "Terminal"], [arguments]),
]

/// What several test targets need.
let support: [Target] = [
    .target(
        name: "TestSupport",
        dependencies: ["SystemCalls"],
        path: "Tests/Support",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "Fuzz",
        dependencies: [
            "AgentClient", "AgentServer", "CertificateAuthority", "Commands", "ControlProtocol", "Fleet",
            "HostControl", "Journal", "MutualTLS", "Procedure", "Rehearsals", "Reporting", "Settings",
            "SystemCalls", "TestSupport", "Topology",
            arguments, sqlite, product("NIOEmbedded", of: "swift-nio"),
        ] + http,
        path: "Tests/Fuzz",
        exclude: ["Corpus"],
        swiftSettings: strict
    ),
]

let suites: [Target] = [
    tests("PrintableTests", use: ["Printable", "TestSupport"]),
    tests("LogsTests", use: ["Logs", "TestSupport"], [logging]),
    tests("SystemCallsTests", use: ["Printable", "SystemCalls", "TestSupport"]),
    tests("TopologyTests", use: ["TestSupport", "Topology"]),
    tests("SettingsTests", use: ["ControlProtocol", "Settings", "TestSupport", "Topology"]),
    tests(
        "MutualTLSTests",
        use: ["CertificateAuthority", "COpenSSL", "MutualTLS", "SystemCalls"],
        http + subprocess + [tls]
    ),
    tests(
        "HostControlTests",
        use: ["ControlProtocol", "HostControl", "LabKit", "Logs", "SystemCalls", "TestSupport", "Topology"],
        subprocess + [logging]
    ),
    tests(
        "AgentTests",
        use: [
            "AgentClient", "AgentServer", "CertificateAuthority", "ControlProtocol", "HostControl", "LabKit",
            "Logs",
            "MutualTLS", "Settings", "SystemCalls", "TestSupport",
            "Topology",
        ],
        http + subprocess + [arguments, logging]
    ),
    tests(
        "FleetTests",
        use: [
            "AgentClient", "CertificateAuthority", "ControlProtocol", "Fleet", "Logs", "MutualTLS",
            "Settings", "SystemCalls", "TestSupport", "Topology", "ZooKeeperClient",
        ],
        http
    ),
    tests(
        "ProvisioningTests",
        use: [
            "AgentServer", "CertificateAuthority", "ControlProtocol", "Fleet", "Logs", "Provisioning",
            "Settings",
            "SystemCalls", "TestSupport", "Topology",
        ],
        [logging]
    ),
    tests(
        "ProcedureTests",
        use: [
            "ControlProtocol", "Fleet", "Journal", "KafkaMetadata", "Procedure", "Reporting", "Settings",
            "SystemCalls", "TestSupport", "Topology",
        ]
    ),
    tests(
        "DraftingTests",
        use: ["ControlProtocol", "Drafting", "Fleet", "Settings", "SystemCalls", "TestSupport", "Topology"]
    ),
    tests(
        "CommandsTests",
        use: [
            "CertificateAuthority", "Commands", "ControlProtocol", "Diagnostics", "Drafting", "Fleet",
            "Journal",
            "KafkaMetadata",
            "MutualTLS", "Printable", "Procedure", "Rehearsals", "Reporting", "Settings", "SystemCalls",
            "TestSupport", "Topology",
        ],
        [arguments]
    ),
    tests(
        "JournalTests",
        use: ["ControlProtocol", "Fleet", "Journal", "Procedure", "TestSupport"],
        [sqlite]
    ),
    tests(
        "ReportingTests",
        use: [
            "ControlProtocol", "Fleet", "Printable", "Procedure", "Rehearsals", "Reporting", "Settings",
            "Tables", "TestSupport", "Topology",
        ]
    ),
    tests("KafkaMetadataTests", use: ["KafkaMetadata", "TestSupport", "Topology"]),
    tests(
        "ZooKeeperClientTests",
        use: [
            "ControlProtocol", "CZooKeeper", "Fleet", "Settings", "TestSupport", "Topology",
            "ZooKeeperClient",
        ]
    ),
    tests(
        "DiagnosticsTests",
        use: [
            "Diagnostics", "Logs", "Procedure", "SystemCalls", "TestSupport", "Topology", "Trees",
            "ZooKeeperClient",
        ],
        [sqlite]
    ),
    tests("FuzzTests", use: []),
    tests(
        "EndToEndTests",
        use: [
            "ControlProtocol", "LabKit", "Printable", "Rehearsals", "Settings", "SystemCalls", "Topology",
        ],
        subprocess
    ),
]

let package = Package(
    name: "mitosis",
    products: [
        .executable(name: "mitosis", targets: ["Coordinator"]),
        .executable(name: "mitosis-agent", targets: ["Agent"]),
        .executable(name: "mitosis-lab", targets: ["Lab"]),
        .executable(name: "mitosis-fuzz", targets: ["Fuzz"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: layers + programs + support + suites
)
