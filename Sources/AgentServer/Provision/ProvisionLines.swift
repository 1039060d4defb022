import ControlProtocol
import FoundationEssentials
import Glibc
import Printable
import SystemCalls

/// The conversation with the coordinator: a line of JSON each way.
struct ProvisionLines: Sendable {
    private static let longest = 1 << 20
    /// A coordinator that is there answers at once; a connection that was cut says nothing, for hours.
    private static let patience: Int32 = 60_000

    let input: Int32
    let output: Int32

    /// Nil when the coordinator went away, or has not said anything for a minute.
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
            var descriptor = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, Self.patience)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return nil }
            let count = Glibc.read(input, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return line }
            line.append(byte)
        }
        return nil
    }
}
