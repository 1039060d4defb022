import ControlProtocol
import Settings
import Topology

@testable import AgentServer
@testable import HostControl

extension FuzzTarget {
    /// What people and ZooKeeper write.
    static let texts: [FuzzTarget] = [
        FuzzTarget(name: "plan", corpus: "plan") { _ in
            { input in
                guard let document = YAMLDocument.parsed(input) else { return false }
                do throws(PlanError) { _ = try PlanReader.read(document) } catch { _ = error.description }
                return true
            }
        },
        FuzzTarget(name: "agent-configuration", corpus: "agent-configuration") { _ in
            { input in
                guard let document = YAMLDocument.parsed(input) else { return false }
                do throws(YAMLError) {
                    _ = try AgentConfigurationReader.read(document).summary
                } catch {
                    _ = error.description
                }
                return true
            }
        },
        FuzzTarget(name: "zoo-cfg", corpus: "zoo-cfg") { _ in
            { input in
                do throws(ZooConfigurationError) {
                    let configuration = try ZooConfiguration(input)
                    look(at: configuration)
                    rewrite(configuration)
                    return true
                } catch {
                    _ = error.description
                    return false
                }
            }
        },
        FuzzTarget(name: "server-properties", corpus: "server-properties") { _ in
            { input in
                do throws(KafkaFileError) {
                    let properties = try ServerProperties(input)
                    let connect = properties.zookeeperConnect
                    _ = connect.replacingServers(connect.servers.reversed())
                    _ = try properties.replacingConnect(with: connect).content
                    _ = (
                        properties.sessionTimeout, properties.connectionTimeout, properties.brokerID,
                        properties.logDirs
                    )
                    return true
                } catch {
                    _ = error.description
                    return false
                }
            }
        },
        FuzzTarget(name: "iptables-save", corpus: "iptables-save") { _ in
            { input in
                let sought = SoughtAddresses(
                    ["198.51.100.1", "2001:db8::1"].compactMap { IPAddress($0) }
                )
                _ = SavedFile.lines(input, sought: sought)
                _ = NativeFile(input, sought: sought).lines
                _ = FirewalldFile.lines(input, sought: sought)
                _ = HeldSets(saved: String(decoding: input, as: UTF8.self), sought: sought)
                guard let rules = SavedRules(String(decoding: input, as: UTF8.self)) else { return false }
                for rule in rules.rules {
                    _ = IptablesVerdict.of(
                        rule.specification,
                        table: rule.table,
                        chain: rule.chain,
                        sought: sought
                    )
                }
                return true
            }
        },
        FuzzTarget(name: "four-letter-words", corpus: "four-letter-words") { _ in
            { input in
                let text = String(decoding: input, as: UTF8.self)
                _ = ServingReader.sessions(mntr: text)
                if case .yes = ServingReader.parse(srvr: text) { return true }
                return ServingReader.syncedFollowers(mntr: text) != nil
            }
        },
    ]

    private static func rewrite(_ configuration: ZooConfiguration) {
        do throws(ZooConfigurationError) {
            let fewer = try configuration.replacingMembers(Array(configuration.members.dropLast()))
            _ = try ZooConfiguration(fewer.content).members
        } catch {
            _ = error.description
        }
    }

    private static func look(at configuration: ZooConfiguration) {
        _ = (configuration.servers, configuration.clientPort, configuration.dataDir, configuration.dataLogDir)
        _ = (configuration.minSessionTimeout, configuration.maxSessionTimeout, configuration.isObserver)
        _ = (configuration.allowedFourLetterWords, configuration.initLimit, configuration.syncLimit)
        _ = (configuration.clientEndpoint(of: 1), configuration.peerPorts)
        guard let id = ServerID(1) else { return }
        _ =
            configuration.startFaults(of: id).map(\.description)
            + configuration.startRemarks(of: id).map(\.text)
    }
}

extension YAMLDocument {
    fileprivate static func parsed(_ input: [UInt8]) -> YAMLDocument? {
        do throws(YAMLError) { return try YAMLDocument(bytes: input, file: "fuzzed.yaml") } catch {
            _ = error.description
            return nil
        }
    }
}
