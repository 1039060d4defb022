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

let nio = [
    Target.Dependency.product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let http = nio + [.product(name: "NIOHTTP1", package: "swift-nio")]
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess = [
    Target.Dependency.product(name: "Subprocess", package: "swift-subprocess"),
    .product(name: "SystemPackage", package: "swift-system"),
]

/// Imports go down this list only; docs/architecture.md says why each layer exists.
let package = Package(
    name: "mitosis",
    products: [
        .executable(name: "mitosis", targets: ["Coordinator"]),
        .executable(name: "mitosis-agent", targets: ["Agent"]),
        .executable(name: "mitosis-lab", targets: ["Lab"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZooKeeper", providers: [.apt(["libzookeeper-mt-dev"])]),
        .target(name: "SystemCalls", swiftSettings: strict),
        .target(name: "Topology", swiftSettings: strict),
        .target(name: "YAMLReading", dependencies: ["CLibYAML"], swiftSettings: strict),
        .target(
            name: "MutualTLS",
            dependencies: nio + ["COpenSSL", .product(name: "NIOTLS", package: "swift-nio")],
            swiftSettings: strict
        ),
        .target(name: "ControlProtocol", dependencies: ["Topology", "COpenSSL"], swiftSettings: strict),
        .target(
            name: "Planning",
            dependencies: ["ControlProtocol", "Topology", "YAMLReading"],
            swiftSettings: strict
        ),
        .target(
            name: "HostControl",
            dependencies: ["CZlib", "ControlProtocol", "SystemCalls", "Topology"] + subprocess,
            swiftSettings: strict
        ),
        .target(
            name: "AgentServer",
            dependencies: http + ["ControlProtocol", "MutualTLS", "HostControl", "YAMLReading", "Topology"],
            swiftSettings: strict
        ),
        .target(
            name: "AgentClient",
            dependencies: http + [
                "ControlProtocol", "MutualTLS", "Topology", .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .target(name: "ZooKeeperClient", dependencies: ["CZooKeeper", "Topology"], swiftSettings: strict),
        .target(
            name: "Procedure",
            dependencies: ["ControlProtocol", "Planning", "SystemCalls", "Topology"],
            // The optimiser of 6.3.1 breaks task groups over `any Fleet`: a crash in `FileReading.perform` at once. This is
            // not where time goes.
            swiftSettings: strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))]
        ),
        .target(
            name: "Journaling",
            dependencies: ["Procedure", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict
        ),
        .target(name: "Reporting", dependencies: ["Procedure", "ControlProtocol"], swiftSettings: strict),
        .executableTarget(
            name: "Agent",
            dependencies: nio + ["AgentServer"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Coordinator",
            dependencies: nio + [
                "AgentClient", "ControlProtocol", "Journaling", "MutualTLS", "Planning", "Procedure",
                "Reporting", "SystemCalls", "Topology", "ZooKeeperClient", arguments,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Lab",
            dependencies: ["LabKit", arguments],
            swiftSettings: strict
        ),
        .target(
            name: "LabKit",
            dependencies: ["Topology", "YAMLReading"] + subprocess,
            resources: [.embedInCode("Resources")],
            swiftSettings: strict
        ),
        .testTarget(name: "TopologyTests", dependencies: ["Topology"], swiftSettings: strict),
        .testTarget(
            name: "PlanningTests",
            dependencies: ["ControlProtocol", "Planning", "Topology", "YAMLReading"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "MutualTLSTests",
            dependencies: http + subprocess + [
                "COpenSSL", "MutualTLS", .product(name: "NIOTLS", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "HostControlTests",
            dependencies: ["ControlProtocol", "HostControl", "LabKit", "SystemCalls", "Topology"]
                + subprocess,
            swiftSettings: strict
        ),
        .testTarget(
            name: "AgentTests",
            dependencies: http + subprocess + [
                "AgentClient", "AgentServer", "ControlProtocol", "HostControl", "LabKit", "MutualTLS",
                "Topology",
                "YAMLReading",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ProcedureTests",
            dependencies: [
                "ControlProtocol", "Journaling", "Planning", "Procedure", "Reporting", "SystemCalls",
                "Topology",
                "YAMLReading",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ZooKeeperClientTests",
            dependencies: ["CZooKeeper", "Topology", "ZooKeeperClient"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["LabKit", "Topology"] + subprocess,
            swiftSettings: strict
        ),
    ]
)
