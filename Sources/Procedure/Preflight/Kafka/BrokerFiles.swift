import ControlProtocol
import KafkaMetadata
import Settings
import Topology

extension KafkaProcedure {
    /// Nil when the file was not read; the same file must be able to take the new connect string.
    func properties(of broker: PlannedBroker) -> Result<ServerProperties, KafkaFileError> {
        guard let file = survey.kafka?.file(of: broker.host) else {
            return .failure(.missing(key: ServerProperties.connectKey))
        }
        do throws(KafkaFileError) {
            _ = try repointed.content(of: file)
            return .success(try ServerProperties(file.content))
        } catch {
            return .failure(error)
        }
    }

    /// Of the brokers whose file can be used.
    var usable: [(broker: PlannedBroker, properties: ServerProperties)] {
        brokers.compactMap { broker in
            switch properties(of: broker) {
            case .success(let properties): (broker, properties)
            case .failure: nil
            }
        }
    }
}
