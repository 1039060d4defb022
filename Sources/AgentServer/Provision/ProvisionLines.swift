import ControlProtocol
import FoundationEssentials
import Glibc
import Printable
import SystemCalls

/// The conversation with the coordinator: a line of JSON each way.
struct ProvisionLines: Sendable {
    private static let longest = 1 << 20

    let input: Int32
    let output: Int32

    /// Nil when the coordinator went away.
    func next<Value: Decodable & Bounded & Sendable>(_ type: Value.Type) async throws(ProvisionFailure)
        -> Value?
    {
        guard let line = await BlockingThread.run({ read() }) else { return nil }
        do throws(WireProblem) {
            return try WireJSON.decode(type, from: Data(line))
        } catch {
            throw .refused(
                reason:
                    "the coordinator said what this version does not understand (\(error)); use the same version of both"
            )
        }
    }

    /// A reader that went away changes nothing: what was begun is finished.
    func tell(_ reply: ProvisionReply) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let text = String(decoding: try encoder.encode(reply), as: UTF8.self)
            DescriptorOutput.tell(PrintableText.json(text) + "\n", to: output)
        } catch {
            DescriptorOutput.tell("the reply cannot be written: \(error)\n", to: STDERR_FILENO)
        }
    }

    private func read() -> [UInt8]? {
        var line: [UInt8] = []
        while line.count < Self.longest {
            var byte: UInt8 = 0
            let count = Glibc.read(input, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return line }
            line.append(byte)
        }
        return nil
    }
}
