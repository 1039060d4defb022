import ArgumentParser

@main
struct Mitosis: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mitosis",
        abstract: "Divides a ZooKeeper ensemble in two without stopping its clients.",
        subcommands: [PKI.self]
    )
}
