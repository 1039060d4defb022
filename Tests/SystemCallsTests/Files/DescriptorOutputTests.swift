import Glibc
import SystemCalls
import Testing

@Suite("Writing the whole of something")
struct DescriptorOutputTests {
    @Test("what does not fit into a pipe at once arrives whole and in order")
    func whole() async throws {
        let (reading, writing) = try PrivatePipe.open()
        let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        async let received = Self.content(of: reading)
        let failure: SystemCallError? = await BlockingThread.run {
            defer { close(writing) }
            do throws(SystemCallError) {
                try DescriptorOutput.write(content, to: writing)
                return nil
            } catch {
                return error
            }
        }
        #expect(failure == nil)
        #expect(await received == content)
    }

    @Test("a descriptor that takes no more ends it with the reason, and nothing is tried again")
    func full() throws {
        let (reading, writing) = try PrivatePipe.open(nonBlocking: true)
        defer {
            close(reading)
            close(writing)
        }
        let error = #expect(throws: SystemCallError.self) {
            try DescriptorOutput.write([UInt8](repeating: 1, count: 1 << 20), to: writing)
        }
        #expect(error?.code == EAGAIN && error?.call == "write")
    }

    @Test("no bytes are no call: even a descriptor that is not open takes them")
    func nothing() throws { try DescriptorOutput.write([], to: -1) }

    @Test("a text for a descriptor that nobody reads is dropped")
    func nobody() { DescriptorOutput.tell("text", to: -1) }

    @Test("a text is told as its bytes in UTF-8")
    func told() async throws {
        let (reading, writing) = try PrivatePipe.open()
        DescriptorOutput.tell("zwölf\n", to: writing)
        close(writing)
        #expect(await Self.content(of: reading) == Array("zwölf\n".utf8))
    }

    /// Everything up to the end; closes `descriptor`.
    private static func content(of descriptor: Int32) async -> [UInt8] {
        await BlockingThread.run {
            defer { close(descriptor) }
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
                all += buffer[..<count]
            }
            return all
        }
    }
}
